"""The method service-principal, step by step."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.azure.fake import GROUP, FakeAzure, registry
from pullgrant import errors
from pullgrant.model.reader import Grant, Identity, Key, Ownership
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.found import Application, Assignment, Password, Permission, Principal
from pullgrant.providers.azure.provider import Provider
from pullgrant.providers.azure.resources import Resources

Build = Callable[..., Provider]
MARKS = ("pullgrant ledger=0123456789ab", "pullgrant reader=demo.azurecr.io/docker-reader")


def bootstrap(provider: Provider, note: str = "op1", *, adopt: bool = False) -> Any:
    """Do what the flow does before the proof."""
    provider.observe()
    identity = provider.ensure(adopt=adopt)
    provider.grant(identity)
    return provider.issue(identity, note=note)


def az_recipe(azure: FakeAzure, *, role: str = condition.ACR_PULL, name: str = "docker-reader") -> Application:
    """Leave what `az ad sp create-for-rbac --name NAME --role acrpull --scopes REGISTRY` leaves."""
    made = Application(id=f"obj-{name}", app_id=f"app-{name}", name=name, passwords=(Password(id="in-use", note="rbac"),))
    azure.apps[made.id] = made
    azure.sps[f"sp-{name}"] = Principal(id=f"sp-{name}", app_id=made.app_id)
    scope = registry().id
    azure.roles["random-guid"] = (f"sp-{name}", Assignment(id="x", name="random-guid", scope=scope, role=role))
    return made


def held(azure: FakeAzure) -> list[tuple[str, str]]:
    """Return the roles that anybody holds: (scope, role)."""
    return [(one.scope, one.role) for _, one in azure.roles.values()]


def test_first_run(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a bootstrap would not make a reader with exactly one role and one password."""
    seen = provider().observe()
    assert (seen.ownership, seen.identity, seen.granted) == (Ownership.ABSENT, None, False)
    assert seen.grant == Grant(role="AcrPull", resource=registry().id)
    issued = bootstrap(provider())
    (application,) = azure.apps.values()
    assert application.tags == MARKS
    assert held(azure) == [(registry().id, condition.ACR_PULL)]
    assert [one.note for one in application.passwords] == ["op1"]
    assert issued.credential.username == application.app_id
    assert issued.credential.server == "demo.azurecr.io"
    assert issued.credential.secret.reveal() == f"secret~{issued.key.id}"
    assert issued.credential.expires_at == azure.clock.now() + timedelta(days=90)


def test_few_questions(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a bootstrap would make more calls than the service needs, one after the other."""
    bootstrap(provider(subscription=registry().subscription, resource_group="group"))
    reads, changes = azure.calls[:5], azure.calls[5:]
    assert sorted(reads) == ["application", "applications", "permissions", "principals", "registry"]
    assert changes == ["create_application", "create_principal", "assign", "add_password"]


def test_second_run_finds_all(azure: FakeAzure, provider: Build) -> None:
    """If it failed, running it again would make something new."""
    issued = bootstrap(provider())
    azure.calls.clear()
    seen = provider().observe()
    assert (seen.ownership, seen.granted, seen.excess, seen.cannot_issue) == (Ownership.OURS, True, (), None)
    assert [key.id for key in seen.keys] == [issued.key.id]
    assert [key.note for key in seen.keys] == ["op1"]
    assert provider().ensure(adopt=False) == Identity(id=issued.credential.username, label="docker-reader")
    assert not {"create_application", "create_principal"} & set(azure.calls)


def test_rotation_adds_and_removes_only_ours(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a rotation would end passwords that others use, as the documented commands do on a second run."""
    first = bootstrap(provider())
    (application,) = azure.apps.values()
    azure.apps[application.id] = replace(application, passwords=(*application.passwords, Password(id="foreign")))
    second = bootstrap(provider(), "op2")
    azure.clock.time += timedelta(days=2)
    provider().withdraw(first.key)
    assert [one.id for one in azure.apps[application.id].passwords] == ["foreign", second.key.id]


def test_abac_registry(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a reader of an ABAC registry would get a role that does nothing, or reads all."""
    azure.registries_there = [registry(abac=True)]
    narrow = provider(repository=["team/app"])
    assert narrow.observe().grant == Grant(
        role="Container Registry Repository Reader", resource=f"{registry().id} (only team/app)"
    )
    bootstrap(narrow)
    ((_, made),) = azure.roles.values()
    assert (made.role, made.condition) == (condition.REPOSITORY_READER, condition.condition(["team/app"]))
    assert narrow.can.narrows
    assert not provider().can.narrows


def test_changed_repositories_change_the_condition_in_place(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a reader that is narrowed would keep the wider role, or have none for a moment."""
    azure.registries_there = [registry(abac=True)]
    bootstrap(provider(repository=["team/app", "team/other"]))
    seen = provider(repository=["team/app"]).observe()
    assert (seen.granted, len(seen.excess)) == (False, 1)
    bootstrap(provider(repository=["team/app"]))
    ((_, made),) = azure.roles.values()
    assert made.condition == condition.condition(["team/app"])
    assert "unassign" not in azure.calls


def test_classic_registry_cannot_narrow(azure: FakeAzure, provider: Build) -> None:
    """If it failed, --repository would be ignored, and the reader would read the whole registry."""
    with pytest.raises(errors.UsageError, match="cannot narrow") as raised:
        provider(repository=["team/app"]).observe()
    assert "--method token" in raised.value.hint
    assert not azure.apps


def test_registry_that_became_classic_can_still_be_revoked(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a changed registry would keep its reader's password alive for ever."""
    azure.registries_there = [registry(abac=True)]
    bootstrap(provider(repository=["team/app"]))
    azure.registries_there = [registry()]
    narrow = provider(repository=["team/app"])
    seen = narrow.observe()
    assert type(seen.cannot_issue) is errors.Refused
    assert seen.identity is not None
    narrow.remove(seen.identity)
    assert (azure.apps, azure.roles) == ({}, {})


def test_registry_that_is_gone_can_still_be_revoked(azure: FakeAzure, provider: Build) -> None:
    """If it failed, deleting a registry would leave a live service principal behind that nothing takes back."""
    bootstrap(provider())
    azure.registries_there = []
    seen = provider().observe()
    assert isinstance(seen.cannot_issue, errors.NotFound)
    assert seen.identity is not None
    provider().remove(seen.identity)
    assert azure.apps == {}
    seen = provider().observe()
    assert (seen.identity, type(seen.cannot_issue)) == (None, errors.NotFound)


def test_excess_is_taken(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a reader that somebody gave AcrPush would keep it."""
    issued = bootstrap(provider())
    (sp,) = azure.sps.values()
    push = "8311e382-0749-4cb8-b61a-304f252e45ec"
    azure.roles["more"] = (sp.id, Assignment(id="y", name="more", scope=registry().id.upper(), role=push))
    azure.roles["above"] = (sp.id, Assignment(id="z", name="above", scope=GROUP, role=condition.ACR_PULL))
    seen = provider().observe()
    assert [one.role for one in seen.excess] == ["AcrPush"]
    assert seen.remarks == (f"left alone: AcrPull on {GROUP}, which reaches this registry",)
    again = provider()
    again.observe()
    again.grant(Identity(id=issued.credential.username))
    assert "more" not in azure.roles
    assert push not in [role for _, role in held(azure)]
    assert (GROUP, condition.ACR_PULL) in held(azure)


def test_foreign_application_is_refused(azure: FakeAzure, provider: Build) -> None:
    """If it failed, somebody's application would be changed without a word of the user."""
    before = az_recipe(azure)
    seen = provider().observe()
    assert seen.ownership is Ownership.UNMARKED
    with pytest.raises(errors.NotOurs):
        provider().ensure(adopt=False)
    with pytest.raises(errors.NotOurs):
        provider().remove(Identity(id=before.app_id))
    assert azure.apps == {before.id: before}


@pytest.mark.parametrize("names_itself", [True, False])
def test_adoption_breaks_nothing(azure: FakeAzure, provider: Build, names_itself: bool) -> None:
    """If it failed, taking over what the documented commands made would end the password in use."""
    azure.names_itself = names_itself
    before = az_recipe(azure)
    issued = bootstrap(provider(), adopt=True)
    after = azure.apps[before.id]
    assert list(azure.apps) == [before.id]
    assert [one.id for one in after.passwords] == ["in-use", issued.key.id]
    assert held(azure) == [(registry().id, condition.ACR_PULL)]
    assert after.tags == MARKS
    assert bool(after.unique_name) is names_itself
    assert provider().observe().ownership is Ownership.OURS
    assert provider(owner="ba9876543210").observe().ownership is Ownership.OTHER_LEDGER


def test_adoption_narrows(azure: FakeAzure, provider: Build) -> None:
    """If it failed, an adopted pusher would stay one."""
    az_recipe(azure, role="8311e382-0749-4cb8-b61a-304f252e45ec")
    bootstrap(provider(), adopt=True)
    assert held(azure) == [(registry().id, condition.ACR_PULL)]


def test_adoption_from_another_ledger(azure: FakeAzure, provider: Build) -> None:
    """If it failed, two ledgers would both take an application for theirs."""
    bootstrap(provider(owner="ba9876543210"))
    with pytest.raises(errors.NotOurs):
        provider().ensure(adopt=False)
    bootstrap(provider(), adopt=True)
    assert len(azure.apps) == 1
    assert provider().observe().ownership is Ownership.OURS
    assert provider(owner="ba9876543210").observe().ownership is Ownership.OTHER_LEDGER


def test_ambiguous_namesakes_are_not_guessed(azure: FakeAzure, provider: Build) -> None:
    """If it failed, the wrong one of two applications of one name could be taken over."""
    az_recipe(azure)
    azure.apps["second"] = replace(azure.apps["obj-docker-reader"], id="second", app_id="app-second")
    seen = provider().observe()
    assert isinstance(seen.cannot_issue, errors.NotOurs)
    with pytest.raises(errors.NotOurs, match="2 applications"):
        provider().ensure(adopt=True)


def test_namesake_of_another_registry_is_none_of_ours(azure: FakeAzure, provider: Build) -> None:
    """If it failed, the default name could be used for one registry only, or readers would share an application."""
    azure.registries_there = [registry(), registry("other")]
    bootstrap(provider(registry="other"))
    assert provider().observe().ownership is Ownership.ABSENT
    bootstrap(provider())
    assert len(azure.apps) == 2


def test_disabled_principal_is_not_enabled_in_silence(azure: FakeAzure, provider: Build) -> None:
    """If it failed, what an administrator switched off would be used again, or the reason would be missing."""
    bootstrap(provider())
    azure.disable_principal(*azure.sps.values())
    seen = provider().observe()
    assert seen.cannot_issue is not None
    assert "az ad sp update" in seen.cannot_issue.hint
    assert [key.enabled for key in seen.keys] == [False]


@pytest.mark.parametrize("call", ["create_application", "create_principal", "assign", "add_password"])
def test_late_replication_is_waited_for(azure: FakeAzure, provider: Build, call: str) -> None:
    """If it failed, a new application that is not everywhere yet would end the run."""
    azure.unseen[call] = 5
    bootstrap(provider())
    assert azure.calls.count(call) == 6
    assert len(azure.apps) == len(azure.sps) == len(azure.roles) == 1


def test_waiting_ends(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a run would wait for ever, or lose the real reason."""
    azure.unseen["assign"] = 10_000
    started = azure.clock.monotonic()
    with pytest.raises(errors.NotVisibleYet, match="assign: not seen yet"):
        bootstrap(provider())
    assert 120 < azure.clock.monotonic() - started < 300


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["create_application", "create_principal", "assign"])
def test_lost_answers_make_no_twins(azure: FakeAzure, provider: Build, call: str, when: str) -> None:
    """If it failed, an answer that was lost would leave two applications, or end the run."""
    azure.lost[call] = when
    bootstrap(provider())
    assert len(azure.apps) == len(azure.sps) == len(azure.roles) == 1
    assert azure.calls.count("add_password") == 1


def test_lost_password_is_deleted_and_made_anew(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a password that nobody knows would stay alive."""
    azure.lost["add_password"] = "after"
    issued = bootstrap(provider())
    (application,) = azure.apps.values()
    assert [one.id for one in application.passwords] == [issued.key.id]


def test_password_of_unknown_fate_is_not_repeated(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a password that shows up late would be a second one."""
    azure.lost["add_password"] = "before"
    with pytest.raises(errors.OutcomeUnknown):
        bootstrap(provider())
    assert azure.calls.count("add_password") == 1


def test_upsert_without_a_body(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a second upsert, which answers without a body, would end the run."""
    azure.silent_creation = True
    bootstrap(provider())
    assert len(azure.apps) == len(azure.sps) == len(azure.roles) == 1


@pytest.mark.parametrize("same_condition", [True, False])
def test_role_under_another_name(azure: FakeAzure, provider: Build, same_condition: bool) -> None:
    """If it failed, a grant that exists under another name would count as an error, or keep a wider condition."""
    azure.registries_there = [registry(abac=True)]
    narrow = provider(repository=["team/app"])
    narrow.observe()
    identity = narrow.ensure(adopt=False)
    (sp,) = azure.sps.values()
    text = condition.condition(["team/app"]) if same_condition else ""
    other = Assignment(id="x", name="by-hand", scope=registry().id, role=condition.REPOSITORY_READER, condition=text)
    azure.roles["by-hand"] = (sp.id, other)
    narrow.grant(identity)
    assert [(name, one.condition) for name, (_, one) in azure.roles.items()] == [
        ("by-hand", condition.condition(["team/app"]))
    ]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("application", errors.PermissionDenied("no")),
        ("create_application", errors.PermissionDenied("no")),
        ("create_principal", errors.PermissionDenied("no")),
        ("assign", errors.PermissionDenied("no")),
        ("add_password", errors.PolicyForbids("no")),
        ("registries", errors.PermissionDenied("no")),
    ],
)
def test_refusals_are_not_waited_for(azure: FakeAzure, provider: Build, call: str, error: errors.Refused) -> None:
    """If it failed, a lasting refusal would burn minutes, or be lost."""
    azure.refused[call] = error
    started = azure.clock.monotonic()
    with pytest.raises(type(error)):
        bootstrap(provider())
    assert azure.clock.monotonic() == started


@pytest.mark.parametrize(
    ("may", "refused"),
    [
        ((Permission(actions=("*/read",)),), True),
        ((Permission(actions=("*",), not_actions=("Microsoft.Authorization/*/Write",)),), True),
        ((Permission(actions=("*/read",)), Permission(actions=("Microsoft.Authorization/roleAssignments/*",))), False),
        ((), False),
    ],
)
def test_lacking_rights_are_seen_before_anything_is_made(
    azure: FakeAzure, provider: Build, may: tuple[Permission, ...], refused: bool
) -> None:
    """If it failed, an operator who may not give roles would be left with half a reader, or be stopped without cause."""
    azure.may = may
    seen = provider().observe()
    assert isinstance(seen.cannot_issue, errors.PermissionDenied) is refused
    issued = bootstrap(provider())
    assert provider().observe().cannot_issue is None
    assert issued.key.note == "op1"


def test_withdraw_of_a_fresh_password_doubts_its_absence(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a password that is withdrawn before it is seen everywhere would be taken for gone, and live."""
    made = provider()
    issued = bootstrap(made)
    (application,) = azure.apps.values()
    azure.apps[application.id] = replace(application, passwords=())
    made.withdraw(issued.key)
    assert azure.calls.count("remove_password") > 1
    azure.calls.clear()
    made.withdraw(Key(id="old", created_at=azure.clock.now() - timedelta(days=2)))
    assert azure.calls.count("remove_password") == 1


def test_refused_withdrawal_is_no_success(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a password that may not be deleted would be noted as gone."""
    issued = bootstrap(provider())
    azure.refused["remove_password"] = errors.PermissionDenied("no")
    with pytest.raises(errors.PermissionDenied):
        provider().withdraw(issued.key)


def test_removal_in_order(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a role would outlive its application, or an interrupted revoke would leave the sign-in on."""
    issued = bootstrap(provider())
    identity = Identity(id=issued.credential.username)
    azure.calls.clear()
    provider().remove(identity)
    changes = [one for one in azure.calls if one in ("disable_principal", "unassign", "delete_application")]
    assert changes == ["disable_principal", "unassign", "delete_application"]
    assert (azure.apps, azure.sps, azure.roles) == ({}, {}, {})
    provider().remove(identity)
    provider().withdraw(issued.key)


@pytest.mark.parametrize("stopped", ["create_principal", "assign", ""])
def test_removal_of_what_is_not_seen_yet(azure: FakeAzure, provider: Build, stopped: str) -> None:
    """If it failed, a reader that is taken back right after it was made would stay, or its role would."""
    made = provider()
    if stopped:
        azure.refused[stopped] = errors.PermissionDenied("no")
    with pytest.raises(errors.PermissionDenied) if stopped else nullcontext():
        bootstrap(made)
    azure.listless = True
    seen = made.observe()
    assert (seen.ownership, seen.identity is None) == (Ownership.OURS, False)
    azure.unseen["delete_application"] = 2
    made.remove(seen.identity or Identity(id=""))
    assert (azure.apps, azure.sps, azure.roles) == ({}, {}, {})
    assert made.observe().ownership is Ownership.ABSENT


def test_changed_method_leaves_nothing(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a reader whose method was changed would keep a password of the former method alive."""
    first = bootstrap(provider())
    second = bootstrap(provider(method="token"))
    provider(method="token").withdraw(first.key)
    (application,) = azure.apps.values()
    assert application.passwords == ()
    provider(method="token").remove(Identity(id=second.credential.username))
    assert (azure.apps, azure.roles, azure.tokens_there, azure.maps) == ({}, {}, {}, {})


def test_public_and_remarkable_registries(azure: FakeAzure, provider: Build) -> None:
    """If it failed, a public registry would get a credential that proves nothing, or a risk would go unsaid."""
    azure.registries_there = [registry(anonymous=True, admin_user=True, private=True)]
    seen = provider().observe()
    assert seen.public
    assert len(seen.remarks) == 2


def test_assignments_say_service_principal() -> None:
    """If it failed, Azure would look for a user, and refuse a fresh service principal."""
    sent: list[Any] = []
    doors = Resources(None, None, [])  # type: ignore[arg-type]
    doors._role_assignments = lambda: type("R", (), {"create": lambda self, *given: sent.append(given)})()  # type: ignore[method-assign]
    doors.assign(registry().id, "name", "sp", condition.Wanted(role="r", condition="c"), "marks")
    (scope, name, body) = sent[0]
    assert (scope, name) == (registry().id, "name")
    assert body.serialize() == {
        "properties": {
            "roleDefinitionId": f"/subscriptions/{registry().subscription}/providers/Microsoft.Authorization/roleDefinitions/r",
            "principalId": "sp",
            "principalType": "ServicePrincipal",
            "description": "marks",
            "condition": "c",
            "conditionVersion": "2.0",
        }
    }
