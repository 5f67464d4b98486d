"""The whole Google Cloud bootstrap against its limit and, where gcloud is installed, the three documented commands."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.bootstrap import Ours, measured

# Dependent round trips: one look at everything; the account; key and policy at once; then at the registry its challenge,
# a token and the manifest, and last the questions whose answer is no, at once, of which the one at another host asks
# challenge and token.
DEPTH = 3 + 3 + 2
EMAIL = "docker-reader@demo.iam.gserviceaccount.com"


def main(runs: int = 5) -> str:
    """Return the table."""
    bootstrap = ["gcp.bootstrap", "--project", "demo", "--sink"]
    ours = {f"gcp.bootstrap --sink {sink}": Ours([*bootstrap, sink], DEPTH) for sink in ("docker-config", "akka")}
    with tempfile.TemporaryDirectory() as folder:
        documented = {"the three gcloud commands": _documented(Path(folder))} if shutil.which("gcloud") else {}
        return measured(lambda _: ours, lambda _: documented, runs=runs)


def _documented(folder: Path) -> list[list[str]]:
    """Return the commands of the platforms' documentation: account, role on the project, key."""
    member = f"serviceAccount:{EMAIL}"
    return [
        ["gcloud", "iam", "service-accounts", "create", "docker-reader", "--project", "demo"],
        ["gcloud", "projects", "add-iam-policy-binding", "demo", "--member", member, "--role", "roles/artifactregistry.reader"],
        ["gcloud", "iam", "service-accounts", "keys", "create", str(folder / "key.json"), "--iam-account", EMAIL,
         "--project", "demo"],
    ]  # fmt: skip
