"""The whole bootstrap on a served sandbox, with and without latency, against its limit and the documented commands."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.clock import PYTHON, interleaved, table
from pullgrant.sandbox.run import Sandbox

# Dependent round trips: one look at everything; the account; key and policy at once; then at the registry its challenge,
# a token and the manifest, and last the questions whose answer is no, at once, of which the one at another host asks
# challenge and token.
DEPTH = 3 + 3 + 2
EMAIL = "docker-reader@demo.iam.gserviceaccount.com"


def main(runs: int = 5) -> str:
    """Return the table: medians in seconds at 0 and 50 ms of latency for each call."""
    rows = [["latency a call", "command", "median s", "limit s", "times the limit", "times pullgrant"]]
    for latency in (0.0, 0.05):
        rows += _at(latency, runs)
    return table(rows)


def _at(latency: float, runs: int) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder, Sandbox() as box:
        env = os.environ | box.environment()
        key = Path(folder, "key.json")

        def fresh() -> None:
            box.world.reset()
            for country in box.countries.values():
                country.reset()
            box.registry.forget()
            for file in box.folder.glob("ledger.sqlite*"):
                file.unlink()
            (box.folder / "docker" / "config.json").unlink(missing_ok=True)
            key.unlink(missing_ok=True)
            box.world.latency = latency

        ours = [PYTHON, "-m", "pullgrant", "gcp.bootstrap", "--project", "demo"]
        commands = {
            "python -c pass": [[PYTHON, "-c", "pass"]],
            "gcp.bootstrap --sink docker-config": [[*ours, "--sink", "docker-config"]],
            "gcp.bootstrap --sink akka": [[*ours, "--sink", "akka"]],
        }
        if shutil.which("gcloud"):
            commands["the three gcloud commands"] = _documented(str(key))
        timed = interleaved(commands, env=env, runs=runs, before=fresh)
    bare, fastest = timed.pop("python -c pass"), timed["gcp.bootstrap --sink docker-config"]
    limit = bare.median + DEPTH * latency
    return [
        [f"{latency * 1000:.0f} ms", one.name, f"{one.median:.2f}", f"{limit:.2f}", f"{one.median / limit:.1f}",
         f"{one.median / fastest.median:.1f}"]
        for one in timed.values()
    ]  # fmt: skip


def _documented(key: str) -> list[list[str]]:
    """Return the commands of the platforms' documentation: account, role on the project, key."""
    member = f"serviceAccount:{EMAIL}"
    return [
        ["gcloud", "iam", "service-accounts", "create", "docker-reader", "--project", "demo"],
        ["gcloud", "projects", "add-iam-policy-binding", "demo", "--member", member, "--role", "roles/artifactregistry.reader"],
        ["gcloud", "iam", "service-accounts", "keys", "create", key, "--iam-account", EMAIL, "--project", "demo"],
    ]
