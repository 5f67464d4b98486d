"""The seam to the tokens and scope maps of a registry, through Resource Manager. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pullgrant.providers.azure.answers import Step, classify, said, translated
from pullgrant.providers.azure.found import NewSlotPassword, Registry, ScopeMap, SlotPassword, Token
from pullgrant.providers.azure.pipe import ended, plain
from pullgrant.secret import Secret

T = TypeVar("T")


class Tokens:
    """Tokens of registries, as the operator. Errors of all methods are those of `answers.classify`."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def token(self, registry: Registry, name: str) -> Token | None:
        """Return a token of a registry."""
        step = Step(doing=f"look at the token {name}", right=token_right(registry))
        return self._absent_or(step, lambda: _token(self._of(registry).tokens.get(registry.group, registry.name, name)))

    def scope_map(self, registry: Registry, name: str) -> ScopeMap | None:
        """Return a scope map of a registry."""
        step = Step(doing=f"look at the scope map {name}", right=token_right(registry))
        return self._absent_or(
            step, lambda: _scope_map(self._of(registry).scope_maps.get(registry.group, registry.name, name))
        )

    def put_scope_map(self, registry: Registry, name: str, *, description: str, actions: Sequence[str]) -> ScopeMap:
        """Create a scope map, or replace what it allows."""
        from azure.mgmt.containerregistry import models

        step = Step(doing=f"write the scope map {name}", right=token_right(registry), changes=True)
        body = models.ScopeMap(properties=models.ScopeMapProperties(description=description, actions=list(actions)))
        with translated(step):
            maps = self._of(registry).scope_maps
            return _scope_map(ended(maps.begin_create(registry.group, registry.name, name, body), step))

    def put_token(self, registry: Registry, name: str, scope_map: str) -> Token:
        """Create an enabled token without passwords."""
        from azure.mgmt.containerregistry import models

        step = Step(doing=f"create the token {name}", right=token_right(registry), changes=True)
        body = models.Token(properties=models.TokenProperties(scope_map_id=scope_map, status="enabled"))
        with translated(step):
            return _token(ended(self._of(registry).tokens.begin_create(registry.group, registry.name, name, body), step))

    def generate(self, registry: Registry, token: str, slot: str, expires_at: datetime) -> NewSlotPassword:
        """Make the password of ONE slot; what the slot held is dead."""
        from azure.mgmt.containerregistry import models

        step = Step(doing=f"make {slot} of the token {token}", right=token_right(registry), changes=True)
        body = models.GenerateCredentialsParameters(token_id=f"{registry.id}/tokens/{token}", name=slot, expiry=expires_at)
        with translated(step):
            poller = self._of(registry).registries.begin_generate_credentials(registry.group, registry.name, body)
            made = ended(poller, step)
        mine = next((one for one in made.passwords or () if plain(one.name) == slot and one.value), None)
        if mine is None:
            raise classify(said(200, b"", {}), step)
        return NewSlotPassword(username=made.username or token, secret=Secret(mine.value))

    def change_token(
        self,
        registry: Registry,
        name: str,
        *,
        keep: Sequence[str] | None = None,
        scope_map: str | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Change what is given: `keep` are the slots whose passwords stay, all others are deleted."""
        from azure.mgmt.containerregistry import models

        step = Step(doing=f"change the token {name}", right=token_right(registry), changes=True)
        changed: dict[str, Any] = {"scope_map_id": scope_map} if scope_map else {}
        if enabled is not None:
            changed["status"] = "enabled" if enabled else "disabled"
        with translated(step):
            client = self._of(registry).tokens
            if keep is not None:
                has = client.get(registry.group, registry.name, name).properties.credentials
                stay = [one for one in (has.passwords if has else None) or () if plain(one.name) in keep]
                changed["credentials"] = models.TokenCredentialsProperties(
                    certificates=has.certificates if has else None, passwords=stay
                )
            body = models.TokenUpdateParameters(properties=models.TokenUpdateProperties(**changed))
            ended(client.begin_update(registry.group, registry.name, name, body), step)

    def delete_token(self, registry: Registry, name: str) -> None:
        """Delete a token; one that is not there is nothing."""
        step = Step(doing=f"delete the token {name}", right=token_right(registry), changes=True)
        self._absent_or(
            step, lambda: ended(self._of(registry).tokens.begin_delete(registry.group, registry.name, name), step)
        )

    def delete_scope_map(self, registry: Registry, name: str) -> None:
        """Delete a scope map; one that is not there is nothing."""
        step = Step(doing=f"delete the scope map {name}", right=token_right(registry), changes=True)
        self._absent_or(
            step, lambda: ended(self._of(registry).scope_maps.begin_delete(registry.group, registry.name, name), step)
        )

    def _absent_or(self, step: Step, call: Callable[[], T]) -> T | None:
        from azure.core.exceptions import ResourceNotFoundError

        with translated(step):
            try:
                return call()
            except ResourceNotFoundError:
                return None

    def _of(self, registry: Registry) -> Any:
        return self._client(registry.subscription)


def token_right(registry: Registry) -> str:
    """Return the hint for an operator who may not handle tokens."""
    role = "Container Registry Contributor and Data Access Configuration Administrator"
    return f'You need the role "{role}": az role assignment create --assignee YOU --role "{role}" --scope {registry.id}'


def _scope_map(found: Any) -> ScopeMap:
    its = found.properties
    return ScopeMap(id=found.id, name=found.name, description=str(its.description or ""), actions=tuple(its.actions or ()))


def _token(found: Any) -> Token:
    its = found.properties
    passwords = (its.credentials.passwords if its.credentials else None) or ()
    return Token(
        name=found.name,
        scope_map=str(its.scope_map_id or ""),
        enabled=plain(its.status) != "disabled",
        passwords=tuple(_slot(one) for one in passwords),
    )


def _slot(found: Any) -> SlotPassword:
    return SlotPassword(slot=plain(found.name), created_at=found.creation_time, expires_at=found.expiry)
