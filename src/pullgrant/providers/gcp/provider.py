"""A service account that may read one registry, and its credential: a JSON key, or an access token that lives an hour."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pullgrant.errors import NotFound, NotOurs, NotVisibleYet, OutcomeUnknown, PermissionDenied, PullgrantError, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.retry import retrying
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.gcp import policy as policies
from pullgrant.providers.gcp import shelf
from pullgrant.providers.gcp import target as targets
from pullgrant.providers.gcp.answers import AlreadyThere, Conflict
from pullgrant.providers.gcp.seam import Seam
from pullgrant.providers.gcp.settings import OBJECT_VIEWER, READER_ROLES, Settings
from pullgrant.providers.gcp.target import Target

TITLE = "Registry reader (pullgrant)"
_MARK = re.compile(r"pullgrant ledger=([0-9a-z-]+)", re.ASCII)
# "60 seconds or more" until a new account is seen: Google's own pages; a lasting 403 shall still show itself soon.
_VISIBLE_WITHIN = timedelta(seconds=90)
_TOKEN_LIFE = timedelta(hours=1)
_MOST_DESCRIPTION = 256
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Seen:
    """The last look: what the next step builds on, so that nothing is asked twice. A policy is used for one write."""

    target: Target
    account: Any
    keys: tuple[Key, ...]
    policies: dict[str, Mapping[str, Any]]


class Provider:
    """Implements ports.Provider for Google Cloud."""

    def __init__(self, reader: Reader, *, owner: str, http: Http, clock: Clock, seam: Seam | None = None) -> None:
        self._settings = Settings.of(reader)
        self._owner, self._clock = owner, clock
        self._seam = seam or Seam(self._settings.project, http)
        self._seen: Seen | None = None
        self._fresh = False
        self._made: set[str] = set()

    @property
    def can(self) -> Capabilities:
        """Keys carry no note; only a repository in Artifact Registry is narrower than what lies beside it."""
        return Capabilities(
            narrows=self._settings.scope == "repository",
            max_keys=targets.MOST_KEYS,
            max_ttl=_TOKEN_LIFE if self._settings.credential == "access-token" else None,
            push_question="token",
            settles_in=timedelta(minutes=8),  # a grant takes "7 minutes or longer": IAM, access-change-propagation
            confirmations=3,
        )

    def observe(self) -> Observed:
        """See ports.Provider; all reads at the same time, those that the operator may lack are done without."""
        settings, seam = self._settings, self._seam
        project, email = settings.registry.project, settings.email
        asks_how = bool(settings.registry.bucket)
        account, keys, state, repository, whole, services, *rules = together(
            _tried(lambda: seam.get_account(email)),
            _tried(lambda: seam.list_keys(email)),
            _tried(lambda: seam.get_project_settings(project) if asks_how else {}),
            _tried(lambda: {} if settings.role == OBJECT_VIEWER else seam.get_repository_policy(settings.registry.resource)),
            _tried(lambda: seam.get_project_policy(project)),
            _tried(lambda: seam.get_services(settings.project, targets.services_of(settings))),
            *(_tried(partial(self._rule, name)) for name in targets.FORBID_KEYS),
        )
        wanted = self._target(state, services, repository)
        found = _there(account)
        mine = tuple(targets.key_of(key) for key in _there(keys) or ())
        policy = self._policy_of(wanted, repository, whole)
        self._seen = Seen(target=wanted, account=found, keys=mine, policies={wanted.kind: policy})
        unseen = whole if isinstance(whole, PullgrantError) else None
        if unseen is None:
            self._seen.policies["project"] = whole
        return Observed(
            ownership=self._ownership(found),
            identity=Identity(id=email) if found is not None else None,
            grant=wanted.grant,
            granted=policies.holds(policy, wanted.role, policies.member_of(email)),
            excess=() if unseen else targets.excess_of(wanted, project, whole, email),
            keys=mine,
            public=wanted.kind != "project" and policies.is_public(policy, READER_ROLES),
            cannot_issue=targets.cannot_issue(settings, rules, mine),
            remarks=targets.remarks_of(wanted, unseen),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider; a name that is taken is looked at before anything is said of it."""
        found = self._looked().account
        if found is None:
            found = self._create()
        if self._ownership(found) is not Ownership.OURS:
            if not adopt:
                raise NotOurs(f"{self._settings.email} exists and is not ours", hint="Give --adopt, or another --reader.")
            self._seam.describe_account(self._settings.email, self._marked(found.description or ""))
        return Identity(id=self._settings.email)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; first what is wanted, then what is beyond it, each under its policy's etag."""
        seen, email = self._looked(), identity.id
        member = policies.member_of(email)
        project = self._settings.registry.project
        held = policies.roles_of(seen.policies.get("project", {}), email)
        self._change(seen.target, lambda policy: policies.with_member(policy, seen.target.role, member))
        beyond = (set(held) & READER_ROLES) - ({seen.target.role} if seen.target.kind == "project" else set())
        if beyond:
            whole = Target(kind="project", role="", resource=project)
            self._change(whole, lambda policy: policies.without_member(policy, email, roles=beyond))

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider. A key whose answer was lost is looked for and deleted: its secret is gone."""
        if self._settings.credential == "access-token":
            return self._token(identity, note)
        before = {key.id for key in self._looked().keys} | self._made
        try:
            made, secret = self._once_visible(lambda: self._seam.create_key(identity.id))
        except OutcomeUnknown as error:
            raise self._taken_back(identity, before, error) from None
        key = targets.key_of(made)
        self._made.add(key.id)
        host = self._settings.registry.host
        return Issued(
            key=key, credential=Credential(server=host, username="_json_key", secret=secret, expires_at=key.expires_at)
        )

    def withdraw(self, key: Key) -> None:
        """See ports.Provider. A vanished key may answer 403: that counts only when the list no longer shows it."""
        if not key.revocable:
            return
        email = self._settings.email
        try:
            self._seam.delete_key(email, key.id)
        except NotFound:
            return
        except PermissionDenied:
            if key.id in {targets.key_of(one).id for one in _there(_tried(lambda: self._seam.list_keys(email))()) or ()}:
                raise

    def remove(self, identity: Identity) -> None:
        """See ports.Provider: disabled first, then the bindings, which would otherwise outlive the account by name."""
        self.observe()
        seen = self._looked()
        if seen.account is not None and self._ownership(seen.account) is not Ownership.OURS:
            raise NotOurs(f"{identity.id} is not ours", hint="It is left as it is.")
        if seen.account is not None:
            self._gone_is_done(lambda: self._seam.disable_account(identity.id))
        whole = Target(kind="project", role="", resource=self._settings.registry.project)
        for place in (seen.target, whole) if "project" in seen.policies else (seen.target,):
            self._change(place, lambda policy: policies.without_member(policy, identity.id))
        if seen.account is not None:
            self._gone_is_done(lambda: self._seam.delete_account(identity.id))

    # What the methods above are made of.

    def _looked(self) -> Seen:
        if self._seen is None:
            self.observe()
        if self._seen is None:
            raise PullgrantError("a look left nothing to build on")
        return self._seen

    def _rule(self, constraint: str) -> Mapping[str, Any]:
        if self._settings.credential != "json-key":
            return {}
        return self._seam.get_effective_policy(self._settings.project, constraint)

    def _target(self, state: Any, services: Any, repository: Any) -> Target:
        """Return the target; Artifact Registry serves a project that says nothing of its hosts but has the repository,

        and one whose settings cannot be read.
        """
        readable = not isinstance(state, PullgrantError)
        redirection = str(state.get("legacyRedirectionState", "")) if readable else "unknown"
        if redirection in targets.UNSAID and self._settings.role == "auto" and not isinstance(repository, PullgrantError):
            redirection = "unknown"
        on_buckets = targets.target_of(self._settings, redirection).role == OBJECT_VIEWER
        targets.check_services(services, self._settings.project, on_buckets=on_buckets)
        if not readable and not isinstance(state, PermissionDenied):
            raise state
        return targets.target_of(self._settings, redirection)

    def _policy_of(self, wanted: Target, repository: Any, whole: Any) -> Mapping[str, Any]:
        if wanted.kind == "bucket":
            return self._seam.get_bucket_policy(wanted.resource)
        answer = repository if wanted.kind == "repository" else whole
        if isinstance(answer, NotFound) and wanted.kind == "repository":
            registry = self._settings.registry
            listed = _tried(lambda: self._seam.list_repositories(registry.project, registry.location))()
            raise targets.missing_repository(self._settings, listed)
        if isinstance(answer, PullgrantError):
            raise answer
        return answer  # type: ignore[no-any-return]

    def _ownership(self, account: Any) -> Ownership:
        if account is None:
            return Ownership.ABSENT
        mark = _MARK.search(account.description or "")
        if mark is None:
            return Ownership.UNMARKED
        return Ownership.OURS if mark[1] == self._owner else Ownership.OTHER_LEDGER

    def _mark(self) -> str:
        return f"pullgrant ledger={self._owner}"

    def _marked(self, words: str) -> str:
        """Return the description with our mark, and as much of its own words as 256 bytes hold (iam.v1)."""
        room = _MOST_DESCRIPTION - len(self._mark()) - 1
        kept = _MARK.sub("", words).strip().encode()[:room].decode(errors="ignore")
        return f"{kept} {self._mark()}".strip()

    def _create(self) -> Any:
        """Create the account; when its name is taken, or no answer came, return what is there under the name."""
        self._fresh = True
        try:
            return self._seam.create_account(self._settings.reader, TITLE, self._mark())
        except AlreadyThere:
            self._fresh = False
            return self._seam.get_account(self._settings.email)
        except OutcomeUnknown as error:
            found = _there(_tried(lambda: self._seam.get_account(self._settings.email))())
            if found is None:
                raise error from None
            return found

    def _token(self, identity: Identity, note: str) -> Issued:
        seconds = int(_TOKEN_LIFE.total_seconds())
        secret, ends = self._once_visible(lambda: self._seam.generate_token(identity.id, seconds))
        key = Key(id=f"token-{note}", created_at=self._clock.now(), expires_at=ends, revocable=False)
        host = self._settings.registry.host
        return Issued(
            key=key, credential=Credential(server=host, username="oauth2accesstoken", secret=secret, expires_at=ends)
        )

    def _once_visible(self, call: Callable[[], T]) -> T:
        """Return the call's result; on an account that was just made, absent and forbidden mean "not seen yet"."""

        def again(error: PullgrantError) -> bool:
            unseen = self._fresh and isinstance(error, NotFound | PermissionDenied)
            return unseen or isinstance(error, NotVisibleYet)

        return retrying(call, timer=self._clock, budget=_VISIBLE_WITHIN, when=again)

    def _taken_back(self, identity: Identity, before: set[str], error: OutcomeUnknown) -> PullgrantError:
        """Delete the one key that a lost call made, and return the error to raise.

        Of several new keys none is known to be ours, and a key may not be listed yet: then it stays unknown.
        """
        try:
            new = {targets.key_of(one).id for one in self._seam.list_keys(identity.id)} - before
            if len(new) != 1:
                return error
            self._seam.delete_key(identity.id, new.pop())
        except PullgrantError:
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")

    def _change(self, place: Target, change: Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], bool]]) -> None:
        """Read, change and write one policy under its etag, again while others change it or a new member is not seen."""
        seen = self._looked()

        def attempt() -> None:
            policy = seen.policies.pop(place.kind, None) or self._read(place)
            changed, differs = change(policy)
            if differs:
                self._write(place, changed)

        def again(error: PullgrantError) -> bool:
            return isinstance(error, Conflict | NotVisibleYet)

        retrying(attempt, timer=self._clock, budget=_VISIBLE_WITHIN, when=again)

    def _read(self, place: Target) -> Mapping[str, Any]:
        if place.kind == "bucket":
            return self._seam.get_bucket_policy(place.resource)
        if place.kind == "project":
            return self._seam.get_project_policy(place.resource)
        return self._seam.get_repository_policy(place.resource)

    def _write(self, place: Target, policy: Mapping[str, Any]) -> None:
        if place.kind == "bucket":
            self._seam.set_bucket_policy(place.resource, policy)
        elif place.kind == "project":
            self._seam.set_project_policy(place.resource, policy)
        else:
            self._seam.set_repository_policy(place.resource, policy)

    @staticmethod
    def _gone_is_done(call: Callable[[], None]) -> None:
        try:
            call()
        except NotFound:
            return


def _tried(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call with its error as a result: what one look lacks shall not lose what the others saw."""

    def tried() -> Any:
        try:
            return call()
        except PullgrantError as error:
            return error

    return tried


def _there(answer: Any) -> Any:
    """Return the answer, None for what does not exist. Raises any other error."""
    if isinstance(answer, NotFound):
        return None
    if isinstance(answer, PullgrantError):
        raise answer
    return answer
