"""A puller that never stops, through a hundred rotations: a real skopeo at a real docker-registry."""

import os
import shutil
import threading
import time

import pytest

from e2e.registry import pusher, skopeo

ROTATIONS = 100
# Keys are replaced every half hour and live two hours longer; a platform may use what it read up to three rotations ago.
HOURS, GRACE, CACHED = 0.5, "2h", 3
IMAGE = "gcr.io/demo/app:endless"  # only the docker-registry has it


class Puller(threading.Thread):
    """Pulls without a pause: with the file that is kept, and with a copy of it as a platform that caches would have."""

    def __init__(self, house, registry):
        super().__init__(daemon=True)
        self.kept, self.copy, self.image = house.docker_config, house.folder / "cached.json", house.folder / "image"
        # skopeo asks gcr.io through a proxy, and the docker-registry answers requests that are meant for one like any other.
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), f"http://{registry}")
        self.environment = os.environ | proxies
        self.rotations, self.copied_at, self.pulls, self.failures = 0, -CACHED, 0, []
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            if self.rotations - self.copied_at >= CACHED:
                self.copied_at = self.rotations
                shutil.copy(self.kept, self.copy)
            for file in (self.kept, self.copy):
                self.pull(file)

    def pull(self, file):
        words = ("copy", "--src-tls-verify=false", "--src-authfile", str(file), f"docker://{IMAGE}", f"dir:{self.image}")
        try:
            done = skopeo(*words, environment=self.environment)
        except Exception as error:
            self.failures.append((self.rotations, file.name, repr(error)))
        else:
            self.pulls += 1
            if done.returncode != 0:
                self.failures.append((self.rotations, file.name, done.stderr))


def push(registry):
    """Put the image of the fake gcr.io into the real registry."""
    login = pusher()
    words = ("copy", "--src-creds", login, "--dest-creds", login, "--dest-tls-verify=false")
    done = skopeo(*words, "docker://gcr.io/demo/app:v1", f"docker://{registry}/{IMAGE.removeprefix('gcr.io/')}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.real("skopeo", "docker-registry")
def test_a_puller_that_never_stops(house, registry):
    """A platform that pulls in the wrong moment of a rotation would fail, or one that caches what it read."""
    push(registry)
    made = house.run("gcp.bootstrap", "--project", "demo", "--sink", "docker-config", "--grace", GRACE)
    assert made.code == 0, made.err
    puller = Puller(house, registry)
    puller.start()
    try:
        for rotation in range(1, ROTATIONS + 1):
            pulls = puller.pulls
            done = house.run("rotate", "--now")
            assert (done.code, "renewed" in done.out, puller.failures) == (0, True, []), done.err
            puller.rotations = rotation
            house.run("sandbox.advance", "--hours", str(HOURS))
            while puller.pulls < pulls + 2 and puller.is_alive() and not puller.failures:
                time.sleep(0.005)
    finally:
        puller.ending.set()
        puller.join(60)
    assert (puller.failures, puller.pulls >= 2 * ROTATIONS) == ([], True)
    kinds = house.kinds()
    assert (kinds.count("iam.CreateServiceAccountKey"), len(house.keys())) == (ROTATIONS + 1, 5)
    assert kinds.count("iam.DeleteServiceAccountKey") == ROTATIONS + 1 - 5


@pytest.mark.real("skopeo", "docker-registry")
def test_the_puller_can_fail(house, registry):
    """The real registry would let in whoever comes: a hundred rotations without a failure would prove nothing."""
    push(registry)
    house.run("gcp.bootstrap", "--project", "demo", "--sink", "docker-config")
    puller = Puller(house, registry)
    puller.pull(puller.kept)
    assert puller.failures == []
    house.run("sandbox.delete-key")
    puller.pull(puller.kept)
    (failure,) = puller.failures
    assert "unauthorized" in failure[2]
