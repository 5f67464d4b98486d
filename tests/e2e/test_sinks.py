"""Platforms at the end of the whole way: delivered to, pulled from, looked into and emptied, through the command line."""

import base64
import difflib
import json
import stat
import sys
from pathlib import Path

import pytest

from e2e.test_leak import Ears
from pullgrant.sandbox.world import Fault

BOOTSTRAP = ("gcp.bootstrap", "--project", "demo")
IMAGE = "gcr.io/demo/app:v1"
SDL = 'version: "2.1"\nservices:\n  web: # the shop\n    image: gcr.io/demo/app:v1\n    count: 1\n  db:\n    image: postgres:16\n'


@pytest.fixture
def sdl(house, tmp_path_factory, monkeypatch):
    """An SDL file in the current folder."""
    folder = tmp_path_factory.mktemp("sdl")
    monkeypatch.chdir(folder)
    file = folder / "deploy.yaml"
    file.write_text(SDL)
    return file


def secret_of(house, sink="docker-config"):
    assert sink == "docker-config"
    (entry,) = json.loads(house.docker_config.read_text())["auths"].values()
    return base64.b64decode(entry["auth"]).decode().partition(":")[2]


def test_three_sinks_three_receipts(house, sdl):
    """Of several sinks one would be forgotten, or an SDL file change beside its credentials."""
    path = str(house.docker_config)
    sinks = ("--sink", "akka", "--sink", f"docker-config:{path}", "--sink", "akash:deploy.yaml")
    done = house.run(*BOOTSTRAP, *sinks, "--json")
    receipts = [(one["slot"], one["reference"]) for one in done.json["receipts"]]
    assert (done.code, receipts) == (
        0, [("akka", "pullgrant-gcr-io"), (f"docker-config:{path}", "gcr.io"), (f"akash:{sdl}", "web")],
    )  # fmt: skip
    changed = [line for line in difflib.ndiff(SDL.splitlines(), sdl.read_text().splitlines()) if line[0] in "+-"]
    assert [line.partition(":")[0] for line in changed] == [
        "+     credentials", "+       host", "+       username", "+       password",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sink", "platform"),
    [
        ("akka", "akka"),
        ("kalix", "kalix"),
        ("akkasls", "akkasls"),
        ("docker-config", "docker-config"),
        ("akash:deploy.yaml:web", "akash:deploy.yaml"),
        ("kubernetes:apps/pull", "kubernetes:apps/pull"),
        ("kubernetes:apps/pull,serviceaccounts=default", "kubernetes:apps"),
        ("kubernetes:*/pull,selector=team=web", "kubernetes:shop/pull"),
    ],
)
def test_the_platform_pulls(house, sdl, sink, platform):
    """A credential would be delivered in a form that its platform cannot use, or one be used that is dead."""
    assert not house.pull(IMAGE, platform)
    assert house.run(*BOOTSTRAP, "--sink", sink).code == 0
    assert house.pull(IMAGE, platform)
    assert not house.pull("us.gcr.io/demo/app:v1", platform)
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 0
    assert not house.pull(IMAGE, platform)
    assert sdl.read_text() == SDL


def test_an_entry_serves_one_reader(house):
    """Two readers would take it from each other for ever, or the end of one be the end of the other."""
    both = ("--sink", "akka", "--sink", "docker-config")
    assert house.run(*BOOTSTRAP, *both).code == 0
    for more in ((), ("--adopt",)):
        refused = house.run(*BOOTSTRAP, "--reader", "second-reader", *both, *more)
        assert (refused.code, "akka already holds the credential of gcp:demo/docker-reader" in refused.err) == (3, True)
    assert (len(house.keys()), house.pull(IMAGE), house.pull(IMAGE, "docker-config")) == (1, True, True)
    for name in ("second-reader", "third-reader"):  # a command keeps nothing that could be taken away
        assert house.run(*BOOTSTRAP, "--reader", name, "--sink", "exec:true").code == 0
    assert house.run("sinks.remove", "docker-config", "--yes").code == 0
    assert house.run(*BOOTSTRAP, "--reader", "second-reader", "--sink", "docker-config").code == 0
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 0
    assert (house.pull(IMAGE), house.pull(IMAGE, "docker-config")) == (False, True)


def test_kalix_of_the_era_of_ids(house):
    """The older command line of Kalix would be taken for the newer one."""
    documents = house.box.countries["platforms"].documents
    documents._held["kalix"] = (7, {"era": "uuid"})
    first = house.run(*BOOTSTRAP, "--sink", "kalix", "--json").json["receipts"][0]["reference"]
    second = house.run(*BOOTSTRAP, "--rotate-now", "--sink", "kalix", "--json").json["receipts"][0]["reference"]
    entries = documents.document("kalix")["projects"]["sample"]["entries"]
    assert ([one["id"] for one in entries], first == second) == ([second], False)
    assert house.pull(IMAGE, "kalix")


def test_one_sink_fails_and_recovers(house, sdl):
    """A failed sink would hold up the others, or be forgotten."""
    sinks = ("--sink", "docker-config", "--sink", "kubernetes:apps/pull")
    house.world.fail_next(Fault(kind="kubernetes.CreateObject", how="403"))
    failed = house.run(*BOOTSTRAP, *sinks, "--json")
    assert (failed.code, failed.json["error"]["kind"]) == (5, "SinkFailed")
    assert (house.pull(IMAGE, "docker-config"), house.pull(IMAGE, "kubernetes:apps/pull")) == (True, False)
    assert house.run("recover").code == 0
    assert (house.pull(IMAGE, "docker-config"), house.pull(IMAGE, "kubernetes:apps/pull")) == (True, True)


def test_a_failed_preflight_makes_no_key(house, sdl):
    """A key would be made that one of the platforms cannot take."""
    sinks = ("--sink", "docker-config", "--sink", "akash:deploy.yaml:db")
    assert house.run(*BOOTSTRAP, *sinks).code == 2
    assert (house.keys(), house.docker_config.exists()) == ([], False)


EVERY = ("akka", "kalix", "akkasls", "docker-config", "akash:deploy.yaml", "kubernetes:apps/pull", "stdout")


def test_no_sink_takes_an_unproven_credential(house, sdl, tmp_path):
    """A credential that nobody has proven would reach a platform unasked."""
    seen = tmp_path / "seen.json"
    taker = tmp_path / "take.sh"
    taker.write_text(f"#!/bin/sh\ncat > {seen}\n")
    taker.chmod(0o755)
    sinks = [word for sink in (*EVERY, f"exec:{taker}") for word in ("--sink", sink)]
    unproven = ("gcp.bootstrap", "--project", "empty", *sinks)  # a registry without images
    refused = house.run(*unproven)
    assert (refused.code, refused.out, house.keys("empty"), seen.exists()) == (4, "", [], False)
    assert sdl.read_text() == SDL
    for sink in EVERY[:-1]:
        assert house.run("sinks.inspect", sink, "--registry", "gcr.io", "--json").json["slots"][0]["holds"] is False
    assert house.run(*unproven, "--unproven").code == 0
    assert json.loads(seen.read_text())["password"] == secret_of(house)


class TestStdout:
    def test_the_credential_is_alone_on_standard_output(self, house):
        """A pipe would get the result between the lines of the credential."""
        done = house.run(*BOOTSTRAP, "--sink", "stdout", "--sink", "docker-config", "--json")
        (entry,) = json.loads(done.out)["auths"].values()
        assert base64.b64decode(entry["auth"]).decode().partition(":")[2] == secret_of(house)
        document = json.loads(done.err[done.err.index("{") :])
        assert [one["slot"] for one in document["receipts"]] == ["stdout:format=dockerconfigjson", str_slot(house)]

    def test_nothing_new_prints_nothing(self, house):
        """A second run would print an old or an empty credential."""
        house.run(*BOOTSTRAP, "--sink", "stdout")
        again = house.run(*BOOTSTRAP, "--sink", "stdout")
        assert (again.code, again.out) == (0, "")
        planned = house.run(*BOOTSTRAP, "--sink", "stdout", "--rotate-now", "--plan", "--json")
        assert (planned.code, planned.json["plan"][-1]["action"]) == (0, "retire")

    def test_a_failure_is_told_elsewhere(self, house):
        """The error would follow the credential into the pipe."""
        house.world.fail_next(Fault(kind="kubernetes.CreateObject", how="403"))
        done = house.run(*BOOTSTRAP, "--sink", "stdout", "--sink", "kubernetes:apps/pull", "--json")
        assert (done.code, list(json.loads(done.out))) == (5, ["auths"])
        assert json.loads(done.err[done.err.index("{\n") :])["error"]["kind"] == "SinkFailed"

    def test_a_renewal_does_not_print(self, house):
        """A scheduled renewal would write a secret into its log, or kill the credential that it cannot hand over."""
        house.run(*BOOTSTRAP, "--sink", "stdout:format=env")
        keys = house.keys()
        for command in (("rotate", "--now"), (*BOOTSTRAP, "--sink", "akka", "--rotate-now")):
            done = house.run(*command)
            assert (done.code, "REGISTRY_PASSWORD" in done.out, house.keys()) == (2, False, keys)
        removed = house.run("sinks.remove", "stdout:format=env", "--yes")
        assert (removed.code, house.run(*BOOTSTRAP, "--sink", "akka").code) == (0, 0)


def str_slot(house):
    return f"docker-config:{house.docker_config}"


class TestTemplate:
    def test_it_is_rendered_for_its_use(self, house, sdl):
        """The SDL file that git keeps would hold the secret, or the one that is sent would hold placeholders."""
        house.run(*BOOTSTRAP, "--sink", "akash:deploy.yaml,via-env", "--sink", "docker-config")
        assert json.dumps(secret_of(house))[1:40] not in sdl.read_text()
        assert not house.pull(IMAGE, "akash:deploy.yaml")
        rendered = house.run("akash.render", "deploy.yaml")
        Path("rendered.yaml").write_text(rendered.out)
        assert (rendered.code, house.pull(IMAGE, "akash:rendered.yaml")) == (0, True)
        assert stat.S_IMODE(Path("deploy.yaml.env").stat().st_mode) == 0o600

    def test_a_file_that_is_not_there(self, house, sdl):
        """An empty document would be sent to Akash."""
        done = house.run("akash.render", "none.yaml")
        assert (done.code, done.out) == (2, "")


class TestList:
    def test_what_is_here(self, house):
        """A user could not tell which platforms can be used."""
        found = {one["sink"]: one for one in house.run("sinks.list", "--json").json["sinks"]}
        assert found["akka"] | {"sink": ""} == {"sink": "", "usable": True, "words": "akka 3.0.61", "hint": ""}
        assert (found["kubernetes"]["usable"], found["kubernetes"]["words"]) == (True, "cluster https://kubernetes.sandbox")
        assert {"akash", "akkasls", "docker-config", "exec", "kalix", "stdout"} <= {
            name for name, one in found.items() if one["usable"]
        }

    def test_what_is_missing(self, house, tmp_path, monkeypatch):
        """A user would learn what is missing only from a failed run."""
        monkeypatch.setenv("AKKA_TOKEN", "expired")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
        found = {one["sink"]: one for one in house.run("sinks.list", "--json").json["sinks"]}
        assert [found[name]["usable"] for name in ("akka", "kubernetes", "akash")] == [False] * 3
        assert found["akka"]["hint"] == "Run `akka auth login`, or set AKKA_TOKEN."
        assert found["akash"]["hint"] == "pip install 'pullgrant[akash]'"
        monkeypatch.setenv("GITLAB_TOKEN", "")
        stores = {one["sink"]: one for one in house.run("sinks.list", "--json").json["sinks"]}
        assert (stores["gitlab-ci"]["usable"], stores["gitlab-ci"]["hint"]) == (False, "Set GITLAB_TOKEN.")
        shown = house.run("sinks.list")
        assert (shown.code, "akka  " in shown.out, "not signed in" in shown.out) == (0, True, True)


class TestInspect:
    def test_what_a_slot_holds(self, house, sdl):
        """A user could not tell a good slot from one that was changed by hand, or would see the secret."""
        house.run(*BOOTSTRAP, "--sink", "akash:deploy.yaml", "--sink", "docker-config", "--sink", "akka")
        good = house.run("sinks.inspect", "akash:deploy.yaml", "--json").json["slots"][0]
        assert good == {
            "slot": f"akash:{sdl}", "registry": "gcr.io", "reader_id": "gcp:demo/docker-reader", "holds": True, "reference": "web",
            "username": "_json_key", "readable": True, "words": None, "finding": None,
        }  # fmt: skip
        shown = house.run("sinks.inspect", "docker-config").out
        assert shown == f"{str_slot(house)} (gcp:demo/docker-reader, gcr.io) holds gcr.io, user _json_key: as delivered\n"
        assert "does not show its secret" in house.run("sinks.inspect", "akka").out
        secret = json.dumps(json.loads(secret_of(house))["private_key"])[1:60]
        sdl.write_text(sdl.read_text().replace("BEGIN PRIVATE", "BEGAN PRIVATE"))
        changed = house.run("sinks.inspect", "akash:deploy.yaml", "--verbose")
        assert "holds something else than was delivered" in changed.out
        assert secret not in changed.out + changed.err + shown

    def test_a_slot_that_was_emptied(self, house, sdl):
        """A slot that lost its credential would look good."""
        house.run(*BOOTSTRAP, "--sink", "akash:deploy.yaml")
        sdl.write_text(SDL)
        one = house.run("sinks.inspect", f"akash:{sdl}", "--json").json["slots"][0]
        assert (one["holds"], one["finding"]) == (False, "holds no credential any more")

    def test_a_slot_of_nobody(self, house, sdl):
        """A user could not look before the first delivery."""
        assert house.run("sinks.inspect", "akash:deploy.yaml").code == 2
        done = house.run("sinks.inspect", "akash:deploy.yaml", "--registry", "https://gcr.io", "--json")
        assert (done.code, done.json["slots"][0]["reader_id"], done.json["slots"][0]["holds"]) == (0, None, False)

    def test_no_slot_named(self, house):
        """A verb without its word would do something."""
        assert house.run("sinks.inspect").code == 2


class TestRemove:
    def test_the_reader_stays(self, house, sdl):
        """Taking one platform off would end the others, or a renewal would bring it back."""
        house.run(*BOOTSTRAP, "--sink", "akash:deploy.yaml", "--sink", "docker-config")
        done = house.run("sinks.remove", "akash:deploy.yaml", "--yes", "--json")
        assert (done.code, done.json["left"]) == (0, [str_slot(house)])
        assert sdl.read_text() == SDL
        assert house.pull(IMAGE, "docker-config")
        assert house.run(*BOOTSTRAP, "--sink", "docker-config", "--rotate-now").code == 0
        assert sdl.read_text() == SDL
        again = house.run("sinks.remove", "akash:deploy.yaml", "--yes", "--json")
        assert (again.code, again.json["error"]["kind"]) == (3, "NotFound")

    def test_it_asks_first(self, house):
        """A typing error would take a credential from a running platform."""
        house.run(*BOOTSTRAP, "--sink", "docker-config")
        assert house.run("sinks.remove", "docker-config").code == 2
        assert house.pull(IMAGE, "docker-config")

    def test_several_readers_share_it(self, house):
        """The credential of another registry would be taken."""
        house.run(*BOOTSTRAP, "--sink", "docker-config")
        house.run(*BOOTSTRAP, "--reader", "other-reader", "--registry", "us.gcr.io", "--sink", "docker-config")
        refused = house.run("sinks.remove", "docker-config", "--yes")
        assert (refused.code, "several readers" in refused.err) == (2, True)
        done = house.run("sinks.remove", "docker-config", "--registry", "us.gcr.io", "--yes", "--json")
        assert (done.code, done.json["reader_id"]) == (0, "gcp:demo/other-reader")
        assert list(json.loads(house.docker_config.read_text())["auths"]) == ["gcr.io"]

    def test_a_platform_that_refuses(self, house):
        """A slot would be forgotten that still holds the credential."""
        house.run(*BOOTSTRAP, "--sink", "kubernetes:apps/pull")
        house.world.fail_next(Fault(kind="kubernetes.DeleteObject", how="403"))
        assert house.run("sinks.remove", "kubernetes:apps/pull", "--yes").code == 5
        assert house.run("status", "--json").json["readers"][0]["sinks"] == ["kubernetes:apps/pull"]

    def test_an_open_operation(self, house):
        """What `recover` still has to deliver to would be forgotten."""
        house.world.fail_next(Fault(kind="kubernetes.CreateObject", how="403"))
        house.run(*BOOTSTRAP, "--sink", "docker-config", "--sink", "kubernetes:apps/pull")
        refused = house.run("sinks.remove", "docker-config", "--yes")
        assert (refused.code, "pullgrant recover" in refused.err) == (2, True)


class TestAkkasOwnRegistry:
    def test_hosts_and_configure(self, house):
        """A user of Akka's own registry would be sent to make a reader."""
        before = house.run("akka.registry.hosts", "--json").json["hosts"]
        assert {one["host"]: one["docker_answers"] for one in before} == {
            "acr.us-east-1.akka.io": False, "acr.us-east-2.akka.io": False,
        }  # fmt: skip
        configured = house.run("akka.registry.configure")
        assert (configured.code, "services need no credential" in configured.out) == (0, True)
        assert all(one["docker_answers"] for one in house.run("akka.registry.hosts", "--json").json["hosts"])
        house.run(*BOOTSTRAP, "--sink", "docker-config")
        assert set(json.loads(house.docker_config.read_text())["credHelpers"].values()) == {"akka"}

    def test_a_menu_that_says_no(self, house, monkeypatch):
        """A configuration that was not made would be called done."""
        monkeypatch.setenv("FAKE_AKKA_CONFIGURE", "no")
        assert house.run("akka.registry.configure").code == 5


def test_nothing_is_heard(house, sdl, tmp_path_factory):
    """One of these sinks would let a secret into a log, an error, an argument or the ledger."""
    taker = tmp_path_factory.mktemp("bin") / "take.sh"
    taker.write_text("#!/bin/sh\ncat >&2\nexit 7\n")
    taker.chmod(0o755)
    ears = Ears(house)
    sinks = [word for sink in EVERY[:-1] for word in ("--sink", sink)]
    for argv in (
        (*BOOTSTRAP, *sinks, "--verbose"),
        ("sinks.inspect", "akash:deploy.yaml", "--verbose"),
        ("sinks.inspect", "kubernetes:apps/pull", "--verbose"),
        (*BOOTSTRAP, "--rotate-now", "--sink", "akash:deploy.yaml,via-env", "--adopt", "--verbose"),
        (*BOOTSTRAP, "--rotate-now", "--sink", f"exec:{taker}", "--verbose"),
        ("recover", "--verbose"),
        ("sinks.remove", "kubernetes:apps/pull", "--yes"),
        ("revoke", "--reader", "docker-reader", "--yes", "--verbose"),
    ):
        ears.run(*argv)
    assert len(ears.secrets) >= 3
    assert ears.leaks() == []
