"""`doctor` against the sandbox: one line a question, exit code by the worst."""

import os
from datetime import timedelta

import pytest

from pullgrant.kit.clock import SystemClock
from pullgrant.ledger import open_ledger
from pullgrant.model.operation import Intent
from pullgrant.model.reader import Reader
from pullgrant.sandbox.world import Fault


def ask(house, *words):
    done = house.run("doctor", "--json", *words)
    checks = {one["about"]: one for one in done.json["checks"]}
    assert done.code == done.json["exit_code"] == max(one["exit_code"] for one in checks.values())
    return done.code, checks


def states(checks, *prefixes):
    return {name: one["state"] for name, one in checks.items() if name.startswith(prefixes)}


def bootstrap(house, *words):
    assert house.run("gcp.bootstrap", "--project", "demo", *words).code == 0


def test_a_machine_that_can_do_the_job(house):
    """A healthy machine would be sent to the doctor, or a question would not be asked."""
    bootstrap(house, "--sink", "akka", "--sink", "docker-config")
    code, checks = ask(house)
    assert (code, {one["state"] for one in checks.values()} - {"ok", "skip"}) == (0, set())
    slot = f"slot docker-config:{house.docker_config} for gcr.io"
    expected = (
        "sign-in gcp", "clock gcp", "sink akka", "slot akka for gcr.io", slot, "registry gcr.io", "clock gcr.io",
        "ledger", "reader gcp:demo/docker-reader", "marks gcp:demo",
    )  # fmt: skip
    assert {name: checks[name]["state"] for name in expected} == dict.fromkeys(expected, "ok")
    assert (checks["sign-in gcp"]["words"].startswith("operator@"), checks["sink akka"]["words"][:5]) == (True, "akka ")


def test_it_changes_nothing(house):
    """A look at the machine would make a ledger, or a call that changes something."""
    code, checks = ask(house)
    assert (code, checks["ledger"]["words"].startswith("none yet"), (house.folder / "ledger.sqlite").exists()) == (
        0, True, False,
    )  # fmt: skip
    bootstrap(house)
    keys, before = house.keys(), len(house.world.calls)
    ask(house)
    changing = [
        call for call in house.world.calls[before:] if any(word in call.kind.lower() for word in ("create", "set", "delete"))
    ]
    assert (house.keys(), changing) == (keys, [])


def test_signed_in_nowhere(house, monkeypatch):
    """A newcomer would not learn that a sign-in is missing; or one who needs no Azure would be failed for it."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "CLOUDSDK_", "AWS_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    code, checks = ask(house)
    assert (code, checks["sign-in"]["state"], "sandbox gcp.bootstrap" in checks["sign-in"]["hint"]) == (2, "fail", True)
    assert states(checks, "sign-in ") == {"sign-in azure": "skip", "sign-in ecr": "skip", "sign-in gcp": "skip"}


def test_a_sign_in_that_a_reader_needs(house, monkeypatch):
    """The next rotation would fail without a word before."""
    bootstrap(house)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    code, checks = ask(house)
    assert (code, checks["sign-in gcp"]["state"], checks["sign-in gcp"]["exit_code"]) == (2, "fail", 2)


def test_a_program_that_is_missing(house, monkeypatch):
    """A slot whose program is gone would be noticed at the next rotation only."""
    _, checks = ask(house)
    monkeypatch.setenv("PATH", "/nowhere")
    assert ask(house)[1]["sink akka"]["state"] == "skip"
    monkeypatch.undo()
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    bootstrap(house)
    monkeypatch.setenv("PATH", "/nowhere")
    code, checks = ask(house)
    assert (code, checks["sink akka"]["state"], checks["slot akka for gcr.io"]["state"]) == (2, "fail", "fail")


@pytest.mark.parametrize(("minutes", "state", "code"), [(0, "ok", 0), (2, "warn", 0), (10, "fail", 2)])
def test_a_clock_that_is_off(house, minutes, state, code):
    """Signatures that a cloud will refuse would be made with a wrong clock."""
    bootstrap(house)
    house.world.advance(timedelta(minutes=minutes))
    found, checks = ask(house)
    assert (checks["clock gcr.io"]["state"], found) == (state, code)


def test_a_registry_that_does_not_answer(house):
    """A registry that is down would not be told."""
    bootstrap(house)
    house.world.fail_next(Fault(kind="registry.*", how="503", times=9))
    code, checks = ask(house)
    assert (code, checks["registry gcr.io"]["state"]) == (6, "fail")


def test_what_dies_before_the_next_run(house):
    """A token that dies before the next scheduled run would take the platform down."""
    token = ("gcp.bootstrap", "--project", "locked", "--credential", "access-token")
    assert house.run(*token).code == 0
    about = "reader gcp:locked/docker-reader"
    assert states(ask(house)[1], about) == {about: "ok"}
    code, checks = ask(house, "--next-run", "1d")
    assert (code, checks[about]["state"], "before the next run" in checks[about]["words"]) == (6, "fail", True)
    assert states(ask(house, "--next-run", "10m")[1], about) == {about: "ok"}
    house.run("sandbox.advance", "--hours", "2")
    code, checks = ask(house)
    assert (code, "died at" in checks[about]["words"]) == (6, True)


def test_an_interrupted_run(house):
    """A half-done operation would wait unseen for somebody to call `recover`."""
    bootstrap(house)
    ledger = open_ledger(os.environ["PULLGRANT_LEDGER"], SystemClock())
    ledger.open(Intent(verb="rotate", reader=ledger.readers()[0]))
    ledger.dispose()
    code, checks = ask(house)
    one = checks["reader gcp:demo/docker-reader"]
    assert (code, one["state"], "pullgrant recover" in one["hint"]) == (0, "warn", True)


def test_a_mark_that_the_ledger_does_not_know(house):
    """A service account of a lost operation would live on unseen."""
    bootstrap(house)
    accounts = house.box.countries["google"].state.projects["demo"].accounts
    ours = accounts["docker-reader@demo.iam.gserviceaccount.com"]
    bootstrap(house, "--reader", "second-reader", "--sink", f"docker-config:{house.folder}/second.json")
    stray = accounts["second-reader@demo.iam.gserviceaccount.com"]
    assert stray.description == ours.description
    house.run("revoke", "--reader", "second-reader", "--yes")
    accounts[stray.email] = stray
    code, checks = ask(house)
    assert (code, checks["marks gcp:demo"]["state"], stray.email in checks["marks gcp:demo"]["words"]) == (0, "warn", True)
    stray.description = "pullgrant ledger=another"
    assert ask(house)[1]["marks gcp:demo"]["state"] == "ok"


@pytest.mark.parametrize(
    ("words", "provider"),
    [
        (("azure.bootstrap", "--registry", "demo"), "azure"),
        (("ecr.bootstrap", "--region", "us-east-1"), "ecr"),
        (("dockerhub.bootstrap", "--organization", "acme", "--repository", "app"), "dockerhub"),
        (("dockerhub.bootstrap", "--username", "owner"), "dockerhub"),
        (("gitlab.bootstrap", "--project", "acme/app"), "gitlab"),
        (("harbor.bootstrap", "--project", "acme"), "harbor"),
        (("quay.bootstrap", "--organization", "acme", "--repository", "app"), "quay"),
    ],
)
def test_marks_of_the_other_clouds(house, words, provider):
    """A reader of our own would be called unknown, or an unknown one be overlooked."""
    assert house.run(*words).code == 0
    marks = [name for name in states(ask(house)[1], "marks ") if f" {provider}:" in name]
    assert [ask(house)[1][name]["state"] for name in marks] == ["ok"]
    reader = house.run("status", "--json").json["readers"][0]
    ledger = open_ledger(os.environ["PULLGRANT_LEDGER"], SystemClock())
    known, kept = ledger.readers()[0], ledger.id
    ledger.dispose()
    assert reader["reader"] in _marked(provider, known, kept)


def _marked(provider, reader, owner):
    from pullgrant import catalog
    from pullgrant.kit.http import Http

    http = Http()
    try:
        return catalog.checkup(provider).marked(http, reader, owner=owner)
    finally:
        http.close()


def test_a_ledger_that_others_can_read(house):
    """Names of keys and readers would be open to every user of the machine without a word."""
    bootstrap(house)
    file = house.folder / "ledger.sqlite"
    file.chmod(0o644)
    code, checks = ask(house)
    assert (code, checks["ledger"]["state"], "644" in checks["ledger"]["words"], oct(file.stat().st_mode)[-3:]) == (
        0, "warn", True, "600",
    )  # fmt: skip


def test_a_ledger_that_is_none(house):
    """A damaged ledger would end in a traceback, or hide the other answers."""
    (house.folder / "ledger.sqlite").write_bytes(b"no ledger at all" * 100)
    code, checks = ask(house)
    assert (code, checks["ledger"]["state"], checks["sign-in gcp"]["state"]) == (2, "fail", "ok")


def test_a_secret_that_is_not_where_it_was(house, monkeypatch):
    """A rotation would fail because a variable is no longer set."""
    reader = Reader(
        provider="private", account="r.example", name="docker-reader", host="gcr.io",
        options={"server": "https://gcr.io", "username": "me", "password": "env:CANARY"},
    )  # fmt: skip
    ledger = open_ledger(os.environ["PULLGRANT_LEDGER"], SystemClock())
    ledger.open(Intent(verb="bootstrap", reader=reader))
    ledger.dispose()
    about = "secret private:r.example/docker-reader"
    code, checks = ask(house, "--offline")
    assert (code, checks[about]["state"]) == (2, "fail")
    monkeypatch.setenv("CANARY", "canary-secret")
    done = house.run("doctor", "--offline")
    assert (done.code, f"ok    {about}" in done.out, "canary-secret" in done.out + done.err) == (0, True, False)


def test_offline_asks_nobody(house):
    """--offline would reach out."""
    bootstrap(house)
    before = len(house.world.calls)
    code, checks = ask(house, "--offline")
    assert (code, house.world.calls[before:], states(checks, "sign-in", "registry", "slot")) == (
        0, [], {"sign-ins, programs, registries, clocks and marks": "skip"},
    )  # fmt: skip


def test_a_person_reads_one_line_a_question(house):
    """A hint would be left out, or a question take several lines."""
    bootstrap(house)
    house.world.fail_next(Fault(kind="registry.*", how="503", times=9))
    done = house.run("doctor")
    lines = done.out.splitlines()
    assert (done.code, [line[:4] for line in lines if line[:4] not in ("ok  ", "skip", "warn", "fail")]) == (6, [])
    assert [line for line in lines if line.startswith("fail") and "answers 503" in line and "again" in line] != []
