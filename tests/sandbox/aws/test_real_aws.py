"""A real aws command line takes a token, and a real skopeo pulls with it: both know nothing but the sandbox's variables."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.aws.talk import APP as APP_ARN
from sandbox.aws.talk import HOST, OPERATOR, Talk, pulling

pytestmark = [pytest.mark.real("aws", "skopeo"), pytest.mark.slow]

SECONDS = 60
APP = f"docker://{HOST}/team/app"


def run(talk: Talk, words: list[str], *, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the sandbox's variables."""
    own = {"REGISTRY_AUTH_FILE": str(talk.sandbox.folder / "real-auth.json"), "AWS_PAGER": ""}
    environment = {**os.environ, **talk.sandbox.environment(), **own, **more}
    return subprocess.run(words, env=environment, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)


def aws(talk: Talk, *words: str, **more: str) -> str:
    """Run aws and return what it prints."""
    done = run(talk, ["aws", *words, "--region", "us-east-1", "--output", "text"], **more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def skopeo(talk: Talk, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run skopeo."""
    return run(talk, ["skopeo", "--insecure-policy", *words], text=text)


def test_documented_login(talk: Talk, tmp_path: Path) -> None:
    """`aws ecr get-login-password | skopeo login` would not work against the sandbox, or give more than the role may."""
    arn = talk.role("reader", *pulling(APP_ARN))
    query = ("--query", "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]")
    given = aws(talk, "sts", "assume-role", "--role-arn", arn, "--role-session-name", "cli", *query).split()
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    password = aws(talk, "ecr", "get-login-password", **dict(zip(names, given, strict=True)))
    login = skopeo(talk, "login", "--username", "AWS", "--password-stdin", HOST, text=password)
    assert (login.returncode, login.stdout.strip()) == (0, "Login Succeeded!")
    pulled = skopeo(talk, "copy", f"{APP}:v1", f"dir:{tmp_path}")
    assert (pulled.returncode, (tmp_path / "manifest.json").exists()) == (0, True), pulled.stderr
    pushed = skopeo(talk, "copy", f"dir:{tmp_path}", f"{APP}:mine")
    assert (pushed.returncode != 0, "ecr:" in pushed.stderr or "denied" in pushed.stderr) == (True, True), pushed.stderr
    other = skopeo(talk, "inspect", f"docker://{HOST}/team/other:v1")
    assert (other.returncode != 0, "ecr:BatchGetImage" in other.stderr) == (True, True), other.stderr


def test_who_am_i(talk: Talk) -> None:
    """aws would not be the sandbox's operator, or not understand a refusal."""
    assert aws(talk, "sts", "get-caller-identity", "--query", "Arn") == OPERATOR
    refused = run(talk, ["aws", "ecr", "get-login-password", "--region", "us-east-1", "--profile", "nobody"], **_no_keys())
    assert (refused.returncode != 0, "AccessDeniedException" in refused.stderr) == (True, True), refused.stderr


def _no_keys() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
