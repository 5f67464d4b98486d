"""The delivered file in the hands of real programs: skopeo, docker-registry with token authentication, gcloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.registry import pusher, skopeo

SECONDS = 30


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=dict(os.environ), capture_output=True, text=True, timeout=SECONDS)


@pytest.mark.real("skopeo", "docker-registry")
def test_skopeo_pulls_from_a_real_registry_and_may_not_push(house, registry, tmp_path):
    """What was delivered would satisfy our own fakes only."""
    assert house.run("gcp.bootstrap", "--project", "demo", "--sink", "docker-config").code == 0
    source, image = "docker://gcr.io/demo/app:v1", f"docker://{registry}/demo/app:v1"
    login = pusher()
    pushed = skopeo("copy", "--src-creds", login, "--dest-creds", login, "--dest-tls-verify=false", source, image)
    assert (pushed.returncode, pushed.stderr) == (0, "")
    delivered = json.loads(house.docker_config.read_text())["auths"]["gcr.io"]
    for server in (registry, "gcr.io"):
        assert skopeo("copy", "--src-no-creds", "--src-tls-verify=false", image, f"dir:{tmp_path}/no").returncode != 0
        file = house.folder / "auth.json"
        file.write_text(json.dumps({"auths": {server: delivered}}))
        reference = image if server == registry else source
        plain = server == registry
        pulled = skopeo(
            "copy",
            "--src-authfile",
            str(file),
            f"--src-tls-verify={str(not plain).lower()}",
            reference,
            f"dir:{tmp_path}/yes",
        )
        assert (pulled.returncode, pulled.stderr) == (0, "")
        refused = skopeo(
            "copy", "--dest-authfile", str(file), f"--dest-tls-verify={str(not plain).lower()}", f"dir:{tmp_path}/yes",
            reference.replace(":v1", ":mine"),
        )  # fmt: skip
        assert refused.returncode != 0
        assert any(words in refused.stderr for words in ("denied", "unauthorized", "403 (Forbidden)"))


@pytest.mark.real("skopeo")
def test_skopeo_reads_the_delivered_file_itself(house, tmp_path):
    """The config.json that was written would not be one that other programs read."""
    assert house.run("gcp.bootstrap", "--project", "demo", "--sink", "docker-config").code == 0
    done = skopeo("copy", "--src-authfile", str(house.docker_config), "docker://gcr.io/demo/app:v1", f"dir:{tmp_path}/image")
    assert (done.returncode, done.stderr) == (0, "")
    house.run("revoke", "--reader", "docker-reader", "--yes")
    assert skopeo("inspect", "--authfile", str(house.docker_config), "docker://gcr.io/demo/app:v1").returncode != 0


if shutil.which("gcloud"):  # gcloud is no package of Debian or PyPI: the test runs where the machine has one

    @pytest.mark.slow
    def test_what_gcloud_made_is_adopted_and_tightened(house):
        """The documented commands would be a dead end: a reader of the whole project that cannot be taken over."""
        email = "docker-reader@demo.iam.gserviceaccount.com"
        key = Path(house.folder, "key.json")
        member = f"--member=serviceAccount:{email}"
        for argv in (
            ("iam", "service-accounts", "create", "docker-reader", "--project=demo"),
            ("projects", "add-iam-policy-binding", "demo", member, "--role=roles/artifactregistry.reader"),
            ("iam", "service-accounts", "keys", "create", str(key), f"--iam-account={email}", "--project=demo"),
        ):
            done = run("gcloud", *argv)
            assert done.returncode == 0, done.stderr
        assert house.run("gcp.bootstrap", "--project", "demo").code == 3
        adopted = house.run("gcp.bootstrap", "--project", "demo", "--adopt", "--json")
        assert (adopted.code, adopted.json["proof"]["outside"], len(house.keys())) == (0, "denied", 2)
        gate = next(gate for gate in house.box.countries["google"].gates() if gate.serves("gcr.io"))
        visitor = gate.sign_in("gcr.io", "_json_key", key.read_text())
        assert gate.actions("gcr.io", visitor, "demo/app") == {"pull"}
        assert gate.actions("us-docker.pkg.dev", visitor, "demo/private/secret") == frozenset()
