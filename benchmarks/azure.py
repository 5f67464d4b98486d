"""The whole Azure bootstrap against its limit and, where az is (on PATH, or PULLGRANT_REAL_AZ), the three documented commands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile

from benchmarks.bootstrap import Documented, Ours, measured
from pullgrant.sandbox.run import Sandbox

REGISTRY = "democlassic"  # az wants five letters
CLOUD = "PullgrantSandbox"
AZ = os.environ.get("PULLGRANT_REAL_AZ") or shutil.which("az") or ""

# Round trips that wait for one another. The sign-in: OpenID configuration, token. A look: subscriptions, registries, what the
# operator may do; all at once where the resource is named. What is made: application, service principal, password and role
# at once. At the registry: challenge, token, manifest, and the questions whose answer is no, at once, each with a token.
SIGN_IN, SEARCH, LOOK, MAKE, PROOF = 2, 3, 1, 3, 5
# A token of the registry is looked at after the registry; scope map, token and password are long operations, each a request,
# a look at how it goes and one at what came of it.
MAKE_TOKEN = 1 + 3 * 3


def main(runs: int = 5) -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as empty:
        return measured(_ours, lambda box: _documented(box, empty) if AZ else {}, runs=runs)


def _ours(box: Sandbox) -> dict[str, Ours]:
    bootstrap = ["azure.bootstrap", "--sink", "docker-config", "--registry", REGISTRY]
    where = ["--subscription", next(iter(box.countries["azure"].state.subscriptions)), "--resource-group", "sandbox"]
    by_token = ["--method", "token", "--repository", "team/app"]
    return {
        f"azure.bootstrap --registry {REGISTRY}": Ours(bootstrap, SIGN_IN + SEARCH + MAKE + PROOF),
        "the same with --subscription, --resource-group": Ours([*bootstrap, *where], SIGN_IN + LOOK + MAKE + PROOF),
        "the same with --image too": Ours([*bootstrap, *where, "--image", "app:v1"], SIGN_IN + LOOK + MAKE + PROOF),
        "--method token --repository team/app": Ours([*bootstrap, *by_token], SIGN_IN + SEARCH + MAKE_TOKEN + PROOF),
    }


def _documented(box: Sandbox, empty: str) -> Documented:
    """Return the commands of the platforms' documentation, for an az that is signed in to the sandbox alone.

    az starts as `python -m` and would import files of the current folder: it runs in an empty one.
    """
    names = box.environment()
    az = f'cd {shlex.quote(empty)} && az() {{ AZURE_CORE_INSTANCE_DISCOVERY=false {shlex.quote(AZ)} "$@"; }}'
    who = '--username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" --password "$AZURE_CLIENT_SECRET"'
    steps = (
        f"az cloud register --name {CLOUD} --endpoint-resource-manager https://management.azure.com",
        f"az cloud set --name {CLOUD}",
        f'test "$(az cloud show --query name --output tsv)" = {CLOUD}',  # else the next one talks to the real Azure
        f"az login --service-principal {who}",
    )
    signed_in = ["sh", "-c", " && ".join((az, *steps))]
    subprocess.run(signed_in, env=os.environ | names, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    recipe = (
        f"scope=$(az acr show --name {REGISTRY} --query id --output tsv)",
        'reader=$(az ad sp create-for-rbac --name docker-reader --scopes "$scope" --role acrpull --query appId --output tsv)',
        'az ad sp show --id "$reader"',
    )
    return {"the three az commands": [["sh", "-c", " && ".join((az, *recipe))]]}
