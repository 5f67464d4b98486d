"""An Azure in memory behind the seam: it remembers, it can say no for each reason, it can lose answers and settle late."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from pullgrant.errors import NotFound, NotVisibleYet, OutcomeUnknown, PermissionDenied, PullgrantError
from pullgrant.model.credential import Credential
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.answers import AlreadyThere
from pullgrant.providers.azure.found import (
    Application,
    Assignment,
    NewPassword,
    NewSlotPassword,
    Password,
    Permission,
    Principal,
    Registry,
    ScopeMap,
    SlotPassword,
    Token,
)
from pullgrant.secret import Secret
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.scene import StageClock

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group"


def registry(name: str = "demo", **other: Any) -> Registry:
    """Return a registry of the one resource group."""
    base = Registry(
        id=f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/{name}", name=name, login_server=f"{name}.azurecr.io"
    )
    return replace(base, **other)


def knobbed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Log a call and apply the knobs that are set for it: refused, unseen for a while, answer lost after the effect."""
    name = method.__name__

    @functools.wraps(method)
    def around(self: FakeAzure, *args: Any, **named: Any) -> Any:
        self.calls.append(name)
        if name in self.refused:
            raise self.refused[name]
        if self.unseen.get(name, 0) > 0:
            self.unseen[name] -= 1
            raise NotVisibleYet(f"{name}: not seen yet")
        if self.lost.get(name) == "before":
            del self.lost[name]
            raise OutcomeUnknown(f"{name}: no answer")
        result = self.fuse.around(f"azure.{name}", lambda: method(self, *args, **named))
        if self.lost.get(name) == "after":
            del self.lost[name]
            raise OutcomeUnknown(f"{name}: no answer")
        return result

    return around


@dataclass
class FakeAzure:
    """All four doors of the seam over one state."""

    clock: StageClock = field(default_factory=StageClock)
    subscriptions_seen: dict[str, str] = field(default_factory=lambda: {SUBSCRIPTION: "One"})
    registries_there: list[Registry] = field(default_factory=lambda: [registry()])
    apps: dict[str, Application] = field(default_factory=dict)
    sps: dict[str, Principal] = field(default_factory=dict)
    roles: dict[str, tuple[str, Assignment]] = field(default_factory=dict)
    tokens_there: dict[str, Token] = field(default_factory=dict)
    maps: dict[str, ScopeMap] = field(default_factory=dict)
    may: tuple[Permission, ...] = (Permission(actions=("*",)),)
    shelves: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"app": ("v1",), "team/app": ("v2",), "team/other": ("v3",)}
    )
    names_itself: bool = True
    silent_creation: bool = False
    listless: bool = False
    calls: list[str] = field(default_factory=list)
    refused: dict[str, PullgrantError] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    made: int = 0
    fuse: Fuse = field(default_factory=Fuse)

    def pulls(self, credential: Credential, repository: str) -> bool:
        """Say whether a credential that is alive may pull from a repository."""
        secret, now = credential.secret.reveal(), self.clock.now()
        for app in self.apps.values():
            alive = [one for one in app.passwords if f"secret~{one.id}" == secret and one.expires_at > now]
            holder = next((sp for sp in self.sps.values() if sp.app_id == app.app_id and sp.enabled), None)
            if alive and holder and credential.username == app.app_id:
                return any(held_by == holder.id and one.role == condition.ACR_PULL for held_by, one in self.roles.values())
        token = self.tokens_there.get(credential.username)
        if token is None or not token.enabled:
            return False
        alive = [one for one in token.passwords if f"password~{one.created_at:%s}" == secret and one.expires_at > now]
        allowed = next((one.actions for one in self.maps.values() if one.id == token.scope_map), ())
        return bool(alive) and f"repositories/{repository}/content/read" in allowed

    @property
    def seam(self) -> Any:
        """The seam as the provider takes it."""
        return SimpleNamespace(directory=self, resources=self, tokens=self, registry=_Door(self), ready=lambda: None)

    def _listed(self, things: dict[str, Any]) -> tuple[Any, ...]:
        """Return what reads show: nothing while `listless`, as in the first minutes after something was made."""
        return () if self.listless else tuple(things.values())

    def _id(self) -> str:
        self.made += 1
        return f"{self.made:08x}-0000-0000-0000-000000000000"

    # The directory.

    @knobbed
    def application(self, unique_name: str) -> Application | None:
        return next((one for one in self._listed(self.apps) if one.unique_name == unique_name), None)

    @knobbed
    def applications(self, name: str) -> tuple[Application, ...]:
        return tuple(one for one in self._listed(self.apps) if one.name == name)

    @knobbed
    def principal(self, app_id: str) -> Principal | None:
        return next((one for one in self._listed(self.sps) if one.app_id == app_id), None)

    @knobbed
    def principals(self, name: str) -> tuple[Principal, ...]:
        named = {one.app_id for one in self.apps.values() if one.name == name}
        return tuple(one for one in self._listed(self.sps) if one.app_id in named)

    @knobbed
    def create_application(self, unique_name: str, body: dict[str, Any]) -> Application | None:
        for one in self.apps.values():
            if one.unique_name == unique_name:
                return None
        made = Application(
            id=self._id(), app_id=self._id(), name=body["displayName"], unique_name=unique_name, tags=tuple(body["tags"])
        )
        self.apps[made.id] = made
        return None if self.silent_creation else made

    @knobbed
    def change_application(self, application: Application, body: dict[str, Any]) -> None:
        changed = {"tags": tuple(body["tags"])} if "tags" in body else {"unique_name": body["uniqueName"]}
        if "unique_name" in changed and not self.names_itself:
            raise PermissionDenied("uniqueName is read-only")
        self.apps[application.id] = replace(self.apps[application.id], **changed)

    @knobbed
    def create_principal(self, app_id: str) -> Principal:
        if any(one.app_id == app_id for one in self.sps.values()):
            raise OutcomeUnknown("409 already in use")
        made = Principal(id=self._id(), app_id=app_id)
        self.sps[made.id] = made
        return made

    @knobbed
    def disable_principal(self, principal: Principal) -> bool:
        if principal.id not in self.sps:
            return False
        self.sps[principal.id] = replace(self.sps[principal.id], enabled=False)
        return True

    @knobbed
    def add_password(self, application: Application, *, note: str, expires_at: Any) -> NewPassword:
        has = self.apps[application.id]
        key_id = self._id()
        made = Password(id=key_id, note=note, starts_at=self.clock.now(), expires_at=expires_at)
        self.apps[application.id] = replace(has, passwords=(*has.passwords, made))
        return NewPassword(id=key_id, secret=Secret(f"secret~{key_id}"), expires_at=expires_at)

    @knobbed
    def remove_password(self, application_id: str, key_id: str) -> bool:
        has = self.apps.get(application_id)
        if has is None or key_id not in {one.id for one in has.passwords}:
            return False
        self.apps[application_id] = replace(has, passwords=tuple(one for one in has.passwords if one.id != key_id))
        return True

    @knobbed
    def delete_application(self, application: Application) -> bool:
        gone = self.apps.pop(application.id, None)
        self.sps = {key: one for key, one in self.sps.items() if gone is None or one.app_id != gone.app_id}
        return gone is not None

    # Resource Manager.

    @knobbed
    def subscriptions(self) -> dict[str, str]:
        return self.subscriptions_seen

    @knobbed
    def registry(self, subscription: str, group: str, name: str) -> Registry:
        found = [
            one for one in self.registries_there if (one.subscription, one.group, one.name) == (subscription, group, name)
        ]
        if not found:
            raise NotFound(f"no registry {name}")
        return found[0]

    @knobbed
    def registries(self, subscription: str) -> tuple[Registry, ...]:
        return tuple(one for one in self.registries_there if one.subscription == subscription)

    @knobbed
    def permissions(self, scope: str) -> tuple[Permission, ...]:
        return self.may

    @knobbed
    def assignments(self, scope: str, principal_id: str) -> tuple[Assignment, ...]:
        return tuple(one for holder, one in self._listed(self.roles) if holder == principal_id)

    @knobbed
    def assign(self, scope: str, name: str, principal_id: str, wanted: Any, description: str) -> None:
        for other, (holder, one) in self.roles.items():
            if other != name and (holder, one.scope, one.role) == (principal_id, scope, wanted.role):
                raise AlreadyThere("The role assignment already exists.")
        self.roles[name] = (
            principal_id,
            Assignment(id=f"{scope}/{name}", name=name, scope=scope, role=wanted.role, condition=wanted.condition),
        )

    @knobbed
    def unassign(self, assignment: Assignment) -> None:
        self.roles.pop(assignment.name, None)

    # Tokens.

    @knobbed
    def token(self, registry: Registry, name: str) -> Token | None:
        return self.tokens_there.get(name)

    @knobbed
    def scope_map(self, registry: Registry, name: str) -> ScopeMap | None:
        return self.maps.get(name)

    @knobbed
    def put_scope_map(self, registry: Registry, name: str, *, description: str, actions: Any) -> ScopeMap:
        self.maps[name] = ScopeMap(
            id=f"{registry.id}/scopeMaps/{name}", name=name, description=description, actions=tuple(actions)
        )
        return self.maps[name]

    @knobbed
    def put_token(self, registry: Registry, name: str, scope_map: str) -> Token:
        self.tokens_there[name] = Token(name=name, scope_map=scope_map)
        return self.tokens_there[name]

    @knobbed
    def generate(self, registry: Registry, token: str, slot: str, expires_at: Any) -> NewSlotPassword:
        has = self.tokens_there[token]
        self.clock.time += timedelta(seconds=2)
        made = SlotPassword(slot=slot, created_at=self.clock.now(), expires_at=expires_at)
        others = tuple(one for one in has.passwords if one.slot != slot)
        self.tokens_there[token] = replace(has, passwords=(*others, made))
        return NewSlotPassword(username=token, secret=Secret(f"password~{made.created_at:%s}"))

    @knobbed
    def change_token(
        self, registry: Registry, name: str, *, keep: Any = None, scope_map: str | None = None, enabled: bool | None = None
    ) -> None:
        has = self.tokens_there[name]
        kept = has.passwords if keep is None else tuple(one for one in has.passwords if one.slot in keep)
        self.tokens_there[name] = replace(
            has,
            passwords=kept,
            scope_map=scope_map or has.scope_map,
            enabled=has.enabled if enabled is None else enabled,
        )

    @knobbed
    def delete_token(self, registry: Registry, name: str) -> None:
        self.tokens_there.pop(name, None)

    @knobbed
    def delete_scope_map(self, registry: Registry, name: str) -> None:
        self.maps.pop(name, None)


class _Door:
    """The registry's own API; a pass for everything is refused by a registry in ABAC mode."""

    def __init__(self, azure: FakeAzure) -> None:
        self._azure = azure

    def enter(self, host: str) -> Secret:
        self._log("enter")
        return Secret("refresh")

    def pass_for(self, host: str, entered: Secret, scopes: Any) -> Secret:
        self._log("pass_for")
        if "repository:*:pull" in scopes and self._azure.registries_there[0].abac:
            raise PermissionDenied("ask for one repository at a time")
        return Secret(" ".join(scopes))

    def repositories(self, host: str, shown: Secret, *, most: int) -> tuple[str, ...]:
        self._log("repositories")
        if "registry:catalog:*" not in shown.reveal():
            raise PermissionDenied("no right to list")
        return tuple(sorted(self._azure.shelves))[:most]

    def tags(self, host: str, shown: Secret, repository: str, *, most: int) -> tuple[str, ...]:
        self._log("tags")
        if not {"repository:*:pull", f"repository:{repository}:pull"} & set(shown.reveal().split()):
            raise PermissionDenied("no right to read")
        if repository not in self._azure.shelves:
            raise NotFound("no such repository")
        return self._azure.shelves[repository][:most]

    def _log(self, name: str) -> None:
        self._azure.calls.append(name)
        if name in self._azure.refused:
            raise self._azure.refused[name]
