"""The method `token`: a token of the registry with a scope map, which needs no rights in the directory.

A live password is never overwritten: a new one goes into a slot that is empty or whose password is over.
"""

from __future__ import annotations

from pullgrant.errors import (
    NotFound,
    NotOurs,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PullgrantError,
    QuotaReached,
    Refused,
    Unavailable,
)
from pullgrant.kit.together import all_of, together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Grant, Identity, Key, Observed, Ownership
from pullgrant.ports import Clock
from pullgrant.providers.azure import condition, remarks, slots
from pullgrant.providers.azure.answers import LATER
from pullgrant.providers.azure.finder import Finder
from pullgrant.providers.azure.found import NewSlotPassword, Registry, ScopeMap, SlotPassword, Token
from pullgrant.providers.azure.marks import Marks
from pullgrant.providers.azure.seam import Seam
from pullgrant.providers.azure.settings import Settings
from pullgrant.providers.azure.slots import Pair, Slot
from pullgrant.providers.azure.tokens import token_right
from pullgrant.providers.azure.waits import Waits

_PROVIDER = "Microsoft.ContainerRegistry/registries"
_NEEDED = (f"{_PROVIDER}/scopeMaps/write", f"{_PROVIDER}/tokens/write", f"{_PROVIDER}/generateCredentials/action")
_ACTIONS = "content/read and metadata/read"


class RegistryToken:
    """Does what ports.Provider asks, for one reader that is a token of the registry."""

    def __init__(self, settings: Settings, marks: Marks, seam: Seam, *, finder: Finder, waits: Waits, clock: Clock) -> None:
        self._settings, self._marks, self._tokens, self._finder = settings, marks, seam.tokens, finder
        self._waits, self._clock = waits, clock
        self._name, self._map_name = settings.reader, f"{settings.reader}-pull"

    def observe(self) -> Observed:
        """Look at the registry; then at the tokens and the scope map at once."""
        try:
            registry, lacking = self._finder.look_with(_NEEDED)
        except NotFound as gone:  # a token dies with its registry; then there is nothing left to take back
            absent = Grant(role=_ACTIONS, resource=self._resource())
            return Observed(ownership=Ownership.ABSENT, grant=absent, cannot_issue=gone)
        pair, scope_map = self._look(registry)
        ownership = self._ownership(registry, pair.main, scope_map)
        return Observed(
            ownership=ownership,
            grant=Grant(role=_ACTIONS, resource=self._resource()),
            identity=None if ownership is Ownership.ABSENT else Identity(id=self._name, label=self._map_name),
            granted=self._is_granted(registry, pair.main, scope_map),
            excess=self._excess(registry, pair.main, scope_map),
            keys=pair.keys(),
            public=registry.anonymous,
            cannot_issue=self._cannot_issue(registry, pair, lacking),
            remarks=remarks.of_registry(registry),
        )

    def ensure(self, *, adopt: bool) -> Identity:
        """Make the scope map and the token; take over a foreign token by giving it our scope map, its passwords stay."""
        registry = self._finder.find()
        pair, scope_map = self._look(registry)
        ownership = self._ownership(registry, pair.main, scope_map)
        if ownership in (Ownership.UNMARKED, Ownership.OTHER_LEDGER) and not adopt:
            raise self._not_ours()
        if scope_map is None or ownership is not Ownership.OURS:
            scope_map = self._write_map(registry)
        if pair.main is None:
            self._waits.repeating(lambda: self._tokens.put_token(registry, self._name, scope_map.id))
        elif not self._uses(registry, pair.main):
            self._waits.repeating(lambda: self._tokens.change_token(registry, self._name, scope_map=scope_map.id))
        return Identity(id=self._name, label=self._map_name)

    def grant(self, identity: Identity) -> None:
        """Let the scope map allow exactly what is wanted."""
        registry = self._finder.find()
        scope_map = self._waits.reading(lambda: self._tokens.scope_map(registry, self._map_name))
        if scope_map is None or set(scope_map.actions) != set(self._actions()):
            self._write_map(registry)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """Make the password of a free slot. Raises QuotaReached when all hold a live one."""
        registry = self._finder.find()
        before, slot, made = self._waits.settling(lambda: self._password(registry))
        password = self._waits.doubting(lambda: self._listed(registry, before, slot))
        now = self._clock.now()
        expires_at = password.expires_at or now + self._settings.expires_in
        return Issued(
            key=Key(id=slots.key_id(slot.token, password), created_at=password.created_at or now, expires_at=expires_at),
            credential=Credential(
                server=self._settings.place.host, username=made.username, secret=made.secret, expires_at=expires_at
            ),
        )

    def withdraw(self, key: Key) -> None:
        """Delete the password of one slot, if it still is the one that this key names."""
        try:
            registry = self._finder.find()
        except NotFound:
            return
        slot = self._pair(registry).held().get(key.id)
        if slot is not None:
            self._empty(registry, slot)

    def remove(self, identity: Identity) -> None:
        """Disable the tokens, which stops new sign-ins at once; then delete them and their scope map."""
        try:
            registry = self._finder.find()
        except NotFound:
            return
        pair, scope_map = self._look(registry)
        ownership = self._ownership(registry, pair.main, scope_map)
        if ownership in (Ownership.UNMARKED, Ownership.OTHER_LEDGER):
            raise self._not_ours()
        for token in reversed(pair.tokens):  # the spare first: a reader without its token is not looked for a spare
            self._end(registry, token.name)
        if scope_map is not None:
            self._waits.repeating(lambda: self._tokens.delete_scope_map(registry, self._map_name))

    def _end(self, registry: Registry, name: str) -> None:
        self._waits.repeating(lambda: self._tokens.change_token(registry, name, enabled=False))
        self._waits.repeating(lambda: self._tokens.delete_token(registry, name))

    def _empty(self, registry: Registry, slot: Slot) -> None:
        """Delete the password in a slot; a spare token goes with its last one."""
        token = self._waits.reading(lambda: self._tokens.token(registry, slot.token))
        keep = [one.slot for one in token.passwords if one.slot != slot.name] if token else []
        if not keep and slot.token != self._name:
            self._end(registry, slot.token)
        elif token is not None:
            self._waits.repeating(lambda: self._tokens.change_token(registry, slot.token, keep=keep))

    def _look(self, registry: Registry) -> tuple[Pair, ScopeMap | None]:
        pair, scope_map = together(
            lambda: self._pair(registry),
            lambda: self._waits.reading(lambda: self._tokens.scope_map(registry, self._map_name)),
        )
        return pair, scope_map

    def _pair(self, registry: Registry) -> Pair:
        main, spare = all_of(
            lambda name: self._waits.reading(lambda: self._tokens.token(registry, name)),
            (self._name, f"{self._name}{slots.SPARE}"),
        )
        its = spare is None or self._uses(registry, spare)
        return Pair(name=self._name, main=main, spare=spare if its else None, open=its)

    def _ownership(self, registry: Registry, token: Token | None, scope_map: ScopeMap | None) -> Ownership:
        """A token cannot be marked: it is ours when it uses our scope map, whose description carries our marks.

        A marked scope map alone is a reader of ours too, half made or half removed.
        """
        its = self._marks.ownership(self._marks.in_line(scope_map.description)) if scope_map else Ownership.ABSENT
        if token is None:
            return its
        return its if self._uses(registry, token) and scope_map else Ownership.UNMARKED

    def _uses(self, registry: Registry, token: Token | None) -> bool:
        return token is not None and token.scope_map.lower() == f"{registry.id}/scopeMaps/{self._map_name}".lower()

    def _is_granted(self, registry: Registry, token: Token | None, scope_map: ScopeMap | None) -> bool:
        allowed = scope_map.actions if scope_map else ()
        return self._uses(registry, token) and set(self._actions()) <= set(allowed)

    def _excess(self, registry: Registry, token: Token | None, scope_map: ScopeMap | None) -> tuple[Grant, ...]:
        beyond = set(scope_map.actions) - set(self._actions()) if scope_map else set()
        found = [Grant(role=action.rpartition("/")[2], resource=action) for action in sorted(beyond)]
        if token is not None and not self._uses(registry, token):
            found.append(Grant(role="scope map", resource=token.scope_map))
        return tuple(found)

    def _actions(self) -> tuple[str, ...]:
        return condition.actions(self._settings.repositories)

    def _resource(self) -> str:
        names = self._settings.repositories or ("*",)
        return ", ".join(f"{self._settings.place.host}/{name}" for name in names)

    def _write_map(self, registry: Registry) -> ScopeMap:
        return self._waits.repeating(
            lambda: self._tokens.put_scope_map(
                registry, self._map_name, description=self._marks.line, actions=self._actions()
            )
        )

    def _cannot_issue(self, registry: Registry, pair: Pair, lacking: str) -> Refused | None:
        if lacking:
            return PermissionDenied(f"you lack {lacking} on {registry.id}", hint=token_right(registry))
        if pair.main is not None and not pair.main.enabled:
            names = f"--registry {self._settings.place.name} --name {self._name}"
            return Refused(
                f"the token {self._name} is disabled", hint=f"Enable it: az acr token update {names} --status enabled"
            )
        return None if pair.free(self._clock.now()) else self._all_live(pair)

    def _all_live(self, pair: Pair) -> QuotaReached:
        return QuotaReached(
            f"all passwords of the token {self._name} are in use: {', '.join(pair.held())}",
            hint="The older ones go when their grace is over: pullgrant status tells when, pullgrant rotate ends them.",
        )

    def _not_ours(self) -> NotOurs:
        words = f"the token {self._name}, or its scope map {self._map_name}, is not ours"
        return NotOurs(words, hint="Choose another name with --reader, or take it over with --adopt.")

    def _password(self, registry: Registry) -> tuple[Pair, Slot, NewSlotPassword]:
        pair = self._pair(registry)
        if pair.main is None:
            raise NotVisibleYet(f"the token {self._name} is not seen", hint=LATER)
        slot = pair.free(self._clock.now())
        if slot is None:
            raise self._all_live(pair)
        if slot.token != self._name and pair.spare is None:
            scope_map = pair.main.scope_map
            self._waits.repeating(lambda: self._tokens.put_token(registry, slot.token, scope_map))
        expires_at = (self._clock.now() + self._settings.expires_in).replace(microsecond=0)
        try:
            return pair, slot, self._tokens.generate(registry, slot.token, slot.name, expires_at)
        except OutcomeUnknown as error:
            if self._dropped(registry, pair, slot):
                raise Unavailable(error.message, hint=error.hint) from None
            raise

    def _dropped(self, registry: Registry, before: Pair, slot: Slot) -> bool:
        """Delete what an unanswered call has put into a slot; say whether it was found and is gone."""
        try:
            now = self._pair(registry).held()
            if slot not in (now[one] for one in now.keys() - before.held().keys()):
                return False
            self._empty(registry, slot)
        except PullgrantError:
            return False
        return True

    def _listed(self, registry: Registry, before: Pair, slot: Slot) -> SlotPassword:
        """Return the new password as the token lists it: from there its key is named, here and in every later run."""
        token = self._tokens.token(registry, slot.token)
        found = next((one for one in token.passwords if one.slot == slot.name), None) if token else None
        if found is None or slots.key_id(slot.token, found) in before.held():
            raise NotVisibleYet(f"{slot.name} of the token {slot.token} was made and is not listed", hint=LATER)
        return found
