"""The provider `azure`: a reader of one Azure Container Registry, by one of two methods."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.errors import NotSignedIn, Refused
from pullgrant.kit.http import Http
from pullgrant.model.credential import Issued
from pullgrant.model.reader import Identity, Images, Key, Observed, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.azure import shelf
from pullgrant.providers.azure.finder import Finder
from pullgrant.providers.azure.marks import Marks
from pullgrant.providers.azure.principal import ServicePrincipal
from pullgrant.providers.azure.seam import Seam
from pullgrant.providers.azure.settings import Settings
from pullgrant.providers.azure.slots import is_key
from pullgrant.providers.azure.token import RegistryToken
from pullgrant.providers.azure.waits import Waits

# A new password works after 2 minutes on good days, 10 and more on bad ones (hashicorp/vault#27593); one success proves
# little (hashicorp/terraform-provider-vault#2079). A token's password needs a minute at most
# (learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions).
_ENTRA_SETTLES, _ENTRA_CONFIRMATIONS = timedelta(minutes=12), 5
_TOKEN_SETTLES, _TOKEN_CONFIRMATIONS = timedelta(minutes=3), 2


class Provider:
    """Implements ports.Provider for Azure.

    A reader whose method was changed keeps its name: keys of the former method are withdrawn by the former's rules, and
    `remove` takes back what either has left.
    """

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = settings = Settings.of(reader)
        self._seam = seam = seam or Seam(settings.place.cloud, http)
        waits = Waits(clock)
        finder = Finder(settings.place, seam.resources, waits)
        marks = Marks(owner=owner, host=settings.place.host, name=settings.reader)
        self._principal = ServicePrincipal(settings, marks, seam, finder=finder, waits=waits, clock=clock)
        self._token = RegistryToken(settings, marks, seam, finder=finder, waits=waits, clock=clock)

    @property
    def can(self) -> Capabilities:
        """What this method can do. Only a scope of repositories can refuse a repository."""
        by_token = self._settings.method == "token"
        return Capabilities(
            key_notes=not by_token,
            beside=frozenset({"image", "subscription", "resource_group"}),
            narrows=bool(self._settings.repositories),
            max_keys=4 if by_token else None,
            push_question="token",
            settles_in=_TOKEN_SETTLES if by_token else _ENTRA_SETTLES,
            confirmations=_TOKEN_CONFIRMATIONS if by_token else _ENTRA_CONFIRMATIONS,
        )

    def observe(self) -> Observed:
        """Look at the registry, the identity, its grant and its keys."""
        return self._method.observe()

    def images(self) -> Images:
        """Ask the registry itself, as the operator, what lies on its shelves."""
        self._seam.ready()
        return shelf.find(self._settings, self._seam.registry)

    def ensure(self, *, adopt: bool) -> Identity:
        """Make the identity, or take it over."""
        return self._method.ensure(adopt=adopt)

    def grant(self, identity: Identity) -> None:
        """Give it its one permission, and take what it has beyond."""
        self._method.grant(identity)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """Make a new password, which always ends."""
        return self._method.issue(identity, note=note)

    def withdraw(self, key: Key) -> None:
        """Delete one password, by the method that made it."""
        self._seam.ready()
        (self._token if is_key(key.id) else self._principal).withdraw(key)

    def remove(self, identity: Identity) -> None:
        """Take back the reader, and what is left of it from another method."""
        other = self._principal if self._settings.method == "token" else self._token
        self._method.remove(identity)
        try:
            other.remove(identity)
        except (Refused, NotSignedIn):  # not ours, or an operator without rights there: then this ledger made nothing there
            return

    @property
    def _method(self) -> ServicePrincipal | RegistryToken:
        self._seam.ready()
        return self._token if self._settings.method == "token" else self._principal
