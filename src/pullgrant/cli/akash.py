"""`akash.*`: SDL files with placeholders, put together for the moment of their use."""

from __future__ import annotations

import sys

from invoke import Collection

from pullgrant import catalog
from pullgrant.cli.options import Opt
from pullgrant.cli.verb import Given, verb


@verb(Opt(name="file", positional=True, help="SDL file that was delivered with the target FILE,via-env."))
def render(given: Given) -> None:
    """Print an SDL file with its placeholders filled, secrets included, for `provider-services` to read; keeps nothing."""
    sys.stdout.write(catalog.render_akash(given.file))
    sys.stdout.flush()


def collection() -> Collection:
    """Return the collection `akash`."""
    found = Collection("akash")
    found.add_task(render)
    return found
