"""What DockerConfig does beyond the contract: docker's own rules, files shared with others, credential helpers."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from pullgrant.errors import NotOurs, SinkFailed, UsageError
from pullgrant.model.credential import Slot
from pullgrant.sinks import docker_config, shared_file
from pullgrant.sinks.docker_config import DockerConfig
from pullgrant.testing.sink_contract import make_credential

GOLDEN = Path(__file__).with_name("golden")
HELPER = Path(__file__).with_name("helper_program.py").read_text()
HOST = "registry.example.com"


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("DOCKER_AUTH_CONFIG", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "docker" / "config.json"


@pytest.fixture
def slot(file):
    file.parent.mkdir(mode=0o700)
    return Slot(sink="docker-config", server=HOST, target=str(file))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("name", ["absent", "empty", "everything", "own-helper-empty"])
def test_golden(slot, file, name):
    """A delivery would lose or reorder what is not ours, leave a twin that docker may pick, or not look like docker's."""
    before = GOLDEN / f"{name}.before.json"
    if before.exists():
        file.write_bytes(before.read_bytes())
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert file.read_text() == (GOLDEN / f"{name}.after.json").read_text()


def test_withdraw_leaves_all_else(slot, file):
    """A withdrawal would take more than our entry."""
    file.write_bytes((GOLDEN / "everything.after.json").read_bytes())
    DockerConfig().withdraw(slot)
    wanted = json.loads((GOLDEN / "everything.after.json").read_text())
    del wanted["auths"][HOST]
    assert json.loads(file.read_text()) == wanted


def test_nothing_is_written_when_nothing_changes(slot, file):
    """A withdrawal from an absent file would create it; a repeated delivery would touch a file in use."""
    DockerConfig().withdraw(slot)
    assert not file.exists()
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    before = file.stat()
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_only_the_target_folder_is_written(slot, file, tmp_path):
    """Lock or temporary files would be left in the user's folder."""
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert [path.name for path in file.parent.iterdir()] == ["config.json"]


def test_a_new_file_is_private(tmp_path):
    """A secret would be readable by others, in the file or through its folders."""
    file = tmp_path / "a" / "b" / "config.json"
    DockerConfig().deliver(Slot(sink="docker-config", server=HOST, target=str(file)), make_credential(HOST, "s3cret"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_an_open_file_is_closed_and_said(slot, file):
    """A secret would go into a file that others read, or its mode would change without a word."""
    file.write_text("{}")
    file.chmod(0o664)
    remark = f"{file} is open to group or others; a delivery leaves it to its owner alone"
    assert DockerConfig().preflight(slot, ours=False, adopt=False) == (remark,)
    assert DockerConfig().deliver(slot, make_credential(HOST, "s3cret")).remarks == (remark,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("dangling", [False, True])
def test_a_symbolic_link_stays_one(slot, file, tmp_path, dangling):
    """A linked config.json, as dotfile managers make it, would be replaced by a copy."""
    real = tmp_path / "dotfiles" / "config.json"
    real.parent.mkdir()
    if not dangling:
        real.write_text('{"credHelpers": {"x.example": "y"}}')
    file.symlink_to(real)
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert file.is_symlink()
    assert json.loads(real.read_text())["auths"] == {HOST: {"auth": b64("reader:s3cret")}}


def test_docker_hub_has_its_own_key(slot, file):
    """docker would not find a Docker Hub credential."""
    hub = Slot(sink="docker-config", server="index.docker.io", target=str(file))
    assert DockerConfig().deliver(hub, make_credential("docker.io", "s3cret")).reference == "https://index.docker.io/v1/"
    assert list(json.loads(file.read_text())["auths"]) == ["https://index.docker.io/v1/"]


@pytest.mark.parametrize(
    ("entry", "username", "secret", "words"),
    [
        ({"auth": b64("u:a:b:c")}, "u", "a:b:c", ""),
        ({"auth": b64("user:pw").rstrip("=")}, "user", "pw", ""),
        ({"auth": b64("u:p\0\0")}, "u", "p", ""),
        ({"username": "u", "password": "p"}, "u", "p", ""),
        ({"username": "no", "password": "no", "auth": b64("u:p")}, "u", "p", ""),
        ({"auth": b64("00000000-0000-0000-0000-000000000000:x"), "identitytoken": "t"}, "", None, "an identity token, not"),
        ({"registrytoken": "t"}, "", None, "a registry token, not"),
        ({"auth": "%%%"}, "", None, "an entry that docker cannot decode"),
        ({"auth": b64("no colon")}, "", None, "an entry that docker cannot decode"),
        ({"auth": base64.b64encode(b"u:\xff").decode()}, "", None, "an entry that docker cannot decode"),
    ],
)
def test_inspect_reads_as_docker_does(slot, file, entry, username, secret, words):
    """A drift would be seen where there is none, or not where there is one."""
    file.write_text(json.dumps({"auths": {HOST: entry}}))
    held = DockerConfig().inspect(slot)
    assert held is not None
    assert (held.reference, held.username) == (HOST, username)
    assert (held.credential.secret.reveal() if held.credential else None) == secret
    assert held.words.startswith(words)


@pytest.mark.parametrize("entry", [{}, None, {"auth": ""}, {"email": "a@b.example"}])
def test_an_entry_without_a_credential_is_none(slot, file, entry):
    """The {} that docker leaves beside a credential helper would pass for somebody's credential."""
    file.write_text(json.dumps({"auths": {HOST: entry}}))
    assert DockerConfig().inspect(slot) is None


def test_a_twin_counts_as_an_entry(slot, file):
    """Somebody's credential under another spelling of the host would be removed unasked."""
    file.write_text(json.dumps({"auths": {f"https://{HOST}/v1/": {"auth": b64("somebody:x")}}}))
    with pytest.raises(NotOurs, match="user 'somebody'"):
        DockerConfig().preflight(slot, ours=False, adopt=False)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"auths": {"a": {"auth": "aHVzaDpodXNo"}},\n  oops}', "line 2, column 3"),
        (b'{"auths": {"a": {"auth": "aHVzaDpodXNo', "line 1, column"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        (b'{"auths": "aHVzaDpodXNo\xff"}', "is not JSON in UTF-8"),
        (b'{"n": NaN}', "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
        (b'["aHVzaDpodXNo"]', "does not hold a JSON object"),
        (b'{"auths": ["aHVzaDpodXNo"]}', "`auths`"),
        (b'{"auths": {"a": "aHVzaDpodXNo"}}', "`auths`"),
        (b'{"credHelpers": {"a": 1}}', "`credHelpers`"),
        (b'{"credsStore": {}}', "`credsStore`"),
    ],
)
def test_a_broken_file_is_refused_and_kept(slot, file, content, where):
    """A file that docker cannot read would be replaced, or its content shown in the error."""
    file.write_bytes(content)
    for call in (
        lambda: DockerConfig().preflight(slot, ours=False, adopt=True),
        lambda: DockerConfig().deliver(slot, make_credential(HOST, "s3cret")),
        lambda: DockerConfig().withdraw(slot),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert str(file) in caught.value.message
        assert where in caught.value.message
        assert "aHVzaDpodXNo" not in str(caught.value)
    assert file.read_bytes() == content


@pytest.mark.parametrize("target", ["", "~"])
def test_docker_config_of_the_environment(tmp_path, monkeypatch, target):
    """The credential would land where docker does not look."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert docker_config.default_path() == tmp_path / ".docker" / "config.json"
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
    slot = Slot(sink="docker-config", server=HOST, target=target and "~/other/config.json")
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert HOST in json.loads((tmp_path / "other" / "config.json").read_text())["auths"]


def test_a_folder_is_no_target(tmp_path):
    """A user who names the folder would get an error without a way on."""
    with pytest.raises(UsageError, match="is a folder"):
        DockerConfig().preflight(Slot(sink="docker-config", server=HOST, target=str(tmp_path)), ours=False, adopt=False)


def test_a_target_below_a_file_is_no_target(tmp_path):
    """Preflight would pass, and the delivery fail after the point of no return."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError):
        DockerConfig().preflight(
            Slot(sink="docker-config", server=HOST, target=str(tmp_path / "file" / "config.json")), ours=False, adopt=False
        )


def test_docker_auth_config_is_mentioned(slot, monkeypatch):
    """A delivery that docker will not use would look complete."""
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{}")
    assert ["DOCKER_AUTH_CONFIG is set" in remark for remark in DockerConfig().preflight(slot, ours=False, adopt=False)] == [
        True
    ]


def test_a_write_of_another_program_is_kept(slot, file, monkeypatch):
    """A `docker login` between our reading and our renaming would be lost."""
    file.write_text("{}")
    changes = iter(['{"auths": {"x.example": {"auth": "eDp5"}}}', '{"auths": {"z.example": {"auth": "ejp6"}}}'])
    replace = shared_file.replace_private

    def meddling(path, content, *, check):
        new = next(changes, None)
        if new:
            path.write_text(new)
        replace(path, content, check=check)

    monkeypatch.setattr(shared_file, "replace_private", meddling)
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert list(json.loads(file.read_text())["auths"]) == ["z.example", HOST]
    assert [path.name for path in file.parent.iterdir()] == ["config.json"]


def test_a_file_that_never_rests_is_left_alone(slot, file, monkeypatch):
    """Two programs would fight over the file for ever."""
    file.write_text("{}")
    replace = shared_file.replace_private
    turns: list[int] = []

    def meddling(path, content, *, check):
        turns.append(1)
        path.write_text(json.dumps({"turn": len(turns)}))
        replace(path, content, check=check)

    monkeypatch.setattr(shared_file, "replace_private", meddling)
    with pytest.raises(SinkFailed, match="was changed by another program 8 times"):
        DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert json.loads(file.read_text()) == {"turn": 8}


def test_another_run_is_waited_for(slot, file, monkeypatch):
    """Two runs would write the same file at once."""
    monkeypatch.setattr(shared_file, "_LOCK_WAIT", 0.05)
    with shared_file._alone(file), pytest.raises(SinkFailed, match="another run has been writing"):
        DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert not file.exists()
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))


def test_a_folder_that_takes_no_files_is_found_before_the_delivery(open_folder, locked):
    """The delivery would fail after the point of no return."""
    (open_folder / "docker").mkdir()
    slot = Slot(sink="docker-config", server=HOST, target=str(open_folder / "docker" / "config.json"))
    with locked(open_folder / "docker"), pytest.raises(UsageError, match="takes no new files"):
        DockerConfig().preflight(slot, ours=False, adopt=False)


def _deliver_often(target: str, number: int) -> None:
    for turn in range(5):
        server = f"r{number}.example.com"
        slot = Slot(sink="docker-config", server=server, target=target)
        DockerConfig().deliver(slot, make_credential(server, f"turn {turn}"))


def test_processes_do_not_undo_one_another(slot, file):
    """Of two runs on one machine one would lose its delivery."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_deliver_often, args=(str(file), number)) for number in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=60)
    assert [child.exitcode for child in children] == [0] * 4
    wanted = {f"r{number}.example.com": {"auth": b64("reader:turn 4")} for number in range(4)}
    assert json.loads(file.read_text())["auths"] == wanted


@pytest.mark.parametrize("wrong", ["open", "link", "file"])
def test_a_lock_folder_of_somebody_else_is_refused(slot, tmp_path, wrong):
    """Another user of the machine could keep our lock, or lead our lock file elsewhere."""
    folder = tmp_path / f"pullgrant-{os.geteuid()}"
    if wrong == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif wrong == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.write_text("")
    with pytest.raises(SinkFailed, match="the folder for locks"):
        DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))


@pytest.mark.parametrize(("username", "secret"), [("a:b", "x"), ("reader", "x\0"), ("reader", "\udcff")])
def test_what_docker_cannot_hold_is_refused(slot, file, username, secret):
    """docker would send another user name or secret than was delivered."""
    with pytest.raises(SinkFailed, match="a character that docker cannot hold"):
        DockerConfig().deliver(slot, make_credential(HOST, secret, username))
    assert not file.exists()


@pytest.fixture
def helper(install, tmp_path, monkeypatch):
    """A credential helper `fake` on PATH; returns its entries' file."""
    install("docker-credential-fake", HELPER)
    monkeypatch.setenv("FAKE_HELPER_STATE", str(tmp_path / "keychain.json"))
    return tmp_path / "keychain.json"


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"credsStore": "fake"}, True),
        ({"credHelpers": {HOST: "fake"}, "credsStore": "other"}, True),
        ({"credHelpers": {HOST: ""}, "credsStore": "fake"}, False),
        ({"credHelpers": {f"https://{HOST}": "fake", "x.example": "fake"}}, False),
        ({"credsStore": ""}, False),
    ],
)
def test_who_owns_the_key(slot, file, helper, config, asked):
    """The credential would go where docker does not look for this key."""
    file.write_text(json.dumps(config))
    receipt = DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    assert helper.exists() == asked
    assert ("auths" in json.loads(file.read_text())) == (not asked)
    assert any("docker-credential-fake" in remark for remark in receipt.remarks) == asked


def test_withdraw_when_a_helper_took_over(slot, file, helper):
    """An entry of ours in the file would outlive its withdrawal because a helper was configured since."""
    DockerConfig().deliver(slot, make_credential(HOST, "s3cret"))
    file.write_text(json.dumps({"credsStore": "fake", **json.loads(file.read_text())}))
    DockerConfig().withdraw(slot)
    assert json.loads(file.read_text()) == {"credsStore": "fake", "auths": {}}


def test_a_missing_helper_is_found_before_the_delivery(slot, file, install):
    """The delivery would fail after the point of no return."""
    file.write_text('{"credsStore": "gone"}')
    with pytest.raises(UsageError, match="'docker-credential-gone', which is not on PATH"):
        DockerConfig().preflight(slot, ours=False, adopt=False)


@pytest.mark.parametrize("suffix", ["../evil", "a b", "-x", "/bin/sh"])
def test_a_suffix_is_not_a_path(slot, file, suffix):
    """config.json could name any program of the machine."""
    file.write_text(json.dumps({"credsStore": suffix}))
    with pytest.raises(UsageError, match="no program can be called"):
        DockerConfig().inspect(slot)


@pytest.mark.parametrize(
    ("printed", "status", "held"),
    [
        ('{"ServerURL":"x","Username":"","Secret":""}\n', 0, None),
        ("credentials not found in native keychain\n", 1, None),
        ('{"ServerURL":"x","Username":"<token>","Secret":"hush"}\n', 0, "an identity token, not a user name and password"),
    ],
)
def test_answers_of_helpers(slot, file, install, printed, status, held):
    """An absent entry would be an error, or an identity token would pass for a password."""
    install("docker-credential-fake", f"import sys\nsys.stdout.write({printed!r})\nsys.exit({status})")
    file.write_text('{"credsStore": "fake"}')
    found = DockerConfig().inspect(slot)
    assert (found.words if found else None) == held
    assert found is None or found.credential is None


@pytest.mark.parametrize(
    ("printed", "status"),
    [
        ("", 0),
        ("{}", 0),
        ("hush", 0),
        ('{"Username": "u"}', 0),
        ('{"Username": 1, "Secret": 2}', 0),
        ("no credentials server URL", 1),
    ],
)
def test_a_helper_that_fails_is_no_absence(slot, file, install, printed, status):
    """A broken keychain would look like an empty slot, and what it printed would be shown."""
    install("docker-credential-fake", f"import sys\nsys.stdout.write({printed!r})\nsys.exit({status})")
    file.write_text('{"credsStore": "fake"}')
    with pytest.raises(SinkFailed) as caught:
        DockerConfig().inspect(slot)
    assert "hush" not in str(caught.value)


def test_tokens_of_clouds_do_not_reach_a_helper(slot, file, install, monkeypatch, tmp_path):
    """The helper of a registry would see the platforms' and the clouds' tokens."""
    monkeypatch.setenv("AKKA_TOKEN", "x")
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    source = """
import os
open(os.environ["SEEN"], "w").write(" ".join(os.environ))
print('{"Username": "u", "Secret": "s"}')
"""
    install("docker-credential-fake", source)
    file.write_text('{"credsStore": "fake"}')
    DockerConfig().inspect(slot)
    seen = (tmp_path / "seen").read_text().split()
    assert ("SEEN" in seen, "AKKA_TOKEN" in seen) == (True, False)
