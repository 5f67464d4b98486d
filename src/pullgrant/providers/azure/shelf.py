"""Finds images to prove with, by what the operator may list at the registry."""

from __future__ import annotations

from collections.abc import Sequence

from pullgrant.errors import NotSignedIn, Refused, Unavailable
from pullgrant.kit.together import all_of
from pullgrant.model.image import Image
from pullgrant.model.reader import Images
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.dataplane import DataPlane
from pullgrant.providers.azure.settings import Settings
from pullgrant.secret import Secret

_CATALOG = "registry:catalog:*"
_EVERYTHING = "repository:*:pull"
_MOST_NAMES, _MOST_TRIES = 100, 4


def find(settings: Settings, registry: DataPlane) -> Images:
    """Return an image inside the scope and, for a narrow scope, one outside it; `why` says why there is none inside."""
    if settings.image is not None and not settings.repositories:
        return Images(inside=settings.image)
    look = _Look(settings, registry)
    try:
        return look.images()
    except (Refused, NotSignedIn, Unavailable) as error:
        return Images(inside=settings.image, why="" if settings.image else f"no image was found: {error.message}")


class _Look:
    def __init__(self, settings: Settings, registry: DataPlane) -> None:
        self._settings, self._registry, self._host = settings, registry, settings.place.host

    def images(self) -> Images:
        entered = self._registry.enter(self._host)
        shown = self._shown(entered)
        names = self._registry.repositories(self._host, shown, most=_MOST_NAMES)
        scope = self._settings.repositories
        exact = [name for name in scope if not name.endswith("/*")]
        inside = list(dict.fromkeys((*exact, *(name for name in names if condition.covers(scope, name)))))
        outside = [name for name in names if not condition.covers(scope, name)]
        wanted = [] if self._settings.image else inside[:_MOST_TRIES]
        tried = [*wanted, *outside[:_MOST_TRIES]]
        tags = dict(zip(tried, all_of(lambda name: self._tag(entered, shown, name), tried), strict=True))
        found = self._settings.image or self._first(wanted, tags)
        why = "" if found else f"nothing that this reader may pull has been pushed to {self._host} yet"
        return Images(inside=found, outside=self._first(outside, tags), why=why)

    def _shown(self, entered: Secret) -> Secret:
        """One pass for everything; a registry in ABAC mode refuses it, and gives one for its catalog (Azure/acr-cli)."""
        try:
            return self._registry.pass_for(self._host, entered, (_CATALOG, _EVERYTHING))
        except Refused:
            return self._registry.pass_for(self._host, entered, (_CATALOG,))

    def _tag(self, entered: Secret, shown: Secret, name: str) -> str:
        """Return a tag of a repository, empty when it has none or may not be looked at."""
        try:
            tags = self._registry.tags(self._host, shown, name, most=1)
        except Refused:
            tags = self._tags_by_name(entered, name)
        return tags[0] if tags else ""

    def _tags_by_name(self, entered: Secret, name: str) -> tuple[str, ...]:
        try:
            shown = self._registry.pass_for(self._host, entered, (f"repository:{name}:pull",))
            return self._registry.tags(self._host, shown, name, most=1)
        except Refused:
            return ()

    def _first(self, names: Sequence[str], tags: dict[str, str]) -> Image | None:
        return next(
            (Image(host=self._host, repository=name, reference=tags[name]) for name in names if tags.get(name)), None
        )
