"""References to secrets: each kind leads to its secret, and no error shows one."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from pullgrant.errors import NotSignedIn, PullgrantError, UsageError
from pullgrant.kit import references
from pullgrant.kit.references import Reference, checked, resolve
from pullgrant.secret import Secret

SECRET = "correct horse battery"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable would not be read, or an empty one be taken for a password."""
    monkeypatch.setenv("SOME_PASSWORD", SECRET)
    assert resolve("env:SOME_PASSWORD") == Secret(SECRET)
    monkeypatch.setenv("SOME_PASSWORD", "")
    with pytest.raises(NotSignedIn, match="the environment variable SOME_PASSWORD holds no secret"):
        resolve("env:SOME_PASSWORD")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file(tmp_path: Path, end: str) -> None:
    """The line end of a file would become part of the password, or a space in it be lost."""
    (tmp_path / "password").write_text(f" {SECRET} {end}", newline="")
    assert resolve(f"file:{tmp_path}/password") == Secret(f" {SECRET} ")


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder, a missing file or one of two lines would end in a traceback, or its content in a message."""
    (tmp_path / "two").write_text(f"{SECRET}\n{SECRET}\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name, kind in (("", UsageError), ("/none", NotSignedIn), ("/two", UsageError), ("/bytes", UsageError)):
        with pytest.raises(kind) as caught:
            resolve(f"file:{tmp_path}{name}")
        assert SECRET not in str(caught.value)


def test_file_is_kept_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation from another folder would not find the file."""
    monkeypatch.chdir(tmp_path)
    assert checked("password", "file:secrets/one") == f"file:{tmp_path}/secrets/one"


def test_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would be run by a shell, or lose the variables that it needs to sign in."""
    monkeypatch.setenv("VAULT_TOKEN", SECRET)
    program = "import os; print(os.environ['VAULT_TOKEN'] + ' $HOME')"
    assert resolve(f'cmd:{sys.executable} -c "{program}"') == Secret(f"{SECRET} $HOME")


def test_command_that_fails() -> None:
    """What a failing command printed or was given could hold the secret and would be shown."""
    program = f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"
    with pytest.raises(NotSignedIn, match="ended with status 3") as caught:
        resolve(f'cmd:{sys.executable} -c "{program}"')
    assert SECRET not in str(caught.value)
    with pytest.raises(UsageError, match="not on PATH"):
        resolve("cmd:no-such-program-here")


def test_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service whose name is an address would be cut at the wrong slash."""
    import keyring

    asked = []
    monkeypatch.setattr(keyring, "get_password", lambda *place: asked.append(place) or SECRET)
    assert resolve("keyring:https://registry.example/reader") == Secret(SECRET)
    assert asked == [("https://registry.example", "reader")]


def test_prompt_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduled run would hang, or take its standard input for the password."""
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match="there is no terminal"):
            resolve("prompt")


def test_prompt_does_not_echo() -> None:
    """The secret would stand on the screen."""
    program = "from pullgrant.kit.references import resolve; print('got', len(resolve('prompt').reveal()))"
    process, terminal = pty.fork()
    if process == 0:
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
        os.execv(sys.executable, [sys.executable, "-c", program])
    seen = os.read(terminal, 1024)
    os.write(terminal, f"{SECRET}\n".encode())
    try:
        while more := os.read(terminal, 1024):
            seen += more
    except OSError:  # the terminal is gone with its last program
        pass
    os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0
    assert (b"not shown" in seen, b"got 21" in seen, SECRET.encode() in seen) == (True, True, False)


@pytest.mark.parametrize(
    "text",
    [SECRET, "", "env:", "env:NOT A NAME", "file:", "cmd:", "cmd:'", "keyring:only", "keyring:/user", "prompt:x", "ENV:X"],
)
def test_no_reference(text: str) -> None:
    """A password on the command line would be taken, or shown again in the refusal."""
    with pytest.raises(UsageError, match="--password is not a reference") as caught:
        checked("password", text)
    assert SECRET not in str(caught.value)


def test_a_reference_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody at a terminal would be asked again for each call."""
    asked = []
    monkeypatch.setitem(references._READERS, "env", lambda name: asked.append(name) or SECRET)
    reference = Reference("env:ONE")
    assert (reference.secret, reference.secret, asked) == (Secret(SECRET), Secret(SECRET), ["ONE"])


def test_every_error_is_ours() -> None:
    """A foreign exception would carry what it was about into a traceback."""
    for text in ("env:SURELY_NOT_SET", "file:/proc/self/mem", "cmd:false"):
        with pytest.raises(PullgrantError):
            resolve(text)
