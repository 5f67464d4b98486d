"""The main job on Azure, through the command line, against the sandbox."""

import os
from dataclasses import replace

import pytest

from e2e.nursery import Nursery
from pullgrant.kit.clock import SystemClock
from pullgrant.ledger import open_ledger
from pullgrant.sandbox.world import Fault

BOOTSTRAP = ("azure.bootstrap", "--registry", "demo")
TOKEN = (*BOOTSTRAP, "--method", "token", "--repository", "team/app")
PROOF = ("verdict", "pull", "push", "anonymous", "outside")


def state(house):
    return house.box.countries["azure"].state


def applications(house):
    return [one for one in state(house).applications.values() if one.display_name == "docker-reader"]


def passwords(house):
    return [password.key_id for one in applications(house) for password in one.passwords]


def reader_roles(house):
    """Return the role assignments that we made, also when their holder is gone."""
    return [one.role for one in state(house).assignments.values() if "pullgrant" in (one.description or "")]


def operations(registry="demo"):
    """Return what the ledger holds of the reader of a registry."""
    with open_ledger(os.environ["PULLGRANT_LEDGER"], SystemClock()) as ledger:
        return ledger.history(f"azure:{registry}/docker-reader")


def roles(house):
    holders = {
        one.id for one in state(house).principals.values() if one.app_id in {each.app_id for each in applications(house)}
    }
    return [
        (one.role, one.scope.rpartition("/")[2]) for one in state(house).assignments.values() if one.principal_id in holders
    ]


def test_the_main_job(house):
    """`azure.bootstrap --registry X` would not make a proven, registered reader with AcrPull at the registry alone."""
    done = house.run(*BOOTSTRAP, "--json")
    assert (done.code, done.json["role"], done.json["reader"]) == (0, "AcrPull", applications(house)[0].app_id)
    assert done.json["resource"].endswith("/Microsoft.ContainerRegistry/registries/demo")
    assert [done.json["proof"][name] for name in PROOF] == ["proven", "allowed", "denied", "denied", "not asked"]
    assert [one["slot"] for one in done.json["receipts"]] == ["akka"]
    assert [done.json["key_id"]] == passwords(house)
    assert house.pull("demo.azurecr.io/app:v1")


def test_a_registry_in_abac_mode(house):
    """A reader of an ABAC registry would get a role that does nothing there, or reach other repositories."""
    done = house.run("azure.bootstrap", "--registry", "demoabac", "--repository", "team/app", "--json")
    assert (done.code, done.json["role"]) == (0, "Container Registry Repository Reader")
    assert [done.json["proof"][name] for name in PROOF] == ["proven", "allowed", "denied", "denied", "denied"]
    (assignment,) = [one for one in state(house).assignments.values() if one.condition]
    assert "StringEqualsIgnoreCase 'team/app'" in assignment.condition


def test_a_token_of_the_registry(house):
    """--method token would touch the directory, or read more than its repository."""
    done = house.run(*TOKEN, "--json")
    assert (done.code, done.json["reader"]) == (0, "docker-reader")
    assert [done.json["proof"][name] for name in PROOF] == ["proven", "allowed", "denied", "denied", "denied"]
    assert not [call.kind for call in house.world.calls if call.kind.startswith("graph.")]
    assert house.pull("demo.azurecr.io/team/app:v1")


@pytest.mark.parametrize("command", [BOOTSTRAP, TOKEN])
def test_running_again_changes_nothing(house, command):
    """Cron would fill slots and directories."""
    house.run(*command)
    before = len(house.world.calls)
    again = house.run(*command, "--json")
    changing = [
        call.kind
        for call in house.world.calls[before:]
        if not call.kind.startswith(("login.", "registry.", "acr.", "platforms."))
        and not call.kind.split(".")[1].startswith(("Get", "List"))
    ]
    assert (again.code, again.json["changed"], again.json["why"], changing) == (0, False, "all is as wanted", [])


@pytest.mark.parametrize(("command", "live"), [(BOOTSTRAP, 2), (TOKEN, 2)])
def test_rotation_keeps_the_old_password_for_its_grace(house, command, live):
    """A platform that still holds the old password would stop pulling, or the old one would live for ever."""
    first = house.run(*command, "--json").json["key_id"]
    assert house.run("azure.rotate", "--registry", "demo").code == 0
    tokens = state(house).registries["demo"].tokens.values()
    assert len(passwords(house)) + sum(len(one.passwords) for one in tokens) == live
    (reader,) = house.run("status", "--json").json["readers"]
    assert reader["key_id"] != first
    assert house.pull("demo.azurecr.io/team/app:v1")
    house.run("sandbox.advance", "--hours", "25")
    ended = house.run("azure.rotate", "--json").json["readers"][0]["withdrawn"]
    assert (ended, house.pull("demo.azurecr.io/team/app:v1")) == ([first], True)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--registry", "nopasswords"), 3, "--method token"),
        (("--registry", "shortlife"), 3, "--expires-in"),
        (("--registry", "norights"), 3, "--method token"),
        (("--registry", "denied"), 3, "Role Based Access Control Administrator"),
        (("--registry", "demo", "--repository", "team/app"), 2, "--method token"),
        (("--registry", "elsewhere"), 3, "az acr list"),
        (("--registry", "demo.azurecr.io.evil.example"), 2, "az acr list"),
        (("--registry", "empty"), 4, "--image"),
    ],
)
def test_refusals_name_the_way_on(house, options, code, words):
    """The user would be told no, and not what to do."""
    done = house.run("azure.bootstrap", *options)
    assert (done.code, words in done.err) == (code, True)
    assert (passwords(house), [one for one in operations(options[1]) if one.closed is None]) == ([], [])
    assert code == 4 or (applications(house), reader_roles(house)) == ([], [])


@pytest.mark.slow
def test_what_is_not_seen_everywhere_is_taken_back_too(house):
    """In a tenant that replicates late, a refused reader would be taken for gone, and stay."""
    house.world.settle_after(reads=1)
    assert house.run("azure.bootstrap", "--registry", "nopasswords").code == 3
    assert (applications(house), reader_roles(house)) == ([], [])


@pytest.mark.slow
def test_killed_while_it_takes_a_refused_reader_back(house):
    """A reader that was refused its password would stay disabled, or keep its role, and no verb would know of it."""
    command, killed = ("azure.bootstrap", "--registry", "nopasswords", "--image", "app:v1"), 0
    with Nursery("azure") as nursery:
        for kind in (
            "graph.AddPassword",
            "graph.UpdateServicePrincipal",
            "arm.DeleteRoleAssignment",
            "graph.DeleteApplication",
        ):
            house.fresh()
            pid = nursery.start(*command)
            house.world.fail_next(Fault(kind=kind, how="kill-after", pid=pid))
            killed += nursery.end()[0] == -9
            assert house.run("recover").code == 0
            assert house.run(*command).code == 3
            assert (applications(house), reader_roles(house)) == ([], [])
    assert killed == 4


def test_saying_where_the_registry_is_makes_no_new_credential(house):
    """Adding --subscription to a command would replace a good password, or `rotate` would go on searching."""
    assert house.run(*BOOTSTRAP).code == 0
    before = passwords(house)
    (subscription,) = state(house).subscriptions
    where = ("--subscription", subscription, "--resource-group", "sandbox")
    for _ in range(2):
        again = house.run(*BOOTSTRAP, *where, "--json").json
        assert (again["changed"], again["key_id"], passwords(house)) == (False, before[0], before)
    calls = len(house.world.calls)
    assert house.run("azure.rotate", "--registry", "demo").code == 0
    kinds = [call.kind for call in house.world.calls[calls:]]
    assert ("arm.GetRegistry" in kinds, "arm.ListSubscriptions" in kinds) == (True, False)
    assert len(operations()) == 3
    shorter = house.run(*BOOTSTRAP, *where, "--expires-in", "20d", "--json").json
    assert shorter["changed"]


def test_a_limit_on_lifetimes_is_kept(house):
    """A tenant that limits the life of passwords could not be served, or not after it has said so."""
    assert house.run("azure.bootstrap", "--registry", "shortlife").code == 3
    assert house.run("azure.bootstrap", "--registry", "shortlife", "--expires-in", "20d").code == 0


def test_a_public_registry_needs_no_credential(house):
    """A credential would be spread that proves nothing."""
    done = house.run("azure.bootstrap", "--registry", "public", "--json")
    assert (done.code, done.json["changed"], passwords(house)) == (0, False, [])


def test_a_push_role_from_above_fails_the_proof(house):
    """A reader that may push by a role on its resource group would be registered all the same."""
    house.run(*BOOTSTRAP)
    (application,) = applications(house)
    registry = state(house).registries["demo"]
    holder = next(one for one in state(house).principals.values() if one.app_id == application.app_id)
    (assignment,) = [one for one in state(house).assignments.values() if one.principal_id == holder.id]
    push, group = "8311e382-0749-4cb8-b61a-304f252e45ec", registry.id.partition("/providers/")[0]
    state(house).assignments["by-hand"] = replace(assignment, name="by-hand", role=push, scope=group)
    before = passwords(house)
    done = house.run("azure.rotate", "--registry", "demo")
    assert (done.code, "may push" in done.err, passwords(house)) == (4, True, before)


def test_revoke_leaves_nothing_of_ours(house):
    """Power would stay in the cloud, or an entry in the platform."""
    for command in (BOOTSTRAP, TOKEN):
        assert house.run(*command).code == 0
    done = house.run("azure.revoke", "--reader", "docker-reader", "--yes")
    registry = state(house).registries["demo"]
    assert (done.code, applications(house), roles(house), registry.tokens) == (0, [], [], {})
    assert [name for name in registry.scope_maps if not name.startswith("_")] == []
    assert not house.pull("demo.azurecr.io/app:v1")


@pytest.mark.slow
def test_late_visibility_is_waited_for(house):
    """A tenant that replicates late would break the first run."""
    house.world.settle_after(reads=1)
    assert house.run(*BOOTSTRAP, "--json").json["proof"]["verdict"] == "proven"


@pytest.mark.parametrize("kind", ["graph.UpdateApplication", "graph.CreateServicePrincipal", "arm.PutRoleAssignment"])
def test_a_lost_answer_leaves_no_twin(house, kind):
    """A call whose answer was cut off would be made twice."""
    house.world.fail_next(Fault(kind=kind, how="half"))
    assert house.run(*BOOTSTRAP).code == 0
    assert (len(applications(house)), len(passwords(house)), len(roles(house))) == (1, 1, 1)


def test_a_lost_password_is_recovered(house):
    """A password that nobody knows would stay alive."""
    house.world.fail_next(Fault(kind="graph.AddPassword", how="drop"))
    assert house.run(*BOOTSTRAP).code == 6
    assert house.run("recover").code == 0
    assert house.run(*BOOTSTRAP).code == 0
    assert len(passwords(house)) == 1


def live(house):
    """Return how many passwords of ours there are."""
    tokens = state(house).registries["demo"].tokens.values()
    return len(passwords(house)) + sum(len(one.passwords) for one in tokens)


READING = [
    *(
        (BOOTSTRAP, kind)
        for kind in (
            "login.Token",
            "arm.ListSubscriptions",
            "arm.ListRegistries",
            "arm.ListPermissions",
            "graph.GetApplication",
            "graph.ListApplications",
            "acr.Exchange",
            "registry.token",
            "registry.catalog",
        )
    ),
    (TOKEN, "arm.GetOperation"),
    (TOKEN, "arm.GetToken"),
]
CHANGING = [
    (BOOTSTRAP, "graph.UpdateApplication"),
    (BOOTSTRAP, "graph.CreateServicePrincipal"),
    (BOOTSTRAP, "graph.AddPassword"),
    (BOOTSTRAP, "arm.PutRoleAssignment"),
    (TOKEN, "arm.PutScopeMap"),
    (TOKEN, "arm.PutToken"),
    (TOKEN, "arm.GenerateCredentials"),
]
# A call that only reads has no effect that could be lost. A throttle, which is waited out, is tried at one call of a service.
THROTTLED = ("login.Token", "graph.AddPassword", "arm.PutRoleAssignment", "arm.GenerateCredentials", "registry.token")
FAULTS = [(*one, how) for one in READING for how in ("503", "half")]
FAULTS += [(*one, how) for one in CHANGING for how in ("503", "500", "drop", "half")]
FAULTS += [(*one, "429") for one in (*READING, *CHANGING) if one[1] in THROTTLED]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "kind", "how"), FAULTS, ids=[f"{kind}-{how}" for _, kind, how in FAULTS])
def test_a_fault_at_a_call(house, command, kind, how):
    """A throttle, an outage or half an answer would end in a mess, or in a wrong exit code."""
    sink = ("--sink", "docker-config")
    house.world.fail_next(Fault(kind=kind, how=how))
    done = house.run(*command, *sink)
    assert done.code in (0, 4, 6), done.err
    assert house.run("recover").code == 0
    again = house.run(*command, *sink)
    assert again.code == 0, again.err
    pulled = house.pull("demo.azurecr.io/team/app:v1", platform=f"docker-config:{house.docker_config}")
    assert (live(house), pulled, [one for one in operations() if one.closed is None]) == (1, True, [])
