"""The one table of adapters, and the one place where they are put together. Nothing is imported before it is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from inspect import signature
from types import TracebackType
from typing import Any

from pullgrant.errors import UsageError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Slot
from pullgrant.model.reader import Reader
from pullgrant.ports import Clock, Ledger, Ports, Provider, Report, Sink

PROVIDERS: Mapping[str, str] = {
    "azure": "pullgrant.providers.azure",
    "gcp": "pullgrant.providers.gcp",
}
SINKS: Mapping[str, str] = {
    "akka": "pullgrant.sinks.akka:Akka",
    "docker-config": "pullgrant.sinks.docker_config:DockerConfig",
}


def reader(provider: str, options: Mapping[str, Any]) -> Reader:
    """Return the reader that a provider's command line options ask for. Raises UsageError before anything is called."""
    parse = import_module(f"{_module(provider)}.settings").Settings.parse
    own = {name: options[name] for name in signature(parse).parameters if options.get(name) is not None}
    return parse(**own).to_reader()  # type: ignore[no-any-return]


def slot(text: str, *, server: str, name: str = "") -> Slot:
    """Return the slot that `NAME[:TARGET]` means for the credential of one registry host, with nothing left to default.

    Raises UsageError for an unknown sink or a target that the sink cannot read.
    """
    sink, _, target = text.partition(":")
    return _class("sink", SINKS, sink).slot(target, server=server, name=name)  # type: ignore[no-any-return]


class Catalog:
    """Builds ports for one run and closes what it opened."""

    def __init__(self, *, clock: Clock, report: Report, ledger_url: str | None, insecure: Iterable[str] = ()) -> None:
        self.clock, self._report, self._ledger_url = clock, report, ledger_url
        self._insecure = frozenset(insecure)
        self._http = Http()
        self._ledger: Any = None
        self._sinks: dict[str, Sink] = {}

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened at first use."""
        if self._ledger is None:
            from pullgrant.ledger import open_ledger

            self._ledger = open_ledger(self._ledger_url, self.clock)
        return self._ledger  # type: ignore[no-any-return]

    def provider(self, wanted: Reader) -> Provider:
        """Return the provider of one reader."""
        module = import_module(f"{_module(wanted.provider)}.provider")
        return module.Provider(wanted, owner=self.ledger.id, http=self._http, clock=self.clock)  # type: ignore[no-any-return]

    def sink(self, name: str) -> Sink:
        """Return a sink by name; one for a run."""
        if name not in self._sinks:
            self._sinks[name] = _class("sink", SINKS, name)()
        return self._sinks[name]

    def ports(self, wanted: Reader, slots: Iterable[Slot]) -> Ports:
        """Return all that a flow on one reader needs; its slots' sinks and those of the slots that the ledger knows."""
        from pullgrant.model import history as past
        from pullgrant.probe import Probe

        known = past.slots(self.ledger.history(wanted.id))
        provider = self.provider(wanted)
        probe = Probe(self._http, push_question=provider.can.push_question, insecure_hosts=self._insecure)
        return Ports(
            provider=provider,
            sinks={one.sink: self.sink(one.sink) for one in (*slots, *known)},
            probe=probe,
            ledger=self.ledger,
            clock=self.clock,
            report=self._report,
        )

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()
        if self._ledger is not None:
            self._ledger.dispose()


def _module(provider: str) -> str:
    if provider not in PROVIDERS:
        raise UsageError(f"there is no provider {provider!r}", hint=f"Providers: {', '.join(PROVIDERS)}.")
    return PROVIDERS[provider]


def _class(kind: str, table: Mapping[str, str], name: str) -> Any:
    if name not in table:
        raise UsageError(f"there is no {kind} {name!r}", hint=f"Known: {', '.join(table)}.")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
