"""What is the same wherever a reader has no account of its own: each of its keys is a token, or a robot, with our mark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import NotFound, NotOurs, OutcomeUnknown, PullgrantError, Unavailable
from pullgrant.model.mark import Mark, Token, ownership
from pullgrant.model.reader import Grant, Identity, Key, Ownership, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token that carries a mark: what it lacks of the wanted scope, and what it may do beyond."""

    token: Token
    missing: tuple[str, ...] = ()
    beyond: tuple[Grant, ...] = ()


Listed = tuple[Token, Mapping[str, Any]]  # and what the registry's list says of it


class MarkedTokens(ABC):
    """The part of ports.Provider that needs no more than a registry's list of tokens.

    It sees the tokens of its reader's name that carry a mark, of whatever ledger; ours are those of this ledger. `called` is
    the registry's word for such a token.
    """

    def __init__(self, reader: Reader, owner: str, *, called: str) -> None:
        self._reader, self._owner, self._called = reader, owner, called
        self._seen: tuple[Access, ...] | None = None

    # What a registry has to tell.

    @abstractmethod
    def _list(self) -> Iterable[Mapping[str, Any]]:
        """Return all tokens there are, foreign ones too."""

    @abstractmethod
    def _get(self, token_id: str) -> Mapping[str, Any]:
        """Return one token. Raises NotFound."""

    @abstractmethod
    def _delete(self, token_id: str) -> None:
        """Delete one token. Raises NotFound."""

    @abstractmethod
    def _token(self, raw: Mapping[str, Any]) -> Token | None:
        """Return what a list says as a token, None when it carries no mark."""

    def _reach(self, listed: Sequence[Listed]) -> Iterable[Access]:
        """Return what these tokens may do."""
        return (Access(token=token) for token, _ in listed)

    # What follows from it.

    def ensure(self, *, adopt: bool) -> Identity:
        """See ports.Provider. Nothing has to exist before the first token; foreign ones stay beside ours."""
        if self._whose() is Ownership.OTHER_LEDGER and not adopt:
            words = f"the {self._called}s of {self._reader.name} belong to another ledger"
            raise NotOurs(words, hint="Give another --reader.")
        return self._identity()

    def withdraw(self, key: Key) -> None:
        """See ports.Provider; a token that does not carry our mark is not the one that we made."""
        try:
            token = self._token(self._get(key.id))
        except NotFound:
            return
        if token is None or not self._is_ours(token):
            raise NotOurs(f"the {self._called} {key.id} does not carry our mark", hint="It is left as it is.")
        self._gone(token)

    def remove(self, identity: Identity) -> None:
        """See ports.Provider."""
        found = [token for token, _ in self._named()]
        ours = [token for token in found if self._is_ours(token)]
        if found and not ours:
            raise NotOurs(f"the {self._called}s of {identity.id} are not ours", hint="They are left as they are.")
        for token in ours:
            self._gone(token)

    def _look(self) -> tuple[Access, ...]:
        """Ask for the tokens of this reader's name."""
        self._seen = tuple(self._reach(self._named()))
        return self._seen

    def _found(self) -> tuple[Access, ...]:
        """Return what the last look found."""
        return self._look() if self._seen is None else self._seen

    def _ours(self) -> tuple[Access, ...]:
        return tuple(one for one in self._found() if self._is_ours(one.token))

    def _whose(self) -> Ownership:
        return ownership((one.token.mark for one in self._found()), ledger=self._owner)

    def _identity(self) -> Identity:
        return Identity(id=_id(self._reader, self._reader.name), label=f"{self._called}s of {self._reader.account}")

    def _observed(self) -> dict[str, Any]:
        """Return those fields of an Observed that the tokens tell."""
        ours = self._ours()
        return {
            "ownership": self._whose(),
            "identity": self._identity() if self._found() else None,
            "granted": bool(ours) and not any(one.missing for one in ours),
            "excess": tuple(grant for one in ours for grant in one.beyond),
            "keys": tuple(one.token.key for one in self._found()),
        }

    def _mark(self, note: str) -> Mark:
        return Mark(reader=self._reader.name, ledger=self._owner, operation=note)

    def _taken_back(self, note: str, error: PullgrantError) -> PullgrantError:
        """Delete what an unfinished issue made, and return the error to raise: nothing is left, or it stays unknown.

        Where the token was made but its answer lost, its secret is gone with the answer.
        """
        try:
            for token, _ in self._named():
                if token.mark == self._mark(note):
                    self._gone(token)
        except PullgrantError:
            return OutcomeUnknown(error.message, hint=error.hint)
        if not isinstance(error, OutcomeUnknown):
            return error
        return Unavailable(f"{error.message}; what it made was taken back", hint="Run the same command again.")

    def _named(self) -> list[Listed]:
        every = ((self._token(raw), raw) for raw in self._list())
        return [(token, raw) for token, raw in every if token is not None and token.mark.reader == self._reader.name]

    def _is_ours(self, token: Token) -> bool:
        return (token.mark.reader, token.mark.ledger) == (self._reader.name, self._owner)

    def _gone(self, token: Token) -> None:
        try:
            self._delete(token.id)
        except NotFound:
            return


def marked(tokens: Iterable[Token | None], reader: Reader, owner: str) -> tuple[str, ...]:
    """Return the ids of the identities in a reader's account whose tokens carry a ledger's mark, each once."""
    return tuple(sorted({_id(reader, one.mark.reader) for one in tokens if one is not None and one.mark.ledger == owner}))


def _id(reader: Reader, name: str) -> str:
    return f"{reader.account}/{name}"
