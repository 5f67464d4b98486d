"""The roles that the fake knows, as permission patterns, cut down to the permissions that its services check.

Source: cloud.google.com/iam/docs/roles-permissions. A role that is not here is refused by setIamPolicy.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

DOWNLOAD = "artifactregistry.repositories.downloadArtifacts"
UPLOAD = "artifactregistry.repositories.uploadArtifacts"
REMOVE = "artifactregistry.repositories.deleteArtifacts"
OWNER = "roles/owner"

_AR_READER = (
    DOWNLOAD,
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.list",
    "artifactregistry.dockerimages.*",
    "artifactregistry.locations.*",
    "artifactregistry.projectsettings.get",
)
_AR_WRITER = (*_AR_READER, UPLOAD)
_AR_REPO_ADMIN = (*_AR_WRITER, REMOVE)
_ACCOUNT_VIEWER = (
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccountKeys.get",
    "iam.serviceAccountKeys.list",
    "resourcemanager.projects.get",
)
_VIEWER = (
    *_AR_READER,
    *_ACCOUNT_VIEWER,
    "artifactregistry.repositories.getIamPolicy",
    "orgpolicy.policy.get",
    "resourcemanager.projects.getIamPolicy",
    "serviceusage.services.get",
    "serviceusage.services.list",
    "storage.buckets.list",
)
_EDITOR = (
    *_VIEWER,
    *_AR_REPO_ADMIN,
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.update",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.disable",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.undelete",
    "iam.serviceAccounts.update",
    "iam.serviceAccountKeys.*",
    "serviceusage.services.enable",
)
_TOKEN_CREATOR = (
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getOpenIdToken",
    "iam.serviceAccounts.implicitDelegation",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
)
_OBJECT_VIEWER = ("storage.objects.get", "storage.objects.list", "storage.folders.get")

ROLES: dict[str, tuple[str, ...]] = {
    OWNER: (
        *_EDITOR,
        "artifactregistry.*",
        "iam.roles.*",
        "iam.serviceAccounts.setIamPolicy",
        "resourcemanager.projects.*",
        "secretmanager.*",
        "serviceusage.*",
        "storage.buckets.*",
    ),
    "roles/editor": _EDITOR,
    "roles/viewer": _VIEWER,
    "roles/browser": ("resourcemanager.projects.get", "resourcemanager.projects.getIamPolicy"),
    "roles/artifactregistry.reader": _AR_READER,
    "roles/artifactregistry.writer": _AR_WRITER,
    "roles/artifactregistry.repoAdmin": _AR_REPO_ADMIN,
    "roles/artifactregistry.admin": ("artifactregistry.*",),
    "roles/iam.securityReviewer": (*_ACCOUNT_VIEWER, "*.getIamPolicy", "*.list"),
    "roles/iam.serviceAccountAdmin": (*_ACCOUNT_VIEWER[:3], "iam.serviceAccounts.[cdesu]*", "resourcemanager.projects.get"),
    "roles/iam.serviceAccountCreator": ("iam.serviceAccounts.create", "iam.serviceAccounts.get", "iam.serviceAccounts.list"),
    "roles/iam.serviceAccountKeyAdmin": ("iam.serviceAccountKeys.*", "iam.serviceAccounts.get", "iam.serviceAccounts.list"),
    "roles/iam.serviceAccountTokenCreator": (*_TOKEN_CREATOR, "iam.serviceAccounts.get", "iam.serviceAccounts.list"),
    "roles/iam.serviceAccountUser": ("iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list"),
    "roles/iam.serviceAccountViewer": _ACCOUNT_VIEWER,
    "roles/orgpolicy.policyViewer": ("orgpolicy.policy.get",),
    "roles/resourcemanager.projectIamAdmin": (
        "resourcemanager.projects.get",
        "resourcemanager.projects.getIamPolicy",
        "resourcemanager.projects.setIamPolicy",
    ),
    "roles/serviceusage.serviceUsageViewer": ("serviceusage.services.get", "serviceusage.services.list"),
    "roles/storage.admin": ("storage.*",),
    "roles/storage.legacyBucketOwner": (
        "storage.buckets.get",
        "storage.buckets.getIamPolicy",
        "storage.buckets.setIamPolicy",
        "storage.buckets.update",
        "storage.objects.create",
        "storage.objects.delete",
        "storage.objects.list",
    ),
    "roles/storage.legacyBucketReader": ("storage.buckets.get", "storage.objects.list"),
    "roles/storage.legacyBucketWriter": (
        "storage.buckets.get",
        "storage.objects.create",
        "storage.objects.delete",
        "storage.objects.list",
    ),
    "roles/storage.legacyObjectOwner": ("storage.objects.get", "storage.objects.getIamPolicy", "storage.objects.update"),
    "roles/storage.legacyObjectReader": ("storage.objects.get",),
    "roles/storage.objectAdmin": ("storage.objects.*",),
    "roles/storage.objectCreator": ("storage.objects.create",),
    "roles/storage.objectViewer": _OBJECT_VIEWER,
}


def includes(role: str, permission: str) -> bool:
    """Return whether a role holds a permission; an unknown role holds none."""
    return any(fnmatchcase(permission, pattern) for pattern in ROLES.get(role, ()))
