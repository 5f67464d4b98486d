"""Fixtures of the probe's tests: an HTTP client, and a registry of a given kind behind a probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from probe.bench import Bench
from probe.registries import Registry
from probe.served import serve
from pullgrant.kit.http import Http


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Http]:
    """A client of its own for each test, that no proxy of the environment comes between."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    client = Http(timeout=2.0)
    yield client
    client.close()


@pytest.fixture
def bench(http: Http) -> Iterator[Callable[..., Bench]]:
    """Start a registry; returns it with a site and probes for it."""
    with ExitStack() as stack:

        def start(registry: Registry, *, also: frozenset[str] = frozenset()) -> Bench:
            site = stack.enter_context(serve(registry))
            registry.host = site.host
            return Bench(http=http, site=site, registry=registry, insecure=frozenset({site.host}) | also)

        yield start
