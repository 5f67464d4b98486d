"""The main job on Google Cloud, through the command line, against the sandbox."""

import json
import time
from dataclasses import replace

import pytest

BOOTSTRAP = ("gcp.bootstrap", "--project", "demo")
READER = "docker-reader@demo.iam.gserviceaccount.com"
REPOSITORY = "projects/demo/locations/us/repositories/gcr.io"


def policy(house, location="us", name="gcr.io", project="demo"):
    repository = house.box.countries["google"].state.projects[project].repositories[location, name]
    return {(binding.role, member) for binding in repository.policy.bindings for member in binding.members}


def test_the_main_job(house):
    """`gcp.bootstrap --project X` would not make a proven, registered reader."""
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, done.json["reader"], done.json["role"], done.json["resource"]) == (
        0, READER, "roles/artifactregistry.reader", REPOSITORY,
    )  # fmt: skip
    proof = done.json["proof"]
    assert [proof[name] for name in ("verdict", "pull", "push", "anonymous", "outside")] == [
        "proven", "allowed", "denied", "denied", "denied",
    ]  # fmt: skip
    assert done.json["receipts"] == [{"slot": "akka", "reference": "pullgrant-gcr-io", "remarks": []}]
    assert [done.json["key_id"]] == house.keys()
    assert house.pull("gcr.io/demo/app:v1")
    assert ("roles/artifactregistry.reader", f"serviceAccount:{READER}") in policy(house)


def test_running_again_changes_nothing(house):
    """Cron would burn keys."""
    house.run(*BOOTSTRAP)
    keys, before = house.keys(), len(house.world.calls)
    again = house.run(*BOOTSTRAP, "--json")
    changing = [call for call in house.world.calls[before:] if "create" in call.kind.lower() or "set" in call.kind]
    assert (again.code, again.json["changed"], again.json["why"], house.keys(), changing) == (
        0, False, "all is as wanted", keys, [],
    )  # fmt: skip


def test_plan_shows_the_same_and_changes_nothing(house):
    """--plan would change something, or show something else than is done."""
    planned = house.run(*BOOTSTRAP, "--plan", "--json")
    assert (planned.code, house.keys(), house.run("status", "--json").json["readers"]) == (0, [], [])
    assert house.run(*BOOTSTRAP, "--json").json["plan"] == planned.json["plan"]


def test_a_registry_on_buckets(house):
    """A project that never moved to Artifact Registry would get a useless role."""
    done = house.run("gcp.bootstrap", "--project", "legacy", "--json")
    assert (done.code, done.json["role"], done.json["resource"], done.json["proof"]["verdict"]) == (
        0, "roles/storage.objectViewer", "bucket artifacts.legacy.appspot.com", "proven",
    )  # fmt: skip


def test_a_policy_against_keys(house):
    """The user would not learn the way on, or be left with half a reader."""
    refused = house.run("gcp.bootstrap", "--project", "locked")
    assert (refused.code, "--credential access-token" in refused.err) == (3, True)
    assert not [call for call in house.kinds() if "Create" in call or "set" in call]
    token = house.run("gcp.bootstrap", "--project", "locked", "--credential", "access-token", "--json")
    assert (token.code, token.json["proof"]["verdict"], house.keys("locked")) == (0, "proven", [])
    assert token.json["expires_at"] is not None
    assert house.pull("gcr.io/locked/app:v1")


@pytest.mark.parametrize(
    ("project", "code", "words"),
    [
        ("empty", 4, "no image"),
        ("disabled", 3, "gcloud services enable artifactregistry.googleapis.com"),
        ("denied", 3, "roles/iam.serviceAccountViewer"),
        ("nowhere", 3, "may not exist"),
        ("UPPER", 2, "not a project id"),
    ],
)
def test_refusals_name_the_way_on(house, project, code, words):
    """A refusal would have the wrong exit code, or leave the user alone."""
    done = house.run("gcp.bootstrap", "--project", project)
    assert (done.code, words in done.err, house.keys(project)) == (code, True, [])


def test_a_public_registry_needs_no_credential(house):
    """A key would be made for what everybody may pull."""
    done = house.run("gcp.bootstrap", "--project", "public", "--json")
    assert (done.code, done.json["changed"], "public" in done.json["why"], house.keys("public")) == (0, False, True, [])


def test_an_error_is_json_too(house):
    """A script could not read why it failed."""
    done = house.run("gcp.bootstrap", "--project", "locked", "--json")
    assert json.loads(done.out)["error"]["kind"] == "PolicyForbids"
    assert (done.code, json.loads(done.out)["error"]["exit_code"]) == (3, 3)


def test_a_wide_grant_fails_the_proof_and_is_taken_back(house):
    """A reader that somebody made an editor of the project would be delivered."""
    house.run(*BOOTSTRAP)
    google = house.box.countries["google"]
    project = google.state.projects["demo"]
    binding = type(project.policy.bindings[0])(role="roles/editor", members=(f"serviceAccount:{READER}",))
    project.policy.bindings = (*project.policy.bindings, binding)
    keys = house.keys()
    done = house.run(*BOOTSTRAP, "--rotate-now")
    assert (done.code, "may push" in done.err, house.keys()) == (4, True, keys)


def test_the_scope_of_the_project_is_named_and_narrowed_again(house):
    """`--scope project` would be silent about what it opens, or could never be taken back."""
    wide = house.run(*BOOTSTRAP, "--scope", "project", "--json")
    assert (wide.json["resource"], "opens every repository" in wide.json["remarks"][0]) == ("project demo", True)
    assert wide.json["proof"]["outside"] == "not asked"
    narrow = house.run(*BOOTSTRAP, "--json")
    assert (narrow.code, narrow.json["resource"], narrow.json["proof"]["outside"]) == (0, REPOSITORY, "denied")


def test_adopting_what_the_documented_commands_made(house):
    """An account made by hand would be taken over unasked, or its key be broken by the take-over."""
    from pullgrant.kit.http import Http
    from pullgrant.providers.gcp.policy import with_member
    from pullgrant.providers.gcp.seam import Seam

    http = Http()
    seam = Seam("demo", http)
    seam.create_account("docker-reader", "made by hand", "")
    key, _ = seam.create_key(READER)
    whole, _ = with_member(seam.get_project_policy("demo"), "roles/artifactregistry.reader", f"serviceAccount:{READER}")
    seam.set_project_policy("demo", whole)
    http.close()
    assert house.run(*BOOTSTRAP).code == 3
    done = house.run(*BOOTSTRAP, "--adopt", "--json")
    assert (done.code, done.json["proof"]["outside"], len(house.keys())) == (0, "denied", 2)
    live = house.keys()
    assert key.name.rpartition("/")[2] in live
    assert any("left alone: 1 key" in remark for remark in done.json["remarks"])
    assert house.run(*BOOTSTRAP, "--json").json["changed"] is False


def test_rotation_keeps_the_old_key_for_its_grace(house):
    """A platform's cache would meet a dead key, or keys would pile up to the limit of ten."""
    house.run(*BOOTSTRAP)
    first = house.keys()
    house.run(*BOOTSTRAP, "--rotate-now")
    live = house.keys()
    assert (len(live), first[0] in live, house.pull("gcr.io/demo/app:v1")) == (2, True, True)
    house.run("sandbox.advance", "--hours", "25")
    done = house.run("rotate", "--json")
    assert (done.code, done.json["readers"][0]["withdrawn"], len(house.keys())) == (0, first, 1)
    assert house.pull("gcr.io/demo/app:v1")


def test_short_tokens_are_renewed_at_half_their_life(house):
    """A token would die under the platform."""
    house.run("gcp.bootstrap", "--project", "locked", "--credential", "access-token")
    assert house.run("rotate", "--json").json["readers"][0]["renewed"] is False
    house.run("sandbox.advance", "--seconds", "2000")
    assert house.run("rotate", "--json").json["readers"][0]["renewed"] is True
    house.run("sandbox.advance", "--seconds", "2000")
    assert house.pull("gcr.io/locked/app:v1")


def test_a_key_that_somebody_deleted_is_found_and_replaced(house):
    """A dead credential would show only when a service restarts at three in the morning."""
    house.run(*BOOTSTRAP)
    house.box.countries["google"].state.projects["demo"].accounts[READER].keys.clear()
    assert not house.pull("gcr.io/demo/app:v1")
    found = house.run("verify")
    assert (found.code, "is gone from the cloud" in found.err) == (4, True)
    assert house.run("rotate", "--verify").code == 0
    assert (house.pull("gcr.io/demo/app:v1"), house.run("verify").code) == (True, 0)


def test_revoke_leaves_nothing_of_ours(house):
    """Power would stay in the cloud, or an entry in the platform."""
    before = policy(house)
    house.run(*BOOTSTRAP, "--sink", "akka", "--sink", "docker-config")
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 0
    assert (house.keys(), policy(house), house.pull("gcr.io/demo/app:v1")) == ([], before, False)
    assert json.loads(house.docker_config.read_text())["auths"] == {}
    assert house.run("status", "--json").json == {"readers": []}
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 3


def test_revoke_spares_the_keys_of_others(house):
    """A reader that was taken over would end with what others still pull with, unasked."""
    house.run(*BOOTSTRAP)
    account = google_of(house).projects["demo"].accounts[READER]
    account.keys["made-by-hand"] = replace(account.keys[house.keys()[0]], id="made-by-hand")
    refused = house.run("revoke", "--reader", "docker-reader", "--yes")
    assert (refused.code, "made-by-hand" in refused.err, "--all-keys" in refused.err) == (3, True, True)
    assert (len(house.keys()), house.pull("gcr.io/demo/app:v1")) == (2, True)
    assert house.run("gcp.revoke", "--reader", "docker-reader", "--yes", "--all-keys").code == 0
    assert (READER in google_of(house).projects["demo"].accounts, house.pull("gcr.io/demo/app:v1")) == (False, False)


def test_late_visibility_is_waited_for(house):
    """A new account that is not seen everywhere yet would look like a refusal."""
    house.world.settle_after(reads=2)
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, done.json["proof"]["verdict"], len(house.keys())) == (0, "proven", 1)


def test_two_runs_at_once_make_one_key(house):
    """Two schedulers would make two keys and two credentials."""
    runs = [house.start(*BOOTSTRAP) for _ in range(2)]
    codes = sorted(run.wait(60) for run in runs)
    for run in runs:
        run.communicate()
    assert (codes[0], codes[1] in (0, 7), len(house.keys())) == (0, True, 1)


def test_only_this_machine_is_contacted(house):
    """The sandbox would talk to the outside."""
    driver = (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event == 'socket.connect' and isinstance(args[1], tuple) and args[1][0] not in ('127.0.0.1', '::1'):\n"
        "        print('ESCAPED', args[1], file=sys.stderr)\n"
        "        import os; os._exit(99)\n"
        "sys.addaudithook(hook)\n"
        "from pullgrant.cli import program\n"
        "program.run(['pullgrant', 'sandbox', 'gcp.bootstrap', '--project', 'demo'])\n"
    )
    (house.folder / "watched.py").write_text(driver)
    run = house.start(program=house.folder / "watched.py")
    _, err = run.communicate(timeout=60)
    assert (run.returncode, "ESCAPED" in err) == (0, False), err


def test_grace_and_rotation_age_are_the_users(house):
    """--grace and --rotate-every would be decoration."""
    done = house.run(*BOOTSTRAP, "--rotate-every", "2d", "--grace", "3h", "--json")
    assert done.code == 0
    house.run("sandbox.advance", "--hours", str(2 * 24))
    assert house.run("rotate", "--json").json["readers"][0]["renewed"] is True
    house.run("sandbox.advance", "--hours", "4")
    assert len(house.run("rotate", "--json").json["readers"][0]["withdrawn"]) == 1


def google_of(house):
    return house.box.countries["google"].state


@pytest.mark.parametrize("also_account", [False, True])
def test_revoking_what_is_gone_in_part(house, also_account):
    """A reader whose repository was deleted would stay in the cloud, or in the ledger for ever."""
    house.run(*BOOTSTRAP)
    project = google_of(house).projects["demo"]
    del project.repositories["us", "gcr.io"]
    if also_account:
        del project.accounts[READER]
    done = house.run("revoke", "--reader", "docker-reader", "--yes")
    assert (done.code, READER in project.accounts, house.run("status", "--json").json) == (0, False, {"readers": []}), (
        done.err
    )


def test_a_repository_that_is_gone_is_said(house):
    """A renewal would deliver a key that opens nothing, or end in an error nobody understands."""
    house.run(*BOOTSTRAP)
    del google_of(house).projects["demo"].repositories["us", "gcr.io"]
    done = house.run(*BOOTSTRAP)
    assert (done.code, "gcloud artifacts repositories create gcr.io" in done.err, len(house.keys())) == (3, True, 1)


def test_a_disabled_reader_is_not_switched_on_again(house):
    """What somebody switched off in an emergency would be switched on by a timer, or pass for good."""
    house.run(*BOOTSTRAP)
    google_of(house).projects["demo"].accounts[READER].disabled = True
    done = house.run(*BOOTSTRAP)
    assert (done.code, f"gcloud iam service-accounts enable {READER} --project demo" in done.err) == (3, True)
    assert google_of(house).projects["demo"].accounts[READER].disabled is True
    assert house.run("revoke", "--reader", "docker-reader", "--yes").code == 0


def test_a_sign_in_that_is_over(house, monkeypatch):
    """The user would be told that the cloud is down."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(house.box.folder / "google" / "person.json"))
    google_of(house).refresh_tokens.clear()
    done = house.run(*BOOTSTRAP)
    assert (done.code, "gcloud auth application-default login" in done.err) == (2, True)


def test_signed_in_nowhere(house, monkeypatch):
    """A newcomer would wait, and then not learn the two ways on."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    started = time.monotonic()
    done = house.run(*BOOTSTRAP)
    assert (done.code, time.monotonic() - started < 2) == (2, True)
    assert ["gcloud auth" in done.err, "invoke sandbox gcp.bootstrap" in done.err] == [True, True]


def test_one_look_at_everything(house):
    """A call that nobody needs would be made on every run."""
    house.run(*BOOTSTRAP)
    before = len(house.world.calls)
    house.run(*BOOTSTRAP)
    kinds = [call.kind for call in house.world.calls[before:]]
    google = [kind for kind in kinds if not kind.startswith(("platforms.", "registry."))]
    assert sorted(google) == sorted(
        [
            "artifactregistry.getIamPolicy", "artifactregistry.getProjectSettings", "iam.GetServiceAccount",
            "iam.ListServiceAccountKeys", "orgpolicy.getEffectivePolicy", "orgpolicy.getEffectivePolicy",
            "resourcemanager.getIamPolicy", "serviceusage.batchGet",
        ]
    )  # fmt: skip
