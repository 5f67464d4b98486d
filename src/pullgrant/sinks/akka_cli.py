"""The seam to the akka command line: builds its arguments, runs it, reads what it prints, and decides nothing.

The password goes in the arguments, `--docker-password`: this CLI has no other way in, no standard input, no file, no
variable (Akka documentation, reference/cli/akka-cli/akka_docker_add-credentials). While the program runs, the same user and
root can read it in the list of processes. The program is run for this one step, and its arguments are never shown.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, TypeVar

from pullgrant.errors import NotSignedIn, OutcomeUnknown, PullgrantError, SinkFailed, Unavailable, UsageError
from pullgrant.kit import process
from pullgrant.kit.redact import redact
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential
from pullgrant.secret import Secret
from pullgrant.sinks import akka_listing as listing
from pullgrant.sinks.akka_answers import refusal
from pullgrant.sinks.akka_dialect import AKKA as AKKA
from pullgrant.sinks.akka_dialect import Dialect as Dialect
from pullgrant.sinks.akka_listing import Entry

T = TypeVar("T")
Era: TypeAlias = Literal["secret", "uuid"]

# Registries want an email and check none; ours tells our entries from others where the platform gives them no name.
OUR_EMAIL = "pullgrant@example.com"
_TIMEOUT = 75.0  # more than the CLI's own
_RECENT = 5.0  # seconds in which a look before the first change need not be taken again


class Run(Protocol):
    """kit.process.run, or a stand-in."""

    def __call__(self, argv: Sequence[str], *, timeout: float, keep: Sequence[str]) -> process.Finished: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in Akka; what is empty is left to the CLI's own configuration."""

    project: str = ""
    owner: str = ""
    region: str = ""
    context: str = ""

    def flags(self) -> list[str]:
        """Return the flags that name this place."""
        named = {"--project": self.project, "--owner": self.owner, "--region": self.region, "--context": self.context}
        return [word for flag, value in named.items() if value for word in (flag, value)]


@dataclass(slots=True)
class _Once:
    """An answer of the program about itself, which cannot change while it is used."""

    asking: threading.Lock = field(default_factory=threading.Lock)
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a project held at a time of `monotonic`; `names` None: not looked, or not allowed."""

    at: float
    entries: tuple[Entry, ...]
    names: tuple[str, ...] | None


class AkkaCli:
    """Speaks to one program: `akka`, or the one of another dialect. Safe for threads.

    All methods raise SinkFailed with the program's words when it refuses, NotSignedIn when they say that nobody is signed
    in, and Unavailable when they say that the platform is down, or nothing in time: OutcomeUnknown where it was to change
    something.
    """

    def __init__(
        self, run: Run = process.run, *, dialect: Dialect = AKKA, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.program, self.dialect = dialect.program, dialect
        self._run, self._monotonic = run, monotonic
        self._about: dict[tuple[str, ...], _Once] = {}
        self._looks: dict[Place, _Look] = {}

    def check_installed(self) -> None:
        """Raise UsageError when the program is not there."""
        if process.which(self.program) is None:
            raise UsageError(f"the program {self.program!r} is not on PATH", hint=self.dialect.install)

    def check_ready(self) -> str:
        """Return the program's version. Raises UsageError when it is not installed and NotSignedIn when nobody is."""
        self.check_installed()
        _, version = together(self._check_login, self.version)
        return str(version)

    def version(self) -> str:
        """Return what the program says of its version."""
        return self._once("version").strip()

    def era(self) -> Era:
        """Find out how this program names credentials, by its own help. Raises SinkFailed when that says neither."""
        flags = set(re.findall(r"--[a-z-]+", self._once("docker", "add-credentials", "--help")))
        if "--docker-server" not in flags:
            raise SinkFailed(
                f"{self.program} docker add-credentials is not a command that is known here", hint="Is it another akka?"
            )
        return "secret" if "--secret-name" in flags else "uuid"

    def look(self, place: Place, *, secrets: bool) -> None:
        """List what a project holds, and keep it for what follows at once; `secrets`: their names too, at the same time.

        A program that cannot list, and does not say why in words that are known, is asked whether anybody is signed in.
        """
        try:
            entries, names = together(lambda: self.entries(place), lambda: self._names(place) if secrets else None)
        except SinkFailed:
            self._check_login()
            raise
        self._keep(place, entries, names)

    def entries(self, place: Place, *, recent: bool = False) -> tuple[Entry, ...]:
        """List the registry credentials of the project; with `recent` those of a look some seconds ago will do."""
        kept = self._kept(place) if recent else None
        if kept is not None:
            return kept.entries
        found = self._listed(["docker", "list-credentials", *place.flags(), *self.dialect.flags], listing.entries)
        self._keep(place, found, None)
        return found

    def secret_names(self, place: Place, *, recent: bool = False) -> tuple[str, ...]:
        """List the secrets of the project; `recent` as for `entries`."""
        kept = self._kept(place) if recent else None
        if kept is not None and kept.names is not None:
            return kept.names
        return self._listed(["secrets", "list", *place.flags(), *self.dialect.flags], listing.names)

    def add(
        self, place: Place, server: str, credential: Credential, *, secret_name: str = "", secret_only: bool = False
    ) -> None:
        """Register a credential; in the secret era under a name, and over what that name held before."""
        login = ["--docker-server", server, "--docker-username", credential.username, "--docker-email", OUR_EMAIL]
        name = ["--secret-name", secret_name] if secret_name else []
        only = ["--secret-only"] if secret_only else []
        words = [*login, *name, *only, "--docker-password", credential.secret.reveal()]
        self._ask(
            ["docker", "add-credentials", *words, *place.flags(), *self.dialect.flags, "--output", "json"],
            credential.secret,
            changes=True,
        )

    def remove(self, place: Place, entry_id: str) -> None:
        """Take an entry out of the project's registries, by the verb that the program's help lists."""
        verbs = set(re.findall(r"^\s+((?:remove|delete)-credentials)\b", self._once("docker", "--help"), re.MULTILINE))
        if len(verbs) != 1:
            raise SinkFailed(
                f"{self.program} docker lists {len(verbs)} commands that remove credentials; none was run",
                hint=f"Remove {entry_id} by hand, see: {self.program} docker --help",
            )
        self._ask(["docker", *verbs, entry_id, *place.flags(), *self.dialect.flags], changes=True)

    def delete_secret(self, place: Place, name: str) -> None:
        """Delete a secret of the project."""
        self._ask(["secrets", "delete", name, *place.flags(), *self.dialect.flags], changes=True)

    def _listed(self, words: Sequence[str], read: Callable[[str], T | None]) -> T:
        printed = ""
        for form in ("json", "text"):
            printed = self._ask([*words, "--output", form])
            found = read(printed)
            if found is not None:
                return found
        raise SinkFailed(
            f"{self.program} {words[0]} {words[1]} lists in a form that is not known here: {redact(printed, limit=80)}",
            hint=f"Which CLI is it? {self.program} version",
        )

    def _names(self, place: Place) -> tuple[str, ...] | None:
        """Return the names of the secrets, None when they cannot be listed: who needs them asks again, and gets the error."""
        try:
            return self.secret_names(place)
        except PullgrantError:
            return None

    def _keep(self, place: Place, entries: tuple[Entry, ...], names: tuple[str, ...] | None) -> None:
        self._looks[place] = _Look(at=self._monotonic(), entries=entries, names=names)

    def _kept(self, place: Place) -> _Look | None:
        look = self._looks.get(place)
        return look if look is not None and self._monotonic() - look.at <= _RECENT else None

    def _check_login(self) -> None:
        """Raise NotSignedIn when nobody is signed in, and Unavailable when that cannot be told."""
        done = self._finish(["auth", "current-login", *self.dialect.flags])
        if not done.returncode:
            return
        words, sign_in = _words(done), self.dialect.sign_in
        error = refusal(self.program, "auth current-login", words, sign_in=sign_in, changes=False)
        if isinstance(error, SinkFailed):
            raise NotSignedIn(f"{self.program} is not signed in: {words}", hint=sign_in)
        raise error

    def _once(self, *words: str) -> str:
        about = self._about.setdefault(words, _Once())
        with about.asking:
            if about.text is None:
                about.text = self._ask(words)
            return about.text

    def _ask(self, words: Sequence[str], *known: Secret, changes: bool = False) -> str:
        if changes:
            self._looks.clear()
        done = self._finish(words, changes=changes)
        if done.returncode:
            doing, said = " ".join(words[:2]), _words(done, *known)
            raise refusal(self.program, doing, said, sign_in=self.dialect.sign_in, changes=changes)
        return done.stdout

    def _finish(self, words: Sequence[str], *, changes: bool = False) -> process.Finished:
        try:
            return self._run([self.program, *words], timeout=_TIMEOUT, keep=self.dialect.variables)
        except OutcomeUnknown as error:
            kind = OutcomeUnknown if changes else Unavailable
            raise kind(f"{error.message} ({' '.join(words[:2])})") from None


def _words(done: process.Finished, *known: Secret) -> str:
    return redact(done.stderr.strip() or done.stdout, *known) or f"exit status {done.returncode}"
