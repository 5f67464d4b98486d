"""What the tests of stores share: a sandbox that this process stands in, and documents as the stores hold them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pullgrant.model.image import docker_key
from pullgrant.sandbox.run import Sandbox

HOST = "registry.example.com"


@contextmanager
def standing_in(house: Sandbox, country: str) -> Iterator[object]:
    """Return the country on its first day, this process's environment leading to it."""
    house.world.reset()
    house.countries[country].reset()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in house.environment().items():
            patch.setenv(name, value)
        yield house.countries[country]


def entry(document: str | None, server: str) -> tuple[str, str] | None:
    """Return user name and secret that docker would use of a document."""
    found = json.loads(document or "{}").get("auths", {}).get(docker_key(server))
    if found is None:
        return None
    assert list(found) == ["auth"]
    username, _, secret = base64.b64decode(found["auth"], validate=True).decode().partition(":")
    return username, secret


def with_foreign(document: str | None, server: str) -> str:
    """Return the document with somebody else's credential in it."""
    whole = json.loads(document or "{}")
    auth = base64.b64encode(b"somebody:foreign-secret").decode()
    whole.setdefault("auths", {})[docker_key(server)] = {"auth": auth}
    return json.dumps(whole)
