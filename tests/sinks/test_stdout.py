"""Standard output as a sink: the contract as far as a stream can keep it, its formats, and when it refuses."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import json
import shlex
from datetime import UTC, datetime

import pytest

from pullgrant.errors import UsageError
from pullgrant.sinks.stdout import Stdout
from pullgrant.testing.sink_contract import DeliveryContract, make_credential

HOST = "us.gcr.io"


class Stream(io.StringIO):
    """Keeps every write on its own, and can be made to refuse."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.broken = False

    def write(self, text):
        if self.broken:
            raise BrokenPipeError(text)
        self.writes.append(text)
        return len(text)


class TestStdout(DeliveryContract):
    @pytest.fixture
    def stream(self):
        return Stream()

    @pytest.fixture
    def sink(self, stream):
        return Stdout(named=True, stream=stream)

    @pytest.fixture
    def slot(self):
        return Stdout.slot("format=json", server="registry.example.com")

    @pytest.fixture
    def read_back(self, stream):
        def read(slot):
            for text in reversed(stream.writes):
                document = json.loads(text)
                if document["server"] == slot.server:
                    return document["username"], document["password"]
            return None

        return read

    @pytest.fixture
    def refuse_writes(self, stream):
        @contextlib.contextmanager
        def refuse(slot):
            stream.broken = True
            yield
            stream.broken = False

        return refuse


def printed(target, secret="it's $ecret\n"):
    stream = io.StringIO()
    credential = dataclasses.replace(make_credential(HOST, secret), expires_at=datetime(2030, 1, 2, tzinfo=UTC))
    Stdout(named=True, stream=stream).deliver(Stdout.slot(target, server=HOST), credential)
    return stream.getvalue()


def test_dockerconfigjson():
    """What is printed could not be put where docker or a cluster reads it."""
    document = json.loads(printed(""))
    assert base64.b64decode(document["auths"][HOST]["auth"]).decode() == "reader:it's $ecret\n"
    assert printed("") == printed("format=dockerconfigjson")


def test_env():
    """A shell that reads the lines would change the secret."""
    assert shlex.split(printed("format=env")) == [
        "REGISTRY_SERVER=https://us.gcr.io", "REGISTRY_USERNAME=reader", "REGISTRY_PASSWORD=it's $ecret\n",
        "REGISTRY_EXPIRES_AT=2030-01-02T00:00:00+00:00",
    ]  # fmt: skip


def test_json():
    """A program that reads the document would miss a part of it."""
    assert json.loads(printed("format=json")) == {
        "server": HOST, "server_url": "https://us.gcr.io", "username": "reader", "password": "it's $ecret\n",
        "expires_at": "2030-01-02T00:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize("target", ["json", "format=yaml", "format=", "format=json,env"])
def test_an_unknown_format(target):
    """A typing error would print the secret in a form nobody asked for."""
    with pytest.raises(UsageError, match="no target of stdout"):
        Stdout.slot(target, server=HOST)


def test_it_prints_only_when_it_is_named():
    """A scheduled renewal would write a secret into its log."""
    stream = io.StringIO()
    sink, slot = Stdout(stream=stream), Stdout.slot("", server=HOST)
    with pytest.raises(UsageError, match="does not name it"):
        sink.preflight(slot, ours=True, adopt=False)
    with pytest.raises(UsageError, match="does not name it"):
        sink.deliver(slot, make_credential(HOST, "s3cret"))
    assert stream.getvalue() == ""
