"""What Akash does beyond the contract: bytes that stay, rules of the SDL, templates, git."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pullgrant.errors import NotOurs, SinkFailed, UsageError
from pullgrant.sinks import akash_edit, akash_env
from pullgrant.sinks.akash import Akash
from pullgrant.testing.sink_contract import make_credential

GOLDEN = Path(__file__).with_name("golden") / "akash"
FILES = sorted(file.name.removesuffix(".before.yaml") for file in GOLDEN.glob("*.before.yaml"))
HOST = "gcr.io"
KEY = '{\n  "private_key": "-----BEGIN\\n"\n}\n'
# The part of the SDL's schema that this sink writes: akash-network/chain-sdk go/sdl/sdl-input.schema.yaml.
SCHEMA = {
    "type": "object",
    "required": ["host", "username", "password"],
    "additionalProperties": False,
    "properties": {
        "host": {"type": "string", "minLength": 1},
        "email": {"type": "string", "minLength": 5},
        "username": {"type": "string", "minLength": 1},
        "password": {"type": "string", "minLength": 6},
    },
}
ONE = 'version: "2.1"\nservices:\n  web:\n    image: gcr.io/demo/app:v1\n  db:\n    image: postgres:16\n'


@pytest.fixture
def sdl(tmp_path):
    """Write an SDL file; return its path."""

    def write(text=ONE, name="deploy.yaml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def deliver(target, secret=KEY, *, host=HOST, **more):
    slot = Akash.slot(str(target), server=host)
    return Akash().deliver(slot, dataclasses.replace(make_credential(host, secret, "_json_key"), **more))


def preflight(target, *, host=HOST, ours=False, adopt=False):
    return Akash().preflight(Akash.slot(str(target), server=host), ours=ours, adopt=adopt)


def credentials(file):
    services = YAML(typ="safe").load(file)["services"]
    return {name: one["credentials"] for name, one in services.items() if "credentials" in one}


@pytest.mark.parametrize("name", FILES)
def test_golden(tmp_path, name):
    """A delivery or a withdrawal would change bytes that are not the credentials', or write them otherwise than before."""
    file = tmp_path / "deploy.yaml"
    shutil.copyfile(GOLDEN / f"{name}.before.yaml", file)
    for _ in range(2):
        deliver(file)
        assert file.read_bytes() == (GOLDEN / f"{name}.after.yaml").read_bytes()
    Akash().withdraw(Akash.slot(str(file), server=HOST))
    assert file.read_bytes() == (GOLDEN / f"{name}.taken.yaml").read_bytes()


@pytest.mark.parametrize("name", ["crlf", "first", "no-end"])
def test_a_delivery_leaves_no_trace(name):
    """A file that held no credentials would not be as it was when they are taken out."""
    assert (GOLDEN / f"{name}.taken.yaml").read_bytes() == (GOLDEN / f"{name}.before.yaml").read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_keeps_to_the_schema(name):
    """The Console would refuse the file, or the Go tools would read something else."""
    for load in (YAML(typ="safe").load, yaml.safe_load):
        document = load((GOLDEN / f"{name}.after.yaml").read_bytes().decode())
        ours = {key: one for key, one in document["services"].items() if one["image"].startswith("gcr.io/")}
        for service in ours.values():
            jsonschema.validate(service["credentials"], SCHEMA)
        assert {one["credentials"]["password"] for one in ours.values()} == {KEY}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_every_reader_of_yaml_reads_the_same_text(text):
    """A secret with odd characters would arrive changed at a reader of YAML 1.1 or 1.2."""
    written = f"password: {akash_edit.quoted(text)}\n"
    assert written.count("\n") == 1
    assert [yaml.safe_load(written), YAML(typ="safe", pure=True).load(written)] == [{"password": text}] * 2


def test_only_the_named_service(sdl):
    """Another service of the same registry would be touched."""
    file = sdl(ONE + "  api:\n    image: gcr.io/demo/api:v1\n")
    deliver(f"{file}:api")
    assert list(credentials(file)) == ["api"]


def test_every_service_of_the_registry(sdl):
    """A service would be left without a credential, or one of another registry would get it."""
    file = sdl(ONE + "  api:\n    image: GCR.io/demo/api:v1\n  fake:\n    image: gcr.io.evil.example/demo/api:v1\n")
    receipt = deliver(file)
    assert (list(credentials(file)), receipt.reference) == (["web", "api"], "web,api")


@pytest.mark.parametrize(
    ("host", "written"),
    [("docker.io", "https://index.docker.io/v1/"), ("gcr.io", "https://gcr.io"), ("demo.azurecr.io", "demo.azurecr.io")],
)
def test_the_host_is_written_as_documented(sdl, host, written):
    """Akash's cluster would not find the credential for the image."""
    file = sdl(ONE + "  az:\n    image: demo.azurecr.io/app:v1\n")
    deliver(file, host=host)
    (found,) = credentials(file).values()
    assert found["host"] == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2.0\nservices: {web: {image: gcr.io/a/b}}\n", "has the version 2.0"),
        ('version: "1.0"\nservices: {web: {image: gcr.io/a/b}}\n', "has the version '1.0'"),
        ("services: {web: {image: gcr.io/a/b}}\n", "has no version"),
        ('version: "2.1"\n', "has no services"),
        ('version: "2.1"\nservices: [web]\n', "has no services"),
        ('version: "2.1"\nservices: {db: {image: postgres:16}}\n', "no service in .* has an image on gcr.io"),
        ('version: "2.1"\nservices:\n  web: {image: x\n', "is not YAML at line 4, column 1"),
        ('version: "2.1"\nversion: "2.0"\n', "is not YAML at line 2, column 1"),
        ('version: "2.1"\n---\nversion: "2.1"\n', "is not YAML at line 2, column 1"),
        ('version: "2.1"\nservices: {web: {image: gcr.io/a/b, credentials: s3cret-text}}\n', "no block of host"),
        (
            'version: "2.1"\nservices: {web: {image: gcr.io/a/b, credentials: {host: gcr.io, token: s3cret-text}}}\n',
            "have 1 field.s. that Akash does not know",
        ),
    ],
)
def test_a_file_that_cannot_be_right(sdl, text, words):
    """A key would be made for a file that Akash refuses, or the error would show what the file holds."""
    file = sdl(text)
    with pytest.raises(UsageError, match=words) as caught:
        preflight(file, adopt=True)
    assert "s3cret-text" not in str(caught.value)
    assert file.read_text() == text


@pytest.mark.parametrize(
    "target",
    [
        "",
        ":web",
        "deploy.yaml,vi-env",
        "deploy.yaml,tracked=no",
        "deploy.yaml,email=a@b",
        "deploy.yaml,via-env,via-env",
        ".",
    ],
)
def test_a_target_that_cannot_be_right(tmp_path, monkeypatch, target):
    """A typing error would be taken for a file name, or ignored."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        Akash.slot(target, server=HOST)


def test_a_service_that_is_not_there(sdl):
    """A typing error in a service would deliver nowhere."""
    with pytest.raises(UsageError, match="has no service 'nope'"):
        preflight(f"{sdl()}:nope")
    with pytest.raises(UsageError, match=r"image of service 'db' in .* is not on gcr.io"):
        preflight(f"{sdl()}:db")


def test_a_file_that_is_not_there(tmp_path):
    """An SDL file would be invented."""
    slot = Akash.slot(str(tmp_path / "none.yaml"), server=HOST)
    with pytest.raises(UsageError, match="there is no file"):
        Akash().preflight(slot, ours=False, adopt=False)
    with pytest.raises(SinkFailed, match="is gone"):
        Akash().deliver(slot, make_credential(HOST, KEY))
    assert Akash().inspect(slot) is None
    Akash().withdraw(slot)
    assert list(tmp_path.iterdir()) == []


def test_a_short_secret_is_refused(sdl):
    """The file would pass the Go tools and fail in the Console."""
    file = sdl()
    with pytest.raises(SinkFailed, match="fewer than 6 characters"):
        deliver(file, "five5")
    assert file.read_text() == ONE


def test_email(sdl):
    """An email that was asked for would be missing, or one that nobody asked for written."""
    file = sdl(ONE.replace("2.1", "2.0"))
    deliver(file)
    assert "email" not in credentials(file)["web"]
    deliver(f"{file},email=ops@example.com")
    jsonschema.validate(credentials(file)["web"], SCHEMA)
    assert credentials(file)["web"]["email"] == "ops@example.com"
    assert [remark for remark in preflight(file, ours=True) if "SDL 2.0 with an email" in remark] != []


@pytest.mark.parametrize(
    "text",
    [
        'version: "2.1"\nservices:\n  web: &web\n    image: gcr.io/demo/app:v1\n  api: *web\n',
        'version: "2.1"\nservices:\n  web:\n    image: gcr.io/demo/app:v1\n    credentials: &c {host: gcr.io, username: u,'
        " password: pass-word}\n  db:\n    image: postgres:16\n    credentials: *c\n",
    ],
)
def test_what_others_share_is_refused(sdl, text):
    """A change to one service would change another one behind an anchor."""
    file = sdl(text)
    with pytest.raises(UsageError, match="shared with other parts"):
        deliver(f"{file}:web")
    assert file.read_text() == text


def test_one_service_of_two_that_were_changed_by_hand(sdl):
    """`status` would call a slot good of which one half is not."""
    file = sdl(ONE + "  api:\n    image: gcr.io/demo/api:v1\n")
    slot = Akash.slot(str(file), server=HOST)
    deliver(file, "the-secret")
    file.write_text(file.read_text().replace("the-secret", "by-hand-it-is", 1))
    held = Akash().inspect(slot)
    assert (held.credential.secret.reveal(), held.words) == ("", "its places do not all hold the same credential")


def test_credentials_for_another_registry_are_somebodys(sdl):
    """A user's credential would go because the image has moved."""
    file = sdl(ONE.replace("v1\n", "v1\n    credentials: {host: ghcr.io, username: someone, password: theirs}\n", 1))
    with pytest.raises(NotOurs, match="user 'someone'"):
        preflight(file)
    assert Akash().inspect(Akash.slot(str(file), server=HOST)) is None
    Akash().withdraw(Akash.slot(str(file), server=HOST))
    assert credentials(file)["web"]["username"] == "someone"


def test_how_the_change_takes_effect_is_told(sdl):
    """A user would believe that Akash knows the new credential."""
    file = sdl()
    (remark,) = deliver(file, "the-secret").remarks
    assert f"akash tx deployment update {file} --dseq" in remark
    assert f"provider-services send-manifest {file} --dseq" in remark


def test_a_short_life_is_told(sdl):
    """A user would pay for transactions that nobody told of."""
    ends = datetime.now(UTC) + timedelta(hours=12)
    remarks = deliver(sdl(), "the-secret", expires_at=ends).remarks
    assert [one for one in remarks if "lives 12 h: Akash needs 2 deployment updates a day" in one] != []
    assert len(deliver(sdl(), "the-secret", expires_at=ends + timedelta(days=30)).remarks) == 1


def test_a_line_break_at_the_end_is_told(sdl):
    """Two tools would send two manifests of one file, and nobody know why."""
    remarks = [[one for one in deliver(sdl(), secret).remarks if "line break" in one] for secret in (KEY, KEY.strip())]
    assert list(map(len, remarks)) == [1, 0]


def git(folder, *words):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=environment, timeout=20)


@pytest.mark.real("git")
def test_a_tracked_file_is_refused(sdl, tmp_path):
    """The next commit would carry the secret away."""
    file = sdl()
    git(tmp_path, "init", "--quiet")
    assert [one for one in preflight(file) if "not ignored by git" in one] != []
    (tmp_path / ".gitignore").write_text("*.env\n/other.yaml\n")
    git(tmp_path, "add", "deploy.yaml")
    with pytest.raises(UsageError, match="is tracked by git"):
        preflight(file)
    assert preflight(f"{file},tracked=yes") == (f"{file} is tracked by git: do not commit the secret",)
    assert preflight(f"{file},via-env") == ()
    assert preflight(sdl(name="other.yaml")) == ()


@pytest.mark.real("git")
def test_a_link_into_a_checkout_is_seen(sdl, tmp_path):
    """A link from outside would hide that git tracks the file."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet")
    sdl().rename(checkout / "deploy.yaml")
    git(checkout, "add", "deploy.yaml")
    (tmp_path / "link.yaml").symlink_to(checkout / "deploy.yaml")
    with pytest.raises(UsageError, match="is tracked by git"):
        preflight(tmp_path / "link.yaml")


def test_without_git_a_checkout_is_refused(sdl, tmp_path, monkeypatch):
    """A file that git tracks would get the secret where git cannot be asked."""
    file = sdl()
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git cannot be asked"):
        preflight(file)


class TestTemplate:
    def test_render(self, sdl, tmp_path):
        """The rendered file would not be what is delivered without a template."""
        file = sdl()
        template = sdl(name="template.yaml")
        deliver(file)
        deliver(f"{template},via-env")
        assert "${PULLGRANT_GCR_IO_PASSWORD}" in template.read_text()
        assert KEY not in template.read_text()
        assert akash_env.fill(template, {}) == file.read_text()

    def test_a_shell_reads_the_values(self, sdl):
        """`set -a; . deploy.yaml.env` would give other values than `akash.render`."""
        file = sdl()
        deliver(f"{file},via-env", 'it\'s $HOME `id`\n"x"-secret')
        shown = subprocess.run(
            ["sh", "-c", f'. "{file}.env"; printf %s "$PULLGRANT_GCR_IO_PASSWORD"'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout == 'it\'s $HOME `id`\n"x"-secret'

    def test_the_environment_wins(self, sdl):
        """A pipeline could not bring its own value."""
        file = sdl()
        deliver(f"{file},via-env")
        rendered = akash_env.fill(file, {"PULLGRANT_GCR_IO_PASSWORD": "from-the-environment"})
        assert yaml.safe_load(rendered)["services"]["web"]["credentials"]["password"] == "from-the-environment"

    def test_a_missing_value(self, sdl):
        """A file with placeholders would be sent to Akash."""
        file = sdl()
        deliver(f"{file},via-env")
        Path(f"{file}.env").unlink()
        with pytest.raises(UsageError, match="needs PULLGRANT_GCR_IO_PASSWORD, PULLGRANT_GCR_IO_USERNAME"):
            akash_env.fill(file, {})

    def test_no_placeholders(self, sdl):
        """A user would believe that a plain file had been rendered."""
        with pytest.raises(UsageError, match="has no placeholders"):
            akash_env.fill(sdl(), {})

    def test_a_value_that_went_is_seen(self, sdl):
        """A slot without its values would look whole."""
        file = sdl()
        deliver(f"{file},via-env")
        Path(f"{file}.env").unlink()
        held = Akash().inspect(Akash.slot(f"{file},via-env", server=HOST))
        assert held.credential.secret.reveal() == "${PULLGRANT_GCR_IO_PASSWORD}"

    def test_a_foreign_file_of_values(self, sdl):
        """A file that this project did not write would be lost."""
        file = sdl()
        Path(f"{file}.env").write_text("export A=1 'unclosed")
        with pytest.raises(UsageError, match="no NAME='value'"):
            preflight(f"{file},via-env")
        assert Path(f"{file}.env").read_text() == "export A=1 'unclosed"

    def test_other_values_are_kept(self, sdl):
        """A user's own variables would be lost."""
        file = sdl()
        Path(f"{file}.env").write_text("OTHER='a b'\n")
        deliver(f"{file},via-env")
        Akash().withdraw(Akash.slot(f"{file},via-env", server=HOST))
        assert akash_env.parse(Path(f"{file}.env").read_bytes(), "x").keys() == {"OTHER"}
        assert file.read_text() == ONE
