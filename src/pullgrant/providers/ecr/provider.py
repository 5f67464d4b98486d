"""A role or user that may pull from one registry, and its credential: a token of ECR that lives twelve hours at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pullgrant.errors import NotFound, NotOurs, PermissionDenied, PullgrantError, QuotaReached, Refused
from pullgrant.kit.http import Http
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Grant, Identity, Images, Key, Observed, Ownership, Reader
from pullgrant.ports import Capabilities, Clock
from pullgrant.providers.ecr import policy as policies
from pullgrant.providers.ecr import shelf
from pullgrant.providers.ecr.identity import ReaderIdentity, Standing
from pullgrant.providers.ecr.neighbours import Documents, Neighbours
from pullgrant.providers.ecr.seam import Pool, Seam
from pullgrant.providers.ecr.settings import Settings
from pullgrant.providers.ecr.tokens import Tokens
from pullgrant.providers.ecr.waits import Waits

TOKEN_LIFE = timedelta(hours=12)
MOST_KEYS = 2
_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The last look: what the next step builds on, so that nothing is asked twice."""

    standing: Standing
    documents: Documents


class Provider:
    """Implements ports.Provider for Amazon ECR."""

    username = "AWS"

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
        pool = pool or Pool()
        self._seam = seam = seam or Seam(registry=settings.registry, sign_in=pool.sign_in(settings.profile), timer=clock)
        self._identity = ReaderIdentity(settings, seam, owner)
        self._neighbours = Neighbours(settings, seam, sid=policies.sid_of(owner, reader.id), timer=clock)
        self._waits = Waits(clock)
        self._tokens = Tokens(settings, seam, waits=self._waits, clock=clock, shared=pool.tokens)
        self._seen: Seen | None = None

    @property
    def can(self) -> Capabilities:
        """ECR has no token service, so that push is asked by an upload; nothing revokes a token."""
        return Capabilities(
            creates_identity=not self._settings.role_arn,
            narrows=bool(self._settings.repositories),
            max_keys=MOST_KEYS if self._settings.method == "user" else None,
            max_ttl=TOKEN_LIFE,
            push_question="upload",
            settles_in=timedelta(minutes=2),  # IAM is eventually consistent, within seconds
            confirmations=3,
            beside=frozenset({"image", "profile"}),
        )

    def observe(self) -> Observed:
        """See ports.Provider; all reads at the same time."""
        settings = self._settings
        standing, _, keys, documents = together(self._look, self._check_repositories, self._keys_now, self._neighbours.look)
        principal = self._principal(standing)
        ownership = Ownership.OURS if settings.role_arn else self._identity.ownership(standing)
        granted = (bool(settings.role_arn) or self._identity.granted(standing)) and (
            ownership is Ownership.ABSENT or self._neighbours.open_to(documents, principal)
        )
        self._seen = Seen(standing=standing, documents=documents)
        self._waits.changing = not granted
        return Observed(
            ownership=ownership,
            identity=Identity(id=principal, label=settings.reader) if principal else None,
            grant=self._grant(),
            granted=granted,
            excess=standing.beyond,
            keys=keys,
            public=settings.registry.public,
            cannot_issue=self._cannot_issue(standing, keys),
            remarks=(*self._remarks(standing), *self._neighbours.remarks(documents, principal)),
        )

    def images(self) -> Images:
        """See ports.Provider."""
        return shelf.find(self._seam, self._settings)

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider; a role given by its ARN is used as it is."""
        if self._settings.role_arn:
            return Identity(id=self._settings.role_arn, label=self._settings.reader)
        seen = self._looked()
        standing = seen.standing
        if standing.entity is None:
            standing, self._waits.fresh = self._identity.create(standing)
        if self._identity.ownership(standing) is not Ownership.OURS:
            if not adopt:
                raise NotOurs(f"{standing.arn} exists and is not ours", hint="Give --adopt, or another --reader.")
            self._identity.mark()
        self._seen = Seen(standing=standing, documents=seen.documents)
        return Identity(id=standing.arn, label=self._settings.reader)

    def grant(self, identity: Identity) -> None:
        """See ports.Provider; first what is wanted, then what is beyond it."""
        seen = self._looked()
        self._waits.start()
        try:
            if not self._settings.role_arn:
                self._waits.seen(lambda: self._identity.give(seen.standing))
                self._identity.narrow(seen.standing)
            self._neighbours.open(seen.documents, identity.id)
        except PullgrantError:
            self._waits.give_up()
            raise

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """See ports.Provider: a token of the reader itself, because a token may what its caller may.

        Readers that were given the same role by its ARN are given the same token, within one run and each of them once.
        A user's token is taken with an access key that is made for it and deleted at once. Where that key cannot be
        deleted, the credential carries it, so that it is withdrawn later.
        """
        taken = self._tokens.by_user() if self._settings.method == "user" else self._tokens.by_role(identity.id, note)
        key = taken.left or Key(id=f"token-{note}", created_at=taken.at, expires_at=taken.ends, revocable=False)
        credential = Credential(
            server=self._settings.registry.host,
            username=taken.token.username,
            secret=taken.token.password,
            expires_at=taken.ends,
        )
        return Issued(key=key, credential=credential)

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a token dies by itself."""
        if key.revocable:
            self._tokens.delete(key.id)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider; the other account's policies first, which would outlive the role by name."""
        self._neighbours.close()
        if self._settings.role_arn:
            return
        standing = self._identity.look()
        ownership = self._identity.ownership(standing)
        if ownership is Ownership.ABSENT:
            return
        if ownership is not Ownership.OURS:
            raise NotOurs(f"{identity.id} is not ours", hint="It is left as it is.")
        self._identity.delete()

    # What the methods above are made of.

    def _looked(self) -> Seen:
        if self._seen is None:
            self.observe()
        if self._seen is None:
            raise PullgrantError("a look left nothing to build on")
        return self._seen

    def _look(self) -> Standing:
        return Standing(caller=self._seam.caller()) if self._settings.role_arn else self._identity.look()

    def _keys_now(self) -> tuple[Key, ...]:
        return self._tokens.keys() if self._settings.method == "user" else ()

    def _principal(self, standing: Standing) -> str:
        return self._settings.role_arn or standing.arn

    def _check_repositories(self) -> None:
        """Raise NotFound for a repository that is not there, with the names of those that are; forbidden is left to the proof."""
        names = self._settings.repositories
        try:
            for start in range(0, len(names), _AT_ONCE):
                self._seam.list_repositories(names[start : start + _AT_ONCE])
        except PermissionDenied:
            return
        except NotFound as error:
            raise NotFound(
                f"{error.message} ({self._names_there()})", hint="Check --repository, --region and --registry-id."
            ) from None

    def _names_there(self) -> str:
        try:
            found = sorted(str(one["repositoryName"]) for one in self._seam.list_repositories())
        except PullgrantError:
            return "which ones are there could not be listed"
        return f"there: {', '.join(found[:20])}" if found else f"{self._settings.registry.host} has none"

    def _grant(self) -> Grant:
        settings = self._settings
        if settings.registry.public:
            return Grant(role="log in", resource=settings.registry.host)
        return Grant(role=f"pull ({policies.POLICY_NAME})", resource=_listed(settings.scope))

    def _cannot_issue(self, standing: Standing, keys: Sequence[Key]) -> Refused | None:
        if self._settings.method == "user" and len(keys) >= MOST_KEYS:
            return QuotaReached(
                f"the user {self._settings.reader} has {len(keys)} access keys, and a token needs a third for a moment",
                hint=f"Delete one: aws iam delete-access-key --user-name {self._settings.reader} --access-key-id "
                f"{' or '.join(key.id for key in keys)}",
            )
        return self._identity.refusal(standing)

    def _remarks(self, standing: Standing) -> tuple[str, ...]:
        settings = self._settings
        told = [f"signed in to AWS as {standing.caller.arn}"]
        if not settings.repositories and not settings.registry.public:
            told.append(f"all repositories of {settings.registry.host} can be pulled; --repository narrows it")
        if settings.method == "role" and standing.caller.role:
            told.append(
                "you are signed in as a role, so that AWS limits the reader's session, and with it the token, to one hour"
            )
        if settings.method == "user":
            told.append("each token is taken with an access key that is made for it and deleted at once")
        return tuple(told)


def _listed(arns: Sequence[str]) -> str:
    rest = f" and {len(arns) - 3} more" if len(arns) > 3 else ""
    return f"{', '.join(arns[:3])}{rest}"
