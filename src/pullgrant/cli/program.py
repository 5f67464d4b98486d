"""The program `pullgrant`: invoke's Program without the flags and files that have no meaning here."""

from __future__ import annotations

import sys
from typing import Any

from invoke import Collection, Config, Program
from invoke.exceptions import Exit, ParseError

from pullgrant import __version__
from pullgrant.errors import UsageError

# `debug` is read by invoke itself and refused by every verb.
_KEPT = frozenset(
    {"complete", "debug", "help", "list", "list-depth", "list-format", "print-completion-script", "version", "write-pyc"}
)


class QuietConfig(Config):
    """invoke's configuration without files and variables: invoke executes Python files that it finds in a home folder."""

    prefix = "pullgrant"

    @staticmethod
    def global_defaults() -> dict[str, Any]:
        """Return invoke's defaults, but let the same verb run twice in one chain."""
        defaults: dict[str, Any] = Config.global_defaults()
        defaults["tasks"]["dedupe"] = False
        return defaults

    def load_base_conf_files(self) -> None:
        """Read nothing: settings of this product do not live in invoke's files."""

    def load_shell_env(self) -> None:
        """Read nothing: PULLGRANT_RUN_DRY and the like have no meaning."""


class PullgrantProgram(Program):
    """Keeps invoke's useful core flags; a wrong command line exits 2, as everywhere in this product."""

    def __init__(self, namespace: Collection) -> None:
        super().__init__(
            namespace=namespace, name="pullgrant", binary="pullgrant", version=__version__, config_class=QuietConfig
        )

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002 - invoke's name
        """Run the command line; whoever reads only the head of a list or a help has seen enough."""
        try:
            super().run(argv, exit)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.stderr.close()  # Python would complain there of what it cannot flush
            sys.exit(0)

    def core_args(self) -> list[Any]:
        """Return the core flags that are kept."""
        return [one for one in super().core_args() if one.name in _KEPT]

    def update_config(self, merge: bool = True) -> None:
        """Merge only: the original reads the flags that are gone."""
        if merge:
            self.config.merge()

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse the core flags, and give bytecode writing back: invoke turns it off for every later import."""
        before = sys.dont_write_bytecode
        try:
            super().parse_core(argv)
        except ParseError as error:
            raise _usage(error) from None
        finally:
            sys.dont_write_bytecode = before

    def parse_tasks(self) -> None:
        """Parse verbs and their options."""
        try:
            super().parse_tasks()
        except ParseError as error:
            raise _usage(error) from None


def _usage(error: ParseError) -> Exit:
    return Exit(f"pullgrant: {error}\nSee pullgrant --list, or --help VERB.", code=UsageError.exit_code)
