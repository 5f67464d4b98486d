"""The three documented commands of a real gcloud against the fake."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pullgrant.sandbox.run import Sandbox
from sandbox.google.discovery import Discovery, RecordingGoogle

READER = "docker-reader@demo.iam.gserviceaccount.com"
SECONDS = 60

pytestmark = [pytest.mark.real("gcloud"), pytest.mark.slow]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(factories={"google": RecordingGoogle}) as running:
        yield running


def gcloud(sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run gcloud with the sandbox's variables."""
    environment = {**os.environ, **sandbox.environment()}
    return subprocess.run(["gcloud", *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS)


def test_documented_commands(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the platforms' documentation tells people to type would not work against the sandbox."""
    file = tmp_path / "key.json"
    commands = (
        ("iam", "service-accounts", "create", "docker-reader"),
        (
            "projects",
            "add-iam-policy-binding",
            "demo",
            f"--member=serviceAccount:{READER}",
            "--role=roles/artifactregistry.reader",
        ),
        ("iam", "service-accounts", "keys", "create", str(file), f"--iam-account={READER}"),
    )
    done = [gcloud(sandbox, *command) for command in commands]
    assert [(each.returncode, each.stderr if each.returncode else "") for each in done] == [(0, "")] * 3
    google = sandbox.countries["google"]
    assert isinstance(google, RecordingGoogle)
    gate = google.gates()[0]
    visitor = gate.sign_in("gcr.io", "_json_key", file.read_text())
    assert gate.actions("gcr.io", visitor, "demo/app") == {"pull"}
    assert json.loads(file.read_text())["client_email"] == READER


def test_narrow_commands(sandbox: Sandbox) -> None:
    """The commands that grant on a repository or a bucket alone, or enable an API, would not work against the sandbox."""
    bind, member = "add-iam-policy-binding", "--member=user:someone@example.com"
    bucket = "gs://artifacts.legacy.appspot.com"
    commands = (
        ("artifacts", "repositories", bind, "gcr.io", "--location=us", member, "--role=roles/artifactregistry.reader"),
        ("storage", "buckets", bind, bucket, member, "--role=roles/storage.objectViewer"),
        ("services", "enable", "artifactregistry.googleapis.com", "--project=disabled"),
    )
    done = [gcloud(sandbox, *command) for command in commands]
    assert [(each.returncode, each.stderr if each.returncode else "") for each in done] == [(0, "")] * 3


def test_refusal(sandbox: Sandbox) -> None:
    """gcloud would not show the fake's refusal as its own user sees Google's."""
    done = gcloud(sandbox, "iam", "service-accounts", "create", "docker-reader", "--project=denied")
    assert done.returncode == 1
    assert "iam.serviceAccounts.create" in done.stderr


def test_requests(sandbox: Sandbox) -> None:
    """What gcloud sends would not fit the documents by which our own requests are judged."""
    gcloud(sandbox, "iam", "service-accounts", "create", "docker-reader")
    gcloud(sandbox, "iam", "service-accounts", "keys", "list", f"--iam-account={READER}")
    google, discovery = sandbox.countries["google"], Discovery()
    assert isinstance(google, RecordingGoogle)
    # A call through an endpoint override names no host of Google.
    assert [kind for kind, _, _ in google.recorded] == ["iam.CreateServiceAccount", "iam.ListServiceAccountKeys"]
    assert [discovery.request_to("iam.googleapis.com", request) for _, request, _ in google.recorded] == [[], []]
