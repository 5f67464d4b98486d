"""What all tests share: a clean environment, and real programs that are installed or said to be missing."""

import os
import shutil
from collections.abc import Iterator

import hypothesis
import pytest

pytest.register_assert_rewrite("pullgrant.testing")

# Nothing is judged by the clock: on a busy machine an example takes as long as it takes.
hypothesis.settings.register_profile("unhurried", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("unhurried")

_CLEARED = (
    "PULLGRANT_",
    "GOOGLE_",
    "CLOUDSDK_",
    "AZURE_",
    "AWS_",
    "AKKA_",
    "DOCKER_",
    "VAULT_",
    "HARBOR_",
    "QUAY_",
    "GITLAB_",
    "DOCKERHUB_",
    "GHCR_",
    "KUBECONFIG",
    "XDG_",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "grpc_proxy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's own accounts, ledger and proxies out of every test, and what one test said out of the next.

    The task `sandbox` tells all tasks behind it where to go by this process's environment.
    """
    before = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    for name in list(os.environ):
        if name.startswith(_CLEARED) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    yield
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip a `real` test whose program is missing, except in CI, where it must be there."""
    for item in items:
        for mark in item.iter_markers("real"):
            missing = [program for program in mark.args if shutil.which(program) is None]
            if missing and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing)} is not installed"))
