"""Programs that are started: what reaches them, what comes back, and what is never shown."""

from __future__ import annotations

import os
import sys
import time

import pytest

from pullgrant.errors import OutcomeUnknown, UsageError
from pullgrant.kit.process import Finished, run, which

PASSWORD = "hush-hush-password"


def python(source: str, *arguments: str) -> list[str]:
    return [sys.executable, "-IS", "-c", source, *arguments]


def test_how_it_ended():
    """A refusal of a program, or its words, would be lost."""
    done = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=30)
    assert done == Finished(returncode=3, stdout="out\n", stderr="err\n")


@pytest.mark.parametrize("text", ["", "pässwörd-密码-🔑", "a\r\nb\tc\n", "x" * 300_000])
def test_standard_input_and_output_keep_every_byte(monkeypatch, text):
    """A password would be changed on its way by the operator's locale, or a long one block the pipe."""
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("LANG", "C")
    copy = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert run(python(copy), timeout=30, stdin=text).stdout == text


def test_no_standard_input_is_an_empty_one():
    """A program that asks a question would wait for the operator's keyboard."""
    assert run(python("import sys; print(repr(sys.stdin.read()))"), timeout=30).stdout == "''\n"


def test_output_that_is_no_text(monkeypatch):
    """A program's broken output would crash the run."""
    done = run(python(r"import sys; sys.stdout.buffer.write(b'a\xff'); sys.stderr.buffer.write(b'\xfe')"), timeout=30)
    assert (done.stdout, done.stderr) == ("a\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ((), set()),
        (("AKKA_",), {"AKKA_TOKEN"}),
        (("AKKA_", "AWS_PROFILE"), {"AKKA_TOKEN", "AWS_PROFILE"}),
        (("A",), {"AKKA_TOKEN", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET"}),
    ],
)
def test_tokens_reach_only_their_own_program(monkeypatch, keep, kept):
    """A platform's program would see the tokens of clouds and other platforms."""
    private = {
        "AKKA_TOKEN", "KALIX_TOKEN", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "VAULT_TOKEN",
        "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "PULLGRANT_X",
    }  # fmt: skip
    for name in private:
        monkeypatch.setenv(name, PASSWORD)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    names = set(run(python("import os; print(*os.environ, sep='\\n')"), timeout=30, keep=keep).stdout.split())
    assert names & private == kept
    assert {"PATH", "HTTPS_PROXY"} <= names


def test_env_is_added(monkeypatch):
    """A program could not be given what it needs, or the whole environment would be replaced."""
    monkeypatch.setenv("AKKA_TOKEN", "ours")
    show = "import os; print(os.environ.get('AKKA_TOKEN'), os.environ.get('X'), 'PATH' in os.environ)"
    assert run(python(show), timeout=30, env={"X": "1", "AKKA_TOKEN": "theirs"}).stdout == "theirs 1 True\n"
    assert os.environ["AKKA_TOKEN"] == "ours"


def test_no_shell_reads_the_arguments():
    """A password with a dollar would become another one, or a command."""
    awkward = ["$HOME", "$(id)", "a b", "*", "'", '"', ";", "\n", ""]
    shown = run(python("import sys; print(repr(sys.argv[1:]))", *awkward), timeout=30).stdout
    assert shown == f"{awkward!r}\n"


def test_a_program_that_does_not_end_is_killed(tmp_path):
    """A hanging program would hang the run, or go on behind its back."""
    pid = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match=r"^/bin/sh did not end within 0\.3 s$") as caught:
        run(["/bin/sh", "-c", 'echo $$ > "$0"; exec sleep 60', str(pid), PASSWORD], timeout=0.3)
    assert time.monotonic() - started < 10
    assert caught.value.__suppress_context__
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_missing_program():
    """The user would not learn which program to install, or see a password."""
    with pytest.raises(UsageError, match="'pullgrant-no-such-program' is not on PATH") as caught:
        run(["pullgrant-no-such-program", PASSWORD], timeout=1)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [(0o644, b"#!/bin/sh\n", "may not be run"), (0o755, b"\x7fELF", "Exec format error"), (0o755, b"", "Exec format error")],
)
def test_a_program_that_cannot_be_run(tmp_path, mode, content, words):
    """An error of the system would come with its arguments, or as a crash."""
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(mode)
    with pytest.raises(UsageError, match=words) as caught:
        run([str(program), PASSWORD], timeout=1)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"


def test_an_argument_beyond_the_limit():
    """A key that is too long for an argument would crash the run and show itself."""
    with pytest.raises(UsageError, match="Argument list too long") as caught:
        run(python("", PASSWORD * 20_000), timeout=1)
    assert PASSWORD not in f"{caught.value} {caught.value!r}"


def test_which(tmp_path, monkeypatch):
    """A preflight would not see that a program is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert which("program") is None
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    assert which("program") == str(tmp_path / "program")
