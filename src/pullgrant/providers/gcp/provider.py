"""A service account that may read one registry, and its credential: a JSON key, or an access token that lives an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pullgrant.errors import NotFound, NotOurs, PullgrantError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Issued
from pullgrant.model.reader import Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.gcp import policy as policies
from pullgrant.providers.gcp import shelf
from pullgrant.providers.gcp import target as targets
from pullgrant.providers.gcp.grants import Grants
from pullgrant.providers.gcp.identity import ReaderIdentity
from pullgrant.providers.gcp.keys import TOKEN_LIFE, Keys
from pullgrant.providers.gcp.look import Seen, look
from pullgrant.providers.gcp.policy import Policy
from pullgrant.providers.gcp.seam import Pool, Seam
from pullgrant.providers.gcp.settings import READER_ROLES, Settings
from pullgrant.providers.gcp.target import Target
from pullgrant.providers.gcp.waits import Waits


class Provider:
    """Implements ports.Provider for Google Cloud."""

    def __init__(
        self,
        reader: Reader,
        *,
        owner: str,
        http: Http,
        clock: Clock,
        seam: Seam | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._settings = settings = Settings.of(reader)
        self._seam = seam = seam or Seam(settings.project, http, pool=pool)
        self._waits = waits = Waits(clock)
        self._identity = ReaderIdentity(settings, seam, owner)
        self._grants = Grants(settings, seam, waits=waits)
        self._keys = Keys(settings, seam, waits=waits, clock=clock)
        self._seen: Seen | None = None
        self._read: dict[str, Policy] = {}

    @property
    def can(self) -> Capabilities:
        """Keys carry no note; only a repository in Artifact Registry is narrower than what lies beside it."""
        by_token = self._settings.credential == "access-token"
        return Capabilities(
            narrows=self._settings.scope == "repository",
            max_keys=None if by_token else targets.MOST_KEYS,
            max_ttl=TOKEN_LIFE if by_token else None,
            push_question="token",
            settles_in=timedelta(minutes=8),  # a grant takes "7 minutes or longer": IAM, access-change-propagation
            confirmations=3,
        )

    def observe(self) -> Observed:
        """See ports.Provider; a resource or a service that is not there is what a new key would meet, not an error."""
        self._seen = seen = look(self._seam, self._settings)
        email, project = self._settings.email, self._settings.registry.project
        read = {"project": seen.whole, seen.target.kind: seen.policy}
        self._read = {kind: one for kind, one in read.items() if one is not None and not isinstance(one, PullgrantError)}
        policy = seen.policy or {}
        return Observed(
            ownership=self._identity.ownership(seen.account),
            identity=Identity(id=email) if seen.account is not None else None,
            grant=seen.target.grant,
            granted=policies.holds(policy, seen.target.role, policies.member_of(email)),
            excess=targets.excess_of(seen.target, project, self._read.get("project", {}), email),
            keys=seen.keys,
            public=seen.target.kind != "project" and policies.is_public(policy, READER_ROLES),
            cannot_issue=seen.refusal,
            remarks=targets.remarks_of(seen.target, seen.whole if isinstance(seen.whole, PullgrantError) else None),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider; a name that is taken is looked at before anything is said of it."""
        found = self._looked().account
        if found is None:
            found, self._waits.fresh = self._identity.create()
        if self._identity.ownership(found) is not Ownership.OURS:
            if not adopt:
                raise NotOurs(f"{self._settings.email} exists and is not ours", hint="Give --adopt, or another --reader.")
            self._identity.mark(found)
        return Identity(id=self._settings.email)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; first what is wanted, then what is beyond it, each under its policy's etag.

        What the last look read is used for one write only.
        """
        target, email, project = self._looked().target, identity.id, self._settings.registry.project
        member, role = policies.member_of(email), target.role
        held = set(policies.roles_of(self._read.get("project", {}), email))
        wanted = self._read.pop(target.kind, None)
        self._grants.change(target, lambda policy: policies.with_member(policy, role, member), known=wanted)
        beyond = (held & READER_ROLES) - ({role} if target.kind == "project" else set())
        if beyond:
            whole = Target(kind="project", role="", resource=project)
            self._grants.change(
                whole,
                lambda policy: policies.without_member(policy, email, roles=beyond),
                known=self._read.pop("project", None),
            )

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A key whose answer was lost is looked for and deleted: its secret is gone."""
        if self._settings.credential == "access-token":
            return self._keys.token(note)
        return self._keys.key(self._looked().keys)

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a token dies by itself."""
        if key.revocable:
            self._keys.delete(key.id)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider; what may be repeated when it was interrupted at any point, and needs nothing else to exist.

        The account is disabled first, which ends all of its power; then the bindings go, which would outlive it by name,
        and its keys, which would come back with it; then the account.
        """
        account = self._identity.look()
        ownership = self._identity.ownership(account)
        if ownership not in (Ownership.OURS, Ownership.ABSENT):
            raise NotOurs(f"{identity.id} is not ours", hint="It is left as it is.")
        there = ownership is Ownership.OURS
        if there:
            _gone_is_done(lambda: self._seam.disable_account(identity.id))
        self._grants.remove()
        if there:
            self._keys.delete_all()
            _gone_is_done(lambda: self._seam.delete_account(identity.id))

    def _looked(self) -> Seen:
        if self._seen is None:
            self.observe()
        if self._seen is None:
            raise PullgrantError("a look left nothing to build on")
        return self._seen


def _gone_is_done(call: Callable[[], None]) -> None:
    try:
        call()
    except NotFound:
        return
