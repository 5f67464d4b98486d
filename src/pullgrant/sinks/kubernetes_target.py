"""Reads a slot of Kubernetes: `NAMESPACE/SECRET[,serviceaccounts=a+b][,context=C]`, or `*/SECRET,selector=label=value`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks import target
from pullgrant.sinks.checks import registry_host

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_SELECTOR = re.compile(r"[A-Za-z0-9._/-]+={1,2}[A-Za-z0-9._-]*(?:\+[A-Za-z0-9._/-]+={1,2}[A-Za-z0-9._-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A slot, read. `namespace` is empty where `selector` chooses the namespaces by their labels."""

    host: str
    secret: str
    namespace: str = ""
    selector: str = ""
    accounts: tuple[str, ...] = ()
    context: str = ""


def read(slot: Slot) -> Where:
    """Return the slot, read. Raises UsageError naming the part that is wrong."""
    host = registry_host(slot)
    place, options = target.split(slot.target, valued=("serviceaccounts", "selector", "context"))
    namespace, _, secret = place.partition("/")
    selector = options.get("selector", "")
    if (namespace == "*") != bool(selector) or (selector and not _SELECTOR.fullmatch(selector)):
        raise UsageError(
            f"the target {slot.target!r} does not say which namespaces",
            hint="Write NAMESPACE/SECRET, or */SECRET,selector=label=value (more labels with +).",
        )
    accounts = tuple(options.get("serviceaccounts", "").split("+")) if "serviceaccounts" in options else ()
    for kind, pattern, names in (
        ("namespace", _LABEL, [namespace] if not selector else []),
        ("secret", _NAME, [secret]),
        ("service account", _NAME, accounts),
    ):
        for name in names:
            if not pattern.fullmatch(name):
                raise UsageError(
                    f"{name!r} in the target {slot.target!r} is no name of a {kind}", hint="Write NAMESPACE/SECRET."
                )
    return Where(
        host=host,
        secret=secret,
        namespace="" if selector else namespace,
        selector=selector.replace("+", ","),
        accounts=accounts,
        context=options.get("context", ""),
    )
