"""Finds the registry that was named, with as few questions as what was given allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pullgrant.errors import NotFound, PullgrantError, Refused, UsageError
from pullgrant.kit.together import all_of, together
from pullgrant.providers.azure.found import Permission, Registry
from pullgrant.providers.azure.hosts import Place
from pullgrant.providers.azure.waits import Waits

_MOST_SEARCHED, _MOST_SHOWN = 10, 3


class Registries(Protocol):
    """The part of the seam that finding needs."""

    def subscriptions(self) -> dict[str, str]: ...
    def registry(self, subscription: str, group: str, name: str) -> Registry: ...
    def registries(self, subscription: str) -> tuple[Registry, ...]: ...
    def permissions(self, scope: str) -> tuple[Permission, ...]: ...


class Finder:
    """Finds one registry: one question with subscription and resource group or with the first alone, two with neither."""

    def __init__(self, place: Place, resources: Registries, waits: Waits) -> None:
        self._place, self._resources, self._waits = place, resources, waits
        self._kept: Registry | None = None

    def look(self) -> Registry:
        """Return the registry as it is now. Raises NotFound, and UsageError when what was given names another or several."""
        if self._place.resource:
            found = self._waits.reading(
                lambda: self._resources.registry(self._place.subscription, self._place.group, self._place.name)
            )
        else:
            found = self._searched()
        if found.login_server != self._place.host:
            raise UsageError(
                f"the registry {found.name} is reached at {found.login_server}, not at {self._place.host}",
                hint=f"Give --registry {found.login_server} --subscription {found.subscription} "
                f"--resource-group {found.group}",
            )
        self._kept = found
        return found

    def look_with(self, needed: Sequence[str]) -> tuple[Registry, str]:
        """Return the registry, and the first of these actions that the operator lacks there; errors as in `look`."""
        if self._place.resource:
            registry, lacking = together(self.look, lambda: self._lacking(self._place.resource, needed))
            return registry, lacking
        found = self.look()
        return found, self._lacking(found.id, needed)

    def _lacking(self, scope: str, needed: Sequence[str]) -> str:
        """Return the first action that the operator's roles lack; "" when they have all, or do not say."""
        try:
            may = self._resources.permissions(scope)
        except PullgrantError:  # the calls themselves will tell
            return ""
        return next((action for action in needed if may and not any(one.allows(action) for one in may)), "")

    def find(self) -> Registry:
        """Return the registry as it was last seen in this run."""
        return self._kept or self.look()

    def _searched(self) -> Registry:
        """Return the registry of this login server, which no other has, wherever the operator sees it."""
        where = (self._place.subscription,) if self._place.subscription else self._subscriptions()
        listed = all_of(self._listed, where)
        refusals = [one for one in listed if isinstance(one, Refused)]
        seen = [each for one in listed if not isinstance(one, Refused) for each in one]
        named = [one for one in seen if one.name.lower() == self._place.name and self._is_in_group(one)]
        exact = [one for one in named if one.login_server == self._place.host]
        if named:
            return (exact or named)[0]
        if refusals:
            raise refusals[0]
        raise NotFound(
            f"there is no registry {self._place.name} in the subscription {' or '.join(where)}",
            hint="`az acr list -o table` shows the registries; give --subscription ID for another subscription.",
        )

    def _subscriptions(self) -> tuple[str, ...]:
        seen = self._waits.reading(self._resources.subscriptions)
        if not seen:
            raise NotFound("your sign-in sees no subscription", hint="Sign in to the right tenant: az login --tenant ID")
        if len(seen) > _MOST_SEARCHED:
            names = ", ".join(f"{one} ({name})" for one, name in sorted(seen.items())[:_MOST_SHOWN])
            raise UsageError(f"your sign-in sees {len(seen)} subscriptions: {names}, ...", hint="Give --subscription ID.")
        return tuple(sorted(seen))

    def _listed(self, subscription: str) -> tuple[Registry, ...] | Refused:
        try:
            return self._waits.reading(lambda: self._resources.registries(subscription))
        except Refused as error:
            return error

    def _is_in_group(self, registry: Registry) -> bool:
        return self._place.group.lower() in ("", registry.group.lower())
