"""The whole Azure bootstrap against its limit. `az` needs a session of its own: see the opt-in tests of the fake Azure."""

from __future__ import annotations

from benchmarks.bootstrap import measured

# Dependent round trips: sign-in; one look at everything, two without --subscription; application; service principal;
# password and role at once; then at the registry its challenge, a token, the manifest, and the questions whose answer is no.
DEPTH = 1 + 2 + 3 + 3 + 1


def main(runs: int = 5) -> str:
    """Return the table."""
    bootstrap = ["azure.bootstrap", "--sink", "docker-config", "--registry"]
    ours = {
        "azure.bootstrap --registry demo": [*bootstrap, "demo"],
        "the same with --image app:v1": [*bootstrap, "demo", "--image", "app:v1"],
        "--method token --repository team/app": [*bootstrap, "demo", "--method", "token", "--repository", "team/app"],
    }
    return measured(ours, {}, depth=DEPTH, runs=runs)
