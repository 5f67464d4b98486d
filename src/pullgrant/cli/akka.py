"""`akka.*`: the registry that Akka itself brings, for which no reader is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.options import JSON
from pullgrant.cli.verb import Given, verb


@verb(JSON, default=True)
def hosts(given: Given) -> None:
    """List the hosts of the Akka Container Registry per region, and whether docker gets credentials for them here."""
    _show(catalog.akka_registry().hosts(), given)


@verb(JSON)
def configure(given: Given) -> None:
    """Let the akka CLI set docker up for the Akka Container Registry, and check that docker then gets credentials."""
    _show(catalog.akka_registry().configure(), given)


def _show(found: Sequence[Any], given: Given) -> None:
    from pullgrant.cli.render import emit

    documents = [
        {"host": one.host, "region": one.region, "organization": one.organization or None, "docker_answers": one.answers}
        for one in found
    ]
    lines = [
        f"{one.host}  {one.region}  {one.organization or 'public'}  docker: {'has a credential' if one.answers else 'has none'}"
        for one in found
    ]
    lines.append("services need no credential for these hosts: Akka signs them in by itself")
    if not all(one.answers for one in found):
        lines.append("to push there with docker: pullgrant akka.registry.configure")
    emit({"hosts": documents}, lines, as_json=given.json)


def collection() -> Collection:
    """Return the collection `akka`."""
    registry = Collection("registry")
    for one in (hosts, configure):
        registry.add_task(one)
    found = Collection("akka")
    found.add_collection(registry)
    return found
