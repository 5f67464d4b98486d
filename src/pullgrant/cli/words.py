"""Options whose value may stand without the option's name: `diagnose gcr.io/demo/app:v1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from invoke import Argument, Task

from pullgrant.cli.options import Opt
from pullgrant.errors import UsageError


class Word(Argument):
    """A positional argument of invoke that need not be given when one of some others is.

    invoke asks whether `value` is None to see whether a positional is missing, and has no other word for optional.
    """

    def __init__(self, one: Argument, instead: tuple[Argument, ...]) -> None:
        super().__init__(names=one.names, help=one.help, positional=True, attr_name=one.attr_name)
        self._instead = instead

    @property
    def value(self) -> Any:
        """What was given; empty when something was given instead."""
        given = super().value
        return "" if given is None and any(one.got_value for one in self._instead) else given

    @value.setter
    def value(self, text: str) -> None:
        self.set_value(text, cast=True)


class WordyTask(Task[Any]):
    """A task that may have a Word; `instead` names, by the word's name, the options that make it unnecessary."""

    instead: Mapping[str, tuple[str, ...]]

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return invoke's arguments, the positional ones as Words."""
        found = super().get_arguments(ignore_unknown_help)
        by_name = {one.name: one for one in found}
        return [
            Word(one, tuple(by_name[name] for name in self.instead[str(one.name)])) if one.positional else one
            for one in found
        ]


def show_help(name: str) -> None:
    """Print the help of a verb. invoke takes a `--help` where a positional is awaited for its value."""
    from pullgrant.cli import program

    program.run(["pullgrant", "--help", name])


def check_words(options: Sequence[Opt], given: Any) -> None:
    """Raise UsageError for a word that is the name of a verb: in a chain it was meant as the next one."""
    for one in options:
        word = getattr(given, one.name) if one.positional else ""
        if word and word in _verbs():
            raise UsageError(
                f"{word!r} stands where the {one.name} was awaited, and is the name of a verb",
                hint=f"Give the {one.name} first; one that has this name is written with its host.",
            )


def _verbs() -> frozenset[str]:
    from pullgrant.cli import program

    names = program.namespace.task_names if program.namespace else {}
    return frozenset((*names, *(alias for aliases in names.values() for alias in aliases)))
