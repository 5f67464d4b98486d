"""The policies of another account's repositories: our one statement among theirs.

SetRepositoryPolicy replaces the whole policy and knows no etag: it is read, changed, written and read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from pullgrant.errors import NotFound, PermissionDenied, PullgrantError
from pullgrant.kit.retry import Timer, retrying
from pullgrant.kit.together import all_of
from pullgrant.providers.ecr import policy as policies
from pullgrant.providers.ecr.answers import Conflict, NoPolicy, UnknownPrincipal
from pullgrant.providers.ecr.seam import Seam
from pullgrant.providers.ecr.settings import Settings

Documents: TypeAlias = Mapping[str, "Mapping[str, Any] | PermissionDenied | None"]
_VISIBLE_WITHIN = timedelta(seconds=60)


class Neighbours:
    """Opens and closes the repositories of another account to one reader; does nothing for a registry of the own account."""

    def __init__(self, settings: Settings, seam: Seam, *, sid: str, timer: Timer) -> None:
        self._seam, self._sid, self._timer = seam, sid, timer
        self._repositories = settings.repositories if settings.foreign else ()

    def look(self) -> Documents:
        """Return the policy of each repository; where the operator may not read it, that refusal."""
        return dict(zip(self._repositories, all_of(self._read, self._repositories), strict=True))

    def open_to(self, documents: Documents, principal: str) -> bool:
        """Say whether each repository lets this principal pull; one that cannot be read is left to the proof."""
        wanted = policies.pull_statement(self._sid, principal)
        readable = [one for one in documents.values() if not isinstance(one, PermissionDenied)]
        return all(policies.same_statement(policies.statement(one, self._sid), wanted) for one in readable)

    def open(self, documents: Documents, principal: str) -> None:
        """Put our statement into each policy that the operator may read and that lacks it."""
        wanted = policies.pull_statement(self._sid, principal)

        def one(name: str) -> None:
            if not isinstance(documents.get(name), PermissionDenied):
                self._again(lambda: self._put(name, wanted))

        all_of(one, self._repositories)

    def close(self) -> None:
        """Take our statement out of each policy; what is not there any more is done."""

        def one(name: str) -> None:
            if not isinstance(self._read(name), PermissionDenied):
                self._again(lambda: self._take(name))

        all_of(one, self._repositories)

    def remarks(self, documents: Documents, principal: str) -> tuple[str, ...]:
        """Return what the owner of a registry must do that the operator cannot."""
        closed = [name for name, one in documents.items() if isinstance(one, PermissionDenied)]
        if not closed:
            return ()
        statement = policies.text(policies.pull_statement(self._sid, principal))
        return (f"you may not read the policy of {', '.join(closed)}: its owner must add this statement to it: {statement}",)

    def _put(self, name: str, wanted: Mapping[str, Any]) -> None:
        before = _document(self._read(name))
        if policies.same_statement(policies.statement(before, self._sid), wanted):
            return
        self._seam.set_repository_policy(name, policies.text(policies.with_statement(before, wanted)))
        after = _document(self._read(name))
        if not policies.same_statement(policies.statement(after, self._sid), wanted):
            raise Conflict(f"the policy of {name} was changed by another at the same time", hint="Run the command again.")

    def _take(self, name: str) -> None:
        before = _document(self._read(name))
        if before is None or policies.statement(before, self._sid) is None:
            return
        left = policies.without_statement(before, self._sid)
        if left is None:
            self._seam.delete_repository_policy(name)
        else:
            self._seam.set_repository_policy(name, policies.text(left))

    def _read(self, name: str) -> Mapping[str, Any] | PermissionDenied | None:
        try:
            return self._seam.get_repository_policy(name)
        except (NoPolicy, NotFound):
            return None
        except PermissionDenied as error:
            return error

    def _again(self, call: Any) -> None:
        """Repeat while others write, and while a new principal is not seen: Invalid repository policy provided."""

        def when(error: PullgrantError) -> bool:
            return isinstance(error, Conflict | UnknownPrincipal)

        retrying(call, timer=self._timer, budget=_VISIBLE_WITHIN, when=when)


def _document(found: Mapping[str, Any] | PermissionDenied | None) -> Mapping[str, Any] | None:
    if isinstance(found, PermissionDenied):
        raise found
    return found
