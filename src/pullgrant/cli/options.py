"""Options of verbs as values, so that the same option is the same everywhere: name, default, unit and help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from pullgrant.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Opt:
    """One option. Its kind follows from the default: False is a flag, anything else takes a value as text.

    `positional`: its value may stand without the option's name. It must be given, unless one of `instead` is.
    """

    name: str
    help: str
    default: str | bool | None = None
    repeated: bool = False
    required: bool = False
    positional: bool = False
    instead: tuple[str, ...] = ()


JSON = Opt(name="json", default=False, help="Print one JSON document to stdout, an error too.")
LOG_FORMAT = Opt(name="log_format", default="text", help="Progress on stderr as `text` for people or `json` for machines.")
VERBOSE = Opt(name="verbose", default=False, help="Tell every HTTP call (method, host, path, status, ms) on stderr.")
OUTPUT = (JSON, LOG_FORMAT, VERBOSE)
HELP = Opt(name="help", default=False, help="Show this.")

WAIT = Opt(name="wait", default="0s", help="How long to wait for another run on the same reader, e.g. 30s or 5m.")
READER = Opt(name="reader", help="Only this reader, by name or by id (PROVIDER:ACCOUNT/NAME). Default: all.")
PROVIDER = Opt(name="provider", help="Only readers of this provider, e.g. gcp. Default: all.")
REGISTRY = Opt(name="registry", help="Only readers of this registry host, e.g. gcr.io. Default: all.")
NARROW = (READER, PROVIDER, REGISTRY)

BOOTSTRAP = (
    Opt(name="reader", default="docker-reader", help="Name of the reader identity to create or renew."),
    Opt(name="sink", repeated=True, help="Where to register the credential, NAME[:TARGET]; may be repeated. Default: akka."),
    Opt(name="secret_name", help="Name of the entry in the platform. Default: made from the registry host."),
    Opt(name="image", help="REPOSITORY[:TAG] to prove with. Default: one found by listing."),
    Opt(name="adopt", default=False, help="Take over an identity or an entry of that name that is not ours yet."),
    Opt(name="rotate_now", default=False, help="Issue a new credential even if the current one is good."),
    Opt(name="rotate_every", default="30d", help="Age at which `rotate` replaces a long-lived key, e.g. 30d or 12h."),
    Opt(name="grace", default="1d", help="How long a replaced key stays valid, e.g. 1d; longer than any platform caches."),
    Opt(name="unproven", default=False, help="Deliver even when the live proof could not be made (never a failed one)."),
    Opt(name="plan", default=False, help="Show what would be done and change nothing."),
    WAIT,
    *OUTPUT,
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(option: str, text: str) -> timedelta:
    """Return `90s`, `5m`, `12h` or `30d` as a timedelta. Raises UsageError that names the option."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip(), re.ASCII)
    if not found:
        raise UsageError(
            f"--{option} {text!r} is not a duration", hint="Give a whole number with s, m, h or d: 90s, 5m, 12h, 30d."
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
