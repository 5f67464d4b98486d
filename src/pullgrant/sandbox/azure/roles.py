"""The built-in roles that matter to a registry, by GUID.

Control plane as Resource Manager lists them; on data, classic and ABAC registries honour different roles:
MicrosoftDocs/azure-management-docs container-registry-rbac-abac-repository-permissions.md. That AcrPull lists the catalog of
a classic registry is unconfirmed; here it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
ACR_PUSH = "8311e382-0749-4cb8-b61a-304f252e45ec"
REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
CATALOG_LISTER = "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7"

CATALOG = "catalog"
_REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories"
DATA_ACTIONS = {
    "pull": f"{_REPOSITORIES}/content/read",
    "push": f"{_REPOSITORIES}/content/write",
    "delete": f"{_REPOSITORIES}/content/delete",
}
_CATALOG_ACTION = "Microsoft.ContainerRegistry/registries/catalog/read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: patterns of management actions, and what it opens on repositories of classic and of ABAC registries."""

    guid: str
    name: str
    description: str
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    data_actions: Sequence[str] = ()
    classic: frozenset[str] = frozenset()
    abac: frozenset[str] = frozenset()

    def allows(self, action: str) -> bool:
        """Return whether the role allows a management action."""
        allowed = any(_matches(pattern, action) for pattern in self.actions)
        return allowed and not any(_matches(pattern, action) for pattern in self.not_actions)


def _matches(pattern: str, action: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), action, re.IGNORECASE) is not None


def _data(*names: str) -> tuple[str, ...]:
    return tuple(f"{_REPOSITORIES}/{name}" for name in names)


_REGISTRY = "Microsoft.ContainerRegistry/registries"
_ALL = (
    Role(
        guid=OWNER,
        name="Owner",
        description="Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        actions=("*",),
        classic=frozenset({"pull", "push", "delete", CATALOG}),
    ),
    Role(
        guid="b24988ac-6180-42a0-ab88-20f7382dd24c",
        name="Contributor",
        description="Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.",
        actions=("*",),
        not_actions=(
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ),
        classic=frozenset({"pull", "push", "delete", CATALOG}),
    ),
    Role(
        guid=READER,
        name="Reader",
        description="View all resources, but does not allow you to make any changes.",
        actions=("*/read",),
        classic=frozenset({"pull", CATALOG}),
    ),
    Role(
        guid="18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        name="User Access Administrator",
        description="Lets you manage user access to Azure resources.",
        actions=("*/read", "Microsoft.Authorization/*"),
        classic=frozenset({"pull", CATALOG}),
    ),
    Role(
        guid=ACR_PULL,
        name="AcrPull",
        description="acr pull",
        actions=(f"{_REGISTRY}/pull/read",),
        classic=frozenset({"pull", CATALOG}),
    ),
    Role(
        guid=ACR_PUSH,
        name="AcrPush",
        description="acr push",
        actions=(f"{_REGISTRY}/pull/read", f"{_REGISTRY}/push/write"),
        classic=frozenset({"pull", "push", CATALOG}),
    ),
    Role(
        guid="c2f4ef07-c644-48eb-af81-4b1b4947fb11",
        name="AcrDelete",
        description="acr delete",
        actions=(f"{_REGISTRY}/artifacts/delete",),
        classic=frozenset({"delete"}),
    ),
    Role(
        guid=REPOSITORY_READER,
        name="Container Registry Repository Reader",
        description="Allows for read access to Azure Container Registry repositories, but excluding catalog listing.",
        data_actions=_data("metadata/read", "content/read"),
        abac=frozenset({"pull"}),
    ),
    Role(
        guid="2a1e307c-b015-4ebd-883e-5b7698a07328",
        name="Container Registry Repository Writer",
        description="Allows for read and write access to Azure Container Registry repositories, but excluding catalog "
        "listing.",
        data_actions=_data("metadata/read", "content/read", "metadata/write", "content/write"),
        abac=frozenset({"pull", "push"}),
    ),
    Role(
        guid="2efddaa5-3f1f-4df3-97df-af3f13818f4c",
        name="Container Registry Repository Contributor",
        description="Allows for read, write, and delete access to Azure Container Registry repositories, but excluding "
        "catalog listing.",
        data_actions=_data(
            "metadata/read", "content/read", "metadata/write", "content/write", "metadata/delete", "content/delete"
        ),
        abac=frozenset({"pull", "push", "delete"}),
    ),
    Role(
        guid=CATALOG_LISTER,
        name="Container Registry Repository Catalog Lister",
        description="Allows for listing all repositories in an Azure Container Registry.",
        data_actions=(_CATALOG_ACTION,),
        abac=frozenset({CATALOG}),
    ),
)
ROLES: Mapping[str, Role] = {role.guid: role for role in _ALL}
