"""What all stores keep to before they are asked anything."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from pullgrant import catalog
from pullgrant.errors import MissingExtra, SinkFailed, UsageError
from pullgrant.model.credential import Credential
from pullgrant.secret import Secret
from sinks.store_house import HOST

SLOTS = {
    "vault": ("vault:secret/app#pull,addr=https://vault.example", "hvac", "vault"),
    "aws-secretsmanager": ("aws-secretsmanager:pull,region=us-east-1", "boto3", "aws"),
    "gcp-secretmanager": ("gcp-secretmanager:demo/pull", "google.cloud.secretmanager_v1", "gcp-secretmanager"),
    "azure-keyvault": ("azure-keyvault:acme/pull", "azure.keyvault.secrets", "azure-keyvault"),
    "github-actions": ("github-actions:acme/app", "nacl.public", "github"),
}
ALL = [text for text, _, _ in SLOTS.values()] + ["gitlab-ci:acme/app,url=https://gitlab.com"]


def _sink(name):
    module, _, attribute = catalog.SINKS[name].partition(":")
    return getattr(import_module(module), attribute)()


@pytest.mark.parametrize("text", ALL)
def test_a_slot_reads_its_own_text(text, monkeypatch):
    """The ledger's slot would not be the one of the next run, and be delivered to as a second one."""
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
    slot = catalog.slot(text, server=HOST)
    assert str(slot) == text
    assert catalog.slot(str(slot), server=f"https://{HOST}", name=slot.name) == slot


@pytest.mark.parametrize("sink", SLOTS)
def test_a_missing_package_is_named(sink, monkeypatch):
    """The user would see a traceback in place of the command that mends it."""
    text, package, extra = SLOTS[sink]
    slot = catalog.slot(text, server=HOST)
    made = _sink(sink)
    monkeypatch.setitem(sys.modules, package, None)
    if package.startswith("google"):
        monkeypatch.delattr("google.cloud.secretmanager_v1", raising=False)
    with pytest.raises(MissingExtra) as caught:
        made.preflight(slot, ours=False, adopt=False)
    assert caught.value.hint == f"pip install 'pullgrant[{extra}]'"


@pytest.mark.parametrize("text", ALL)
def test_no_store_is_asked_for_the_platform_s_own_registry(text):
    """A slot that needs no credential would be made, and a sign-in asked for."""
    with pytest.raises(UsageError, match="no credential needed"):
        catalog.slot(text, server="acr.us-east-1.akka.io")


@pytest.mark.parametrize("text", ALL)
def test_a_colon_in_the_user_name_is_refused(text):
    """docker would split the name and every pull would be refused."""
    slot = catalog.slot(text, server=HOST)
    sink = _sink(slot.sink)
    with pytest.raises(SinkFailed, match="docker cannot hold"):
        sink.deliver(slot, Credential(server=HOST, username="a:b", secret=Secret("x")))
