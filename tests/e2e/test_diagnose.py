"""`diagnose` against the sandbox: the cause is named, and the command that it gives mends the pull."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pullgrant.sandbox.world import Fault

ROOT = Path(__file__).parents[2]
IMAGE = "gcr.io/demo/app:v1"


def bootstrap(house, *more, project="demo"):
    done = house.run("gcp.bootstrap", "--project", project, *more)
    assert done.code == 0, done.err


def mend(house, told):
    """Run the command that a diagnosis gave."""
    command = re.search(r"Mend it: pullgrant (.*)", told.err)[1]
    done = house.run(*shlex.split(command))
    assert done.code == 0, done.err


def test_a_deleted_key_is_named_and_mended(house):
    """The one line that shows the verb would not name the dead credential, or name a command that does not mend it."""
    bootstrap(house)
    house.run("sandbox.delete-key", "--reader", "docker-reader")
    assert not house.pull(IMAGE)
    told = house.run("diagnose", IMAGE)
    assert (told.code, "the credential in akka is dead: its key" in told.err) == (4, True)
    mend(house, told)
    assert (house.run("diagnose", IMAGE).code, house.pull(IMAGE)) == (0, True)


def test_a_credential_that_can_be_read_is_walked_with(house):
    """The stages of the pull would not be shown."""
    bootstrap(house, "--sink", "docker-config")
    house.run("sandbox.delete-key")
    told = house.run("diagnose", IMAGE, "--json")
    assert (told.code, told.json["cause"], [one["stage"] for one in told.json["steps"]]) == (
        4, "dead-credential", ["reach", "challenge", "token"],
    )  # fmt: skip
    assert (told.json["exit_code"], told.json["mend"]) == (4, "pullgrant rotate --now --reader gcp:demo/docker-reader")


def test_a_healthy_pull(house):
    """A healthy pull would end with an error, or leave a key in the cloud."""
    bootstrap(house)
    keys = house.keys()
    told = house.run("diagnose", IMAGE, "--json")
    assert (told.code, told.json["cause"], house.keys()) == (0, None, keys)
    assert house.run("status", "--json").json["readers"][0]["open_operations"] == []


def test_somebody_elses_login_in_the_slot(house):
    """A `docker login` over our entry would be taken for a dead key."""
    bootstrap(house, "--sink", "docker-config")
    document = json.loads(house.docker_config.read_text())
    document["auths"]["gcr.io"] = {"auth": "bWU6Y2FuYXJ5LXNlY3JldA=="}
    house.docker_config.write_text(json.dumps(document))
    told = house.run("diagnose", IMAGE)
    assert (told.code, "holds something else than was delivered" in told.err) == (4, True)
    assert "canary-secret" not in told.out + told.err
    mend(house, told)
    assert house.run("diagnose", IMAGE).code == 0


def test_an_empty_slot(house):
    """A lost entry would be looked for at the registry."""
    bootstrap(house, "--sink", "docker-config")
    house.docker_config.write_text("{}")
    told = house.run("diagnose", IMAGE, "--slot", "docker-config")
    assert (told.code, "holds no credential for gcr.io" in told.err) == (4, True)
    mend(house, told)
    assert house.run("diagnose", IMAGE, "--slot", "docker-config").code == 0


def test_a_grant_that_was_taken_away(house):
    """A missing permission would be taken for a dead key."""
    bootstrap(house)
    repository = house.box.countries["google"].state.projects["demo"].repositories["us", "gcr.io"]
    repository.policy.bindings = ()
    told = house.run("diagnose", IMAGE)
    assert (told.code, "roles/artifactregistry.reader" in told.err, "is not granted" in told.err) == (4, True, True)
    mend(house, told)
    assert house.pull(IMAGE)


def test_no_such_tag(house):
    """A typing error in a tag would lead to a new credential."""
    bootstrap(house)
    told = house.run("diagnose", "gcr.io/demo/app:v9")
    assert (told.code, "deploy a tag that is there: v1" in told.err, "Mend it" in told.err) == (4, True, False)


@pytest.mark.parametrize("sink", ["akka", "docker-config"])
def test_a_registry_that_is_down(house, sink):
    """A passing trouble would make somebody replace a good credential."""
    bootstrap(house, "--sink", sink)
    house.box.world.fail_next(Fault(kind="registry.*", how="503", times=20))
    told = house.run("diagnose", IMAGE)
    assert (told.code, "is down or limits its callers" in told.err) == (6, True)
    house.box.world.reset()
    assert house.run("diagnose", IMAGE).code == 0


@pytest.mark.parametrize(
    ("image", "cause", "command"),
    [
        ("gcr.io/legacy/app:v1", "no-permission", "pullgrant gcp.bootstrap --project legacy --registry gcr.io"),
        ("us.gcr.io/demo/app:v1", "wrong-host", "pullgrant gcp.bootstrap --project demo --registry us.gcr.io"),
        ("eu.gcr.io/legacy/app:v1", "no-credential", "pullgrant gcp.bootstrap --project legacy --registry eu.gcr.io"),
    ],
)
def test_an_image_that_no_reader_covers(house, image, cause, command):
    """The user would not learn that the reader is one of another project or host."""
    bootstrap(house)
    told = house.run("diagnose", image, "--json")
    assert (told.code, told.json["cause"], told.json["mend"]) == (4, cause, command)


def test_the_command_for_a_new_reader_works(house):
    """The first thing that a newcomer is told to run would fail."""
    told = house.run("diagnose", IMAGE)
    mend(house, told)
    assert house.run("diagnose", IMAGE).code == 0


def test_a_public_image(house):
    """A reader would be asked for where none is needed."""
    told = house.run("diagnose", "gcr.io/public/app:v1")
    assert (told.code, "without a credential" in told.out) == (0, True)


def test_an_operator_who_is_not_signed_in(house, monkeypatch):
    """Only a slot that cannot be read needs the operator's sign-in; then the way on must be named."""
    bootstrap(house, "--sink", "docker-config")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert house.run("diagnose", IMAGE).code == 0


def test_a_chain_goes_on_after_the_image(house):
    """The verb after the image would be taken for another image."""
    done = house.run("gcp.bootstrap", "--project", "demo", "diagnose", IMAGE, "status")
    assert (done.code, "no cause found" in done.out, "NEXT RUN" in done.out) == (0, True, True)


def test_a_verb_in_the_place_of_the_image_is_refused(house):
    """A forgotten image would let the next verb be taken for one, and never run."""
    done = house.run("diagnose", "status")
    assert (done.code, "name of a verb" in done.err) == (2, True)


@pytest.mark.parametrize("words", [(), ("--json",), ("--slot", "akka")])
def test_the_image_must_be_given(house, words):
    """A diagnosis of nothing would be made."""
    done = house.run("diagnose", *words)
    assert (done.code, "'image'" in done.err) == (2, True)


def test_help_after_the_verb(house):
    """--help would be taken for the image."""
    done = house.run("diagnose", "--help")
    assert (done.code, "--slot" in done.out) == (0, True)


def test_the_image_by_its_name_or_after_options(house):
    """`--image X`, and options before the image, would not be understood."""
    for words in (("--image", IMAGE), ("--json", IMAGE), (IMAGE, "--json")):
        assert house.run("diagnose", *words).code == 4


def test_no_secret_is_shown(house):
    """A diagnosis would print the credential that it asks with, or the key that it borrows."""
    bootstrap(house, "--sink", "akka", "--sink", "docker-config")
    auth = json.loads(house.docker_config.read_text())["auths"]["gcr.io"]["auth"]
    heard = ""
    for words in (
        ("diagnose", IMAGE, "--slot", "akka"),
        ("diagnose", IMAGE, "--json"),
        ("resolve", IMAGE),
        ("doctor",),
    ):
        done = house.run(*words, "--verbose")
        assert done.code == 0, done.err
        heard += done.out + done.err
    assert [secret for secret in (auth[:60], "PRIVATE KEY", "private_key") if secret in heard] == []


def test_the_other_face(house):
    """`invoke` in a checkout would take --help, or the next verb, for the image."""
    face = [sys.executable, "-m", "invoke", "diagnose"]
    ended = [
        subprocess.run([*face, *words], cwd=ROOT, capture_output=True, text=True, timeout=60)
        for words in (("--help",), ("status",), ("gcr.io/public/app:v1", "status"))
    ]
    assert [one.returncode for one in ended] == [0, 2, 0]
    assert ("--slot" in ended[0].stdout, "name of a verb" in ended[1].stderr, "no readers yet" in ended[2].stdout) == (
        True, True, True,
    )  # fmt: skip


def test_a_key_that_is_not_there_cannot_be_deleted(house):
    """A misspelt reader would rehearse nothing, and seem to be fine."""
    done = house.run("sandbox.delete-key", "--reader", "nobody")
    assert (done.code, "no reader nobody has a key here" in done.err) == (2, True)
