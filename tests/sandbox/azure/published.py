"""What is published of Azure's APIs, as far as the fake serves it: names of properties, typed by hand."""

from __future__ import annotations

from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# microsoftgraph/msgraph-metadata schemas v1.0-Prod.csdl @f54f11b60956ea7b185ca0447b2b80805836ec7b. The other two clouds'
# schemas of the same commit lack a few of them, none that a client here reads: certification, samlMetadataUrl,
# verifiedPublisher, resourceSpecificApplicationPermissions.
APPLICATION = _words(
    """
    id deletedDateTime addIns api appId applicationTemplateId appRoles authenticationBehaviors certification
    createdByAppId createdDateTime defaultRedirectUri description disabledByMicrosoftStatus displayName
    groupMembershipClaims identifierUris info isDeviceOnlyAuthSupported isDisabled isFallbackPublicClient
    keyCredentials logo managerApplications nativeAuthenticationApisEnabled notes oauth2RequirePostResponse
    optionalClaims parentalControlSettings passwordCredentials publicClient publisherDomain
    requestSignatureVerification requiredResourceAccess samlMetadataUrl serviceManagementReference
    servicePrincipalLockConfiguration signInAudience spa tags tokenEncryptionKeyId uniqueName
    verifiedPublisher web
    """
)
SERVICE_PRINCIPAL = _words(
    """
    id deletedDateTime accountEnabled addIns alternativeNames appDescription appDisplayName appId
    applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired appRoles createdByAppId
    customSecurityAttributes description disabledByMicrosoftStatus displayName homepage info isDisabled
    keyCredentials loginUrl logoutUrl notes notificationEmailAddresses oauth2PermissionScopes
    passwordCredentials preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls
    resourceSpecificApplicationPermissions samlSingleSignOnSettings servicePrincipalNames servicePrincipalType
    signInAudience tags tokenEncryptionKeyId verifiedPublisher
    """
)
PASSWORD_CREDENTIAL = _words(
    """
    customKeyIdentifier displayName endDateTime hint keyId secretText startDateTime
    """
)

# Azure/azure-cli test_create_for_rbac_password_with_assignment.yaml @f26362c373680d984848c226fc44756303ca9fb5: what Graph
# and Resource Manager answered in 2023.
RECORDED_APPLICATION = _words(
    """
    id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime displayName
    description groupMembershipClaims identifierUris isDeviceOnlyAuthSupported isFallbackPublicClient notes
    publisherDomain serviceManagementReference signInAudience tags tokenEncryptionKeyId samlMetadataUrl
    defaultRedirectUri certification optionalClaims servicePrincipalLockConfiguration
    requestSignatureVerification addIns api appRoles info keyCredentials parentalControlSettings
    passwordCredentials publicClient requiredResourceAccess verifiedPublisher web spa
    """
)
RECORDED_PASSWORD = _words(
    """
    customKeyIdentifier displayName endDateTime hint keyId secretText startDateTime
    """
)
RECORDED_SERVICE_PRINCIPAL = _words(
    """
    id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId
    applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired createdDateTime description
    disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes notificationEmailAddresses
    preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls servicePrincipalNames
    servicePrincipalType signInAudience tags tokenEncryptionKeyId samlSingleSignOnSettings addIns appRoles
    info keyCredentials oauth2PermissionScopes passwordCredentials resourceSpecificApplicationPermissions
    verifiedPublisher
    """
)
RECORDED_ROLE_DEFINITION = _words(
    """
    roleName type description assignableScopes permissions createdOn updatedOn createdBy updatedBy
    """
)
RECORDED_ROLE_ASSIGNMENT = _words(
    """
    roleDefinitionId principalId principalType scope condition conditionVersion createdOn updatedOn createdBy
    updatedBy delegatedManagedIdentityResourceId description
    """
)

# Azure/azure-rest-api-specs containerregistry stable/2025-11-01 examples: RegistryGet @1ff559f7 (without the status that is
# null there), TokenCreate @47b59071, ScopeMapCreate @3a88294f, RegistryGenerateCredentials @47b59071.
REGISTRY: Any = {
    "id": "",
    "name": "",
    "type": "",
    "location": "",
    "tags": {},
    "sku": {"name": "", "tier": ""},
    "properties": {
        "loginServer": "",
        "creationDate": "",
        "provisioningState": "",
        "adminUserEnabled": False,
        "networkRuleSet": {"defaultAction": "", "ipRules": []},
        "policies": {
            "quarantinePolicy": {"status": ""},
            "trustPolicy": {"type": "", "status": ""},
            "retentionPolicy": {"days": 0, "lastUpdatedTime": "", "status": ""},
            "exportPolicy": {"status": ""},
            "azureADAuthenticationAsArmPolicy": {"status": ""},
        },
        "encryption": {"status": ""},
        "dataEndpointEnabled": False,
        "dataEndpointHostNames": [],
        "privateEndpointConnections": [],
        "publicNetworkAccess": "",
        "networkRuleBypassOptions": "",
        "networkRuleBypassAllowedForTasks": False,
        "zoneRedundancy": "",
        "anonymousPullEnabled": False,
        "roleAssignmentMode": "",
    },
}
TOKEN: Any = {
    "id": "",
    "name": "",
    "type": "",
    "properties": {"creationDate": "", "scopeMapId": "", "provisioningState": "", "status": "", "credentials": {}},
}
SCOPE_MAP: Any = {
    "name": "",
    "type": "",
    "properties": {"creationDate": "", "type": "", "actions": [], "provisioningState": ""},
}
CREDENTIALS: Any = {"username": "", "passwords": [{"expiry": "", "name": "", "value": ""}]}

# The same folder of authorization 2022-04-01: RoleAssignments_Get @aedce982.
ROLE_ASSIGNMENT: Any = {
    "properties": {"roleDefinitionId": "", "principalId": "", "principalType": "", "scope": ""},
    "id": "",
    "type": "",
    "name": "",
}

# azure-mgmt-authorization 4.0.0, tests/recordings: what the sign-in answered in 2023; without refresh_in and the parts of
# OpenID that only a browser needs.
OPENID = _words(
    """
    token_endpoint token_endpoint_auth_methods_supported jwks_uri response_modes_supported subject_types_supported
    id_token_signing_alg_values_supported response_types_supported scopes_supported issuer request_uri_parameter_supported
    authorization_endpoint device_authorization_endpoint end_session_endpoint tenant_region_scope cloud_instance_name
    cloud_graph_host_name msgraph_host rbac_url
    """
)
DISCOVERY = frozenset({"tenant_discovery_endpoint", "api-version", "metadata"})
ACCESS_TOKEN = frozenset({"token_type", "expires_in", "ext_expires_in", "access_token"})


def lacking(wanted: Any, found: Any, place: str = "") -> list[str]:
    """Return the places of a published body that a served one lacks, or where it holds another type."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [place]
        missing = [f"{place}.{name}" for name in wanted if name not in found]
        deeper = (lacking(value, found[name], f"{place}.{name}") for name, value in wanted.items() if name in found)
        return missing + [each for one in deeper for each in one]
    if isinstance(wanted, list) and wanted and isinstance(found, list):
        return [each for item in found for each in lacking(wanted[0], item, f"{place}[]")] or ([] if found else [place])
    return [] if isinstance(found, type(wanted)) else [place]
