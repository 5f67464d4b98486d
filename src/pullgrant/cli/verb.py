"""The one decorator between invoke and a verb: it builds the signature, guards, and maps every error to its exit code."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TextIO, TypeAlias

from invoke import Context, Task, task
from invoke.exceptions import Exit

from pullgrant.cli.options import HELP, Opt
from pullgrant.cli.words import WordyTask, check_words, show_help
from pullgrant.errors import PullgrantError, UsageError

Given: TypeAlias = SimpleNamespace
INTERRUPTED = 130


def verb(*options: Opt, default: bool = False, name: str | None = None) -> Callable[[Callable[[Given], None]], Task[Any]]:
    """Make an invoke task of a function that takes its options as one namespace; its docstring becomes the help."""

    words = tuple(one for one in options if one.positional)
    options += (HELP,) if words else ()

    def wrap(body: Callable[[Given], None]) -> Task[Any]:
        def act(given: Given) -> None:
            if words and given.help:
                show_help(made.name)
            else:
                check_words(options, given)
                body(given)

        def guarded(context: Context, **given: Any) -> None:
            _perform(act, options, context, SimpleNamespace(**given))

        parameters = [inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        parameters += [
            inspect.Parameter(one.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=one.default) for one in options
        ]
        guarded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        guarded.__name__, guarded.__doc__, guarded.__module__ = body.__name__, body.__doc__, body.__module__
        made: WordyTask = task(
            klass=WordyTask,
            name=name or body.__name__.strip("_").replace("_", "-"),
            default=default,
            auto_shortflags=False,
            positional=[one.name for one in words],
            iterable=[one.name for one in options if one.repeated],
            help={one.name.strip("_").replace("_", "-"): _help(one) for one in options},
        )(guarded)
        made.instead = {one.name: (*one.instead, HELP.name) for one in words}
        return made

    return wrap


def _help(one: Opt) -> str:
    shown = f" Default: {one.default}." if isinstance(one.default, str) and one.default else ""
    return f"{'Required. ' if one.required else ''}{one.help}{shown}"


def _perform(body: Callable[[Given], None], options: tuple[Opt, ...], context: Context, given: Given) -> None:
    as_json = bool(getattr(given, "json", False))
    try:
        _refuse_core_flags(context)
        missing = [one.name.replace("_", "-") for one in options if one.required and not getattr(given, one.name)]
        if missing:
            raise UsageError(f"--{missing[0]} is required", hint="See --help of this command.")
        body(given)
    except PullgrantError as error:
        raise Exit(_told(error, as_json, getattr(given, "results", None)), code=error.exit_code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise Exit("", code=0) from None
    except KeyboardInterrupt:
        raise Exit("interrupted; what was begun is finished or undone by: pullgrant recover", code=INTERRUPTED) from None


def _told(error: PullgrantError, as_json: bool, results: TextIO | None) -> str:
    """Return the error for stderr; with --json print it where results go instead, as the one document there."""
    if not as_json:
        return f"pullgrant: {error}"
    kind = type(error).__name__
    document = {"error": {"kind": kind, "message": error.message, "hint": error.hint, "exit_code": error.exit_code}}
    print(json.dumps(document, indent=2), file=results or sys.stdout)
    return ""


def _refuse_core_flags(context: Context) -> None:
    """Refuse invoke's own flags that do not do what they say here, or that would open every library's debug log."""
    if context.config.run.dry:
        raise UsageError("invoke's --dry does not stop calls to a cloud", hint="Use --plan: it shows and changes nothing.")
    if context.config.run.echo:
        raise UsageError("invoke's --echo has nothing to show here", hint="Use --verbose.")
    if logging.getLogger("invoke").isEnabledFor(logging.DEBUG):
        raise UsageError(
            "invoke's --debug (or INVOKE_DEBUG) would open the debug logs of all libraries, which print secrets",
            hint="Use --verbose.",
        )
