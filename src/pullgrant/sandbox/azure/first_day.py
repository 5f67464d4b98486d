"""The first day of each fake Azure cloud: one tenant, one subscription, one operator, and registries that stand for a world.

| registry | what it is there for |
|---|---|
| demo | classic role assignments, whole registry or nothing |
| democlassic | the same under a name of five letters or more, which az insists on |
| demoabac | role assignments with conditions on repositories |
| nopasswords | applications that mention it may have no passwords |
| shortlife | passwords of applications that mention it live for 30 days at most |
| norights | the operator has no rights on applications that mention it |
| labelled | its login server has a hash in its name |
| empty | a registry without images |
| public | everybody may pull |
| denied | the operator may see it, and no more |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pullgrant.sandbox.azure.basics import new_id
from pullgrant.sandbox.azure.registry_state import Mode, Registry, ScopeMap
from pullgrant.sandbox.azure.roles import CATALOG_LISTER, OWNER, READER, REPOSITORY_READER
from pullgrant.sandbox.azure.state import Application, Assignment, Password, Policy, Principal, State

DOMAIN = "sandbox.onmicrosoft.com"
_IMAGES: Mapping[str, tuple[str, ...]] = {"app": ("v1",), "team/app": ("v1",), "team/other": ("v1",)}
_BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "_repositories_pull": ("content/read",),
    "_repositories_pull_metadata_read": ("content/read", "metadata/read"),
    "_repositories_push": ("content/read", "content/write"),
    "_repositories_push_metadata_write": ("content/read", "content/write", "metadata/read", "metadata/write"),
    "_repositories_admin": ("content/read", "content/write", "content/delete", "metadata/read", "metadata/write"),
}
GROUP = "sandbox"
DENIED_GROUP = "sandbox-denied"


def fill(state: State, subscription: str, operator: Principal, application: Application) -> None:
    """Put the first day into an empty state; `operator` owns the resource group `sandbox`."""
    now = operator.created
    state.subscriptions[subscription] = "Sandbox"
    state.applications[application.id] = application
    state.principals[operator.id] = operator
    for name in ("demo", "democlassic", "nopasswords", "shortlife", "norights"):
        _add(state, subscription, GROUP, name, now)
    _add(state, subscription, GROUP, "demoabac", now, mode="AbacRepositoryPermissions")
    _add(state, subscription, GROUP, "labelled", now).label = "e7h2c0b4fjd8"
    _add(state, subscription, GROUP, "empty", now, images={})
    _add(state, subscription, GROUP, "public", now).anonymous_pull = True
    _add(state, subscription, DENIED_GROUP, "denied", now)
    group = f"/subscriptions/{subscription}/resourceGroups/{GROUP}"
    abac = state.registries["demoabac"].id
    grants = ((group, OWNER), (abac, REPOSITORY_READER), (abac, CATALOG_LISTER), (state.registries["denied"].id, READER))
    for scope, role in (*grants, (f"/subscriptions/{subscription}", READER)):
        _grant(state, operator, scope, role)
    state.policies += [
        Policy(word="nopasswords", forbids_passwords=True),
        Policy(word="shortlife", longest=timedelta(days=30)),
        Policy(word="norights", denies=True),
    ]


def operator_of(object_id: str, app_id: str, password: Password, created: datetime) -> tuple[Principal, Application]:
    """Return the operator and its application, with rights on applications of its own."""
    application = Application(
        id=new_id(), app_id=app_id, display_name="sandbox-operator", created=created, passwords=[password]
    )
    principal = Principal(
        id=object_id,
        app_id=app_id,
        display_name="sandbox-operator",
        created=created,
        permissions=frozenset({"Application.ReadWrite.OwnedBy"}),
    )
    return principal, application


def _add(
    state: State,
    subscription: str,
    group: str,
    name: str,
    created: datetime,
    *,
    mode: Mode = "LegacyRegistryPermissions",
    images: Mapping[str, tuple[str, ...]] = _IMAGES,
) -> Registry:
    registry = Registry(subscription=subscription, group=group, name=name, mode=mode, created=created, images=images)
    for scope_map, verbs in _BUILT_IN.items():
        actions = tuple(f"repositories/*/{verb}" for verb in verbs)
        registry.scope_maps[scope_map] = ScopeMap(name=scope_map, actions=actions, created=created, built_in=True)
    state.registries[name] = registry
    return registry


def _grant(state: State, principal: Principal, scope: str, role: str) -> None:
    name = new_id()
    state.assignments[name] = Assignment(
        name=name,
        scope=scope,
        role=role,
        principal_id=principal.id,
        principal_type=principal.kind,
        created=principal.created,
        updated=principal.created,
        created_by=principal.id,
    )
