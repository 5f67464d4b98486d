"""Objects of the directory as Microsoft Graph v1.0 shows them.

Shape: azure-cli recording test_create_for_rbac_password_with_assignment @f26362c3.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pullgrant.sandbox.azure.basics import Json
from pullgrant.sandbox.azure.state import Application, Password, Principal, State

_APPLICATION: Json = {
    "deletedDateTime": None,
    "applicationTemplateId": None,
    "disabledByMicrosoftStatus": None,
    "description": None,
    "groupMembershipClaims": None,
    "identifierUris": [],
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "notes": None,
    "serviceManagementReference": None,
    "signInAudience": "AzureADandPersonalMicrosoftAccount",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "samlMetadataUrl": None,
    "defaultRedirectUri": None,
    "certification": None,
    "optionalClaims": None,
    "servicePrincipalLockConfiguration": None,
    "requestSignatureVerification": None,
    "addIns": [],
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": 2,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    },
    "appRoles": [],
    "info": {
        "logoUrl": None,
        "marketingUrl": None,
        "privacyStatementUrl": None,
        "supportUrl": None,
        "termsOfServiceUrl": None,
    },
    "keyCredentials": [],
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
    "web": {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
        "redirectUriSettings": [],
    },
    "spa": {"redirectUris": []},
}
_PRINCIPAL: Json = {
    "deletedDateTime": None,
    "alternativeNames": [],
    "appDescription": None,
    "applicationTemplateId": None,
    "appRoleAssignmentRequired": False,
    "description": None,
    "disabledByMicrosoftStatus": None,
    "homepage": None,
    "loginUrl": None,
    "logoutUrl": None,
    "notes": None,
    "notificationEmailAddresses": [],
    "preferredSingleSignOnMode": None,
    "preferredTokenSigningKeyThumbprint": None,
    "replyUrls": [],
    "servicePrincipalType": "Application",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "samlSingleSignOnSettings": None,
    "addIns": [],
    "appRoles": [],
    "info": {
        "logoUrl": None,
        "marketingUrl": None,
        "privacyStatementUrl": None,
        "supportUrl": None,
        "termsOfServiceUrl": None,
    },
    "keyCredentials": [],
    "oauth2PermissionScopes": [],
    "resourceSpecificApplicationPermissions": [],
    "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
}
# What a client may set; the rest of a published type is the directory's own.
SETTABLE = frozenset(_APPLICATION) - {
    "deletedDateTime",
    "applicationTemplateId",
    "disabledByMicrosoftStatus",
    "certification",
}
SETTABLE_ON_PRINCIPAL = frozenset(_PRINCIPAL) - {"deletedDateTime", "applicationTemplateId", "verifiedPublisher"}


def application_json(state: State, application: Application) -> Json:
    """Return an application with all its properties; a password shows its hint, never its text."""
    named: Json = {
        "id": application.id,
        "appId": application.app_id,
        "createdDateTime": moment(application.created, fine=True),
        "displayName": application.display_name,
        "uniqueName": application.unique_name,
        "publisherDomain": state.domain,
        "passwordCredentials": [password_json(each) for each in application.passwords],
    }
    return {**_APPLICATION, **application.properties, **named}


def principal_json(state: State, principal: Principal) -> Json:
    """Return a service principal with all its properties."""
    application = state.application_by("appId", principal.app_id)
    audience = application.properties.get("signInAudience") if application else None
    named: Json = {
        "id": principal.id,
        "accountEnabled": principal.enabled,
        "appDisplayName": application.display_name if application else principal.display_name,
        "appId": principal.app_id,
        "appOwnerOrganizationId": state.tenant,
        "createdDateTime": moment(principal.created),
        "displayName": principal.display_name,
        "servicePrincipalNames": [principal.app_id],
        "signInAudience": audience or "AzureADandPersonalMicrosoftAccount",
        "passwordCredentials": [password_json(each) for each in principal.passwords],
    }
    return {**_PRINCIPAL, **principal.properties, **named}


def password_json(password: Password, *, secret: str | None = None) -> Json:
    """Return a password credential; `secret` once, when it has just been made."""
    return {
        "customKeyIdentifier": None,
        "displayName": password.display_name,
        "endDateTime": moment(password.end),
        "hint": password.hint,
        "keyId": password.key_id,
        "secretText": secret,
        "startDateTime": moment(password.start),
    }


def moment(when: datetime, *, fine: bool = False) -> str:
    """Return a time as Graph writes it: UTC, whole seconds, or seven digits of one where `fine`."""
    text = f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return f"{text}.{when.microsecond:06d}0Z" if fine else f"{text}Z"
