"""The seam to the akka command line: builds its arguments, runs it, reads what it prints, and decides nothing.

The password goes in the arguments, `--docker-password`: this CLI has no other way in, no standard input, no file, no
variable (Akka documentation, reference/cli/akka-cli/akka_docker_add-credentials). While the program runs, the same user and
root can read it in the list of processes. The program is run for this one step, and its arguments are never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from pullgrant.errors import NotSignedIn, OutcomeUnknown, SinkFailed, Unavailable, UsageError
from pullgrant.kit import process
from pullgrant.kit.redact import redact
from pullgrant.model.credential import Credential
from pullgrant.secret import Secret
from pullgrant.sinks import akka_listing as listing
from pullgrant.sinks.akka_listing import Entry

T = TypeVar("T")
Era: TypeAlias = Literal["secret", "uuid"]

# Registries want an email and check none; ours tells our entries from others where the platform gives them no name.
OUR_EMAIL = "pullgrant@example.com"
_FLAGS = ("--disable-prompt", "--timeout", "60s")
_TIMEOUT = 75.0  # more than the CLI's own


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


class AkkaCli:
    """Speaks to one program, `akka` or one with the same commands.

    All methods raise SinkFailed with the program's words when it refuses, and Unavailable when it does not end in time:
    OutcomeUnknown where it was to change something.
    """

    def __init__(self, program: str = "akka", run: Run = process.run) -> None:
        self.program = program
        self._run = run

    def check_ready(self) -> str:
        """Return the program's version. Raises UsageError when it is not installed and NotSignedIn when nobody is."""
        if process.which(self.program) is None:
            raise UsageError(
                f"the program {self.program!r} is not on PATH",
                hint="Install the Akka CLI: https://doc.akka.io/operations/cli/installation.html",
            )
        done = self._finish(["auth", "current-login", *_FLAGS])
        if done.returncode:
            raise NotSignedIn(
                f"{self.program} is not signed in: {_words(done)}",
                hint=f"Run `{self.program} auth login`, or set AKKA_TOKEN.",
            )
        return self._ask(["version"]).strip()

    def era(self) -> Era:
        """Find out how this program names credentials, by its own help. Raises SinkFailed when that says neither."""
        flags = set(re.findall(r"--[a-z-]+", self._ask(["docker", "add-credentials", "--help"])))
        if "--docker-server" not in flags:
            raise SinkFailed(
                f"{self.program} docker add-credentials is not a command that is known here", hint="Is it another akka?"
            )
        return "secret" if "--secret-name" in flags else "uuid"

    def entries(self, place: Place) -> tuple[Entry, ...]:
        """List the registry credentials of the project."""
        return self._listed(["docker", "list-credentials", *place.flags(), *_FLAGS], listing.entries)

    def secret_names(self, place: Place) -> tuple[str, ...]:
        """List the secrets of the project."""
        return self._listed(["secrets", "list", *place.flags(), *_FLAGS], listing.names)

    def add(
        self, place: Place, server: str, credential: Credential, *, secret_name: str = "", secret_only: bool = False
    ) -> None:
        """Register a credential; in the secret era under a name, and over what that name held before."""
        login = ["--docker-server", server, "--docker-username", credential.username, "--docker-email", OUR_EMAIL]
        name = ["--secret-name", secret_name] if secret_name else []
        only = ["--secret-only"] if secret_only else []
        password = ["--docker-password", credential.secret.reveal()]
        self._ask(
            ["docker", "add-credentials", *login, *name, *only, *password, *place.flags(), *_FLAGS, "--output", "json"],
            credential.secret,
            changes=True,
        )

    def remove(self, place: Place, entry_id: str) -> None:
        """Take an entry out of the project's registries, by the verb that the program's help lists."""
        verbs = set(re.findall(r"^\s+((?:remove|delete)-credentials)\b", self._ask(["docker", "--help"]), re.MULTILINE))
        if len(verbs) != 1:
            raise SinkFailed(
                f"{self.program} docker lists {len(verbs)} commands that remove credentials; none was run",
                hint=f"Remove {entry_id} by hand, see: {self.program} docker --help",
            )
        self._ask(["docker", *verbs, entry_id, *place.flags(), *_FLAGS], changes=True)

    def delete_secret(self, place: Place, name: str) -> None:
        """Delete a secret of the project."""
        self._ask(["secrets", "delete", name, *place.flags(), *_FLAGS], changes=True)

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

    def _ask(self, words: Sequence[str], *known: Secret, changes: bool = False) -> str:
        done = self._finish(words, changes=changes)
        if done.returncode:
            raise SinkFailed(f"{self.program} {words[0]} {words[1]} failed: {_words(done, *known)}")
        return done.stdout

    def _finish(self, words: Sequence[str], *, changes: bool = False) -> process.Finished:
        try:
            return self._run([self.program, *words], timeout=_TIMEOUT, keep=("AKKA_",))
        except OutcomeUnknown as error:
            kind = OutcomeUnknown if changes else Unavailable
            raise kind(f"{error.message} ({' '.join(words[:2])})") from None


def _words(done: process.Finished, *known: Secret) -> str:
    return redact(done.stderr.strip() or done.stdout, *known) or f"exit status {done.returncode}"
