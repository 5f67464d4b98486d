"""The real clients of Azure against the sandbox: what is on the wire, what is repeated, and what is told."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pullgrant import errors
from pullgrant.kit.http import Http
from pullgrant.model.reader import Identity, Ownership
from pullgrant.probe import Probe
from pullgrant.providers.azure import condition
from pullgrant.providers.azure.hosts import CLOUDS
from pullgrant.providers.azure.provider import Provider
from pullgrant.providers.azure.settings import Settings
from pullgrant.providers.azure.signin import SignIn
from pullgrant.sandbox.azure import Azure
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from pullgrant.testing.scene import StageClock

OWNER = "0123456789ab"
Build = Callable[..., Provider]


class Clock(StageClock):
    """The machine's time, but nobody sleeps for real."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__()
        self.box = box
        self.time = box.world.now()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(factories={"azure": Azure}) as running:
        yield running


@pytest.fixture
def box(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sandbox.world.reset()
    sandbox.countries["azure"].reset()
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def provider(box: Sandbox) -> Iterator[Build]:
    opened: list[Http] = []

    def build(**options: Any) -> Provider:
        reader = Settings.parse(**{"registry": "demo", **options}).to_reader()
        opened.append(Http())
        return Provider(reader, owner=OWNER, http=opened[-1], clock=Clock(box))

    yield build
    for http in opened:
        http.close()


@pytest.fixture
def sign_in() -> Iterator[Callable[[], SignIn]]:
    opened: list[Any] = []
    yield lambda: SignIn(CLOUDS["public"], opened)
    for one in opened:
        one.close()


@pytest.fixture
def probe() -> Iterator[Probe]:
    http = Http()
    yield Probe(http)
    http.close()


def state(box: Sandbox) -> Any:
    return box.countries["azure"].state  # type: ignore[attr-defined]


def kinds(box: Sandbox, *wanted: str) -> list[str]:
    return [call.kind for call in box.world.calls if not wanted or call.kind in wanted]


def applications(box: Sandbox) -> list[Any]:
    return [one for one in state(box).applications.values() if one.display_name == "docker-reader"]


def roles(box: Sandbox, app_id: str) -> list[tuple[str, str, str]]:
    holders = [one.id for one in state(box).principals.values() if one.app_id == app_id]
    return [
        (one.role, one.scope.rpartition("/")[2], one.condition or "")
        for one in state(box).assignments.values()
        if one.principal_id in holders
    ]


def bootstrap(made: Provider, note: str = "op1", *, adopt: bool = False) -> Any:
    made.observe()
    identity = made.ensure(adopt=adopt)
    made.grant(identity)
    return made.issue(identity, note=note)


def test_service_principal(box: Sandbox, provider: Build, probe: Probe) -> None:
    """If it failed, the clients would send something that Azure does not understand."""
    made = provider()
    issued = bootstrap(made)
    (application,) = applications(box)
    assert roles(box, application.app_id) == [(condition.ACR_PULL, "demo", "")]
    assert made.observe().granted
    image = made.images().inside
    assert image is not None
    assert probe.pull(image, issued.credential).answer == "allowed"
    assert probe.push(image, issued.credential).answer == "denied"
    made.withdraw(issued.key)
    assert made.observe().keys == ()
    made.remove(Identity(id=application.app_id))
    assert (applications(box), roles(box, application.app_id)) == ([], [])


def test_abac_registry(box: Sandbox, provider: Build, probe: Probe) -> None:
    """If it failed, the condition would not be one that Azure's own words make."""
    made = provider(registry="demoabac", repository=["team/app"])
    issued = bootstrap(made)
    text = condition.condition(["team/app"])
    assert roles(box, issued.credential.username) == [(condition.REPOSITORY_READER, "demoabac", text)]
    images = made.images()
    assert images.inside is not None
    assert images.outside is not None
    assert probe.pull(images.inside, issued.credential).answer == "allowed"
    assert probe.pull(images.outside, issued.credential).answer == "denied"


def test_token(box: Sandbox, provider: Build, probe: Probe) -> None:
    """If it failed, tokens would be sent wrongly, or both passwords would be made anew."""
    made = provider(method="token", repository=["team/app"])
    first, second = bootstrap(made), bootstrap(made)
    assert [key.id for key in made.observe().keys] == [first.key.id, second.key.id]
    images = made.images()
    assert images.inside is not None
    assert images.outside is not None
    assert [probe.pull(images.inside, one.credential).answer for one in (first, second)] == ["allowed", "allowed"]
    assert probe.pull(images.outside, first.credential).answer == "denied"
    made.withdraw(first.key)
    assert [key.id for key in made.observe().keys] == [second.key.id]
    made.remove(Identity(id="docker-reader"))
    registry = state(box).registries["demo"]
    assert (registry.tokens, "docker-reader-pull" in registry.scope_maps) == ({}, False)
    assert kinds(box, "graph.CreateApplication", "graph.UpdateApplication") == []


def test_critical_path(box: Sandbox, provider: Build) -> None:
    """If it failed, a bootstrap would need more calls, one after the other, than the service demands."""
    made = provider(image="app:v1")
    before = len(box.world.calls)
    bootstrap(made)
    changes = [kind for kind in kinds(box)[before:] if not kind.startswith("login.") and ".List" not in kind]
    assert changes == [
        "graph.GetApplication",
        "graph.UpdateApplication",
        "graph.CreateServicePrincipal",
        "arm.PutRoleAssignment",
        "graph.AddPassword",
    ]
    assert kinds(box).count("login.Token") == 2


@pytest.mark.parametrize("how", ["503", "429", "half", "drop"])
@pytest.mark.parametrize("call", ["graph.UpdateApplication", "graph.CreateServicePrincipal", "arm.PutRoleAssignment"])
def test_faults_leave_one_of_each(box: Sandbox, provider: Build, call: str, how: str) -> None:
    """If it failed, a fault in the middle would leave twins, or end the run."""
    box.world.fail_next(Fault(kind=call, how=how, headers={"Retry-After": "1"}))
    issued = bootstrap(provider())
    (application,) = applications(box)
    assert len(roles(box, application.app_id)) == 1
    assert [one.key_id for one in application.passwords] == [issued.key.id]


@pytest.mark.parametrize("how", ["503", "drop"])
def test_a_password_is_not_asked_for_twice(box: Sandbox, provider: Build, how: str) -> None:
    """If it failed, the library's own retries would leave passwords that nobody knows."""
    box.world.fail_next(Fault(kind="graph.AddPassword", how=how, headers={"Retry-After": "1"}))
    with pytest.raises(errors.OutcomeUnknown):
        bootstrap(provider())
    assert kinds(box, "graph.AddPassword") == ["graph.AddPassword"]


def test_a_password_whose_answer_was_cut_is_deleted(box: Sandbox, provider: Build) -> None:
    """If it failed, a password whose text never arrived whole would stay alive."""
    box.world.fail_next(Fault(kind="graph.AddPassword", how="half"))
    issued = bootstrap(provider())
    (application,) = applications(box)
    assert [one.key_id for one in application.passwords] == [issued.key.id]


def test_a_token_password_whose_answer_was_cut_is_deleted(box: Sandbox, provider: Build) -> None:
    """If it failed, one of two slots would be filled with a password that nobody knows."""
    box.world.fail_next(Fault(kind="arm.GenerateCredentials", how="half"))
    made = provider(method="token")
    issued = bootstrap(made)
    assert [key.id for key in made.observe().keys] == [issued.key.id]


def test_throttling_is_obeyed(box: Sandbox, provider: Build) -> None:
    """If it failed, a throttled read would be an error at once."""
    box.world.fail_next(Fault(kind="arm.ListRegistries", how="429", headers={"Retry-After": "7"}))
    made = provider()
    clock = made._principal._clock
    before = clock.monotonic()
    made.observe()
    assert clock.monotonic() - before >= 7


def test_late_everything(box: Sandbox, provider: Build) -> None:
    """If it failed, a tenant that replicates slowly could not be used."""
    box.world.settle_after(reads=3)
    issued = bootstrap(provider())
    (application,) = applications(box)
    assert [one.key_id for one in application.passwords] == [issued.key.id]
    assert len(roles(box, application.app_id)) == 1


@pytest.mark.parametrize(
    ("name", "kind", "hint"),
    [
        ("nopasswords", errors.PolicyForbids, "--method token"),
        ("shortlife", errors.PolicyForbids, "--expires-in"),
        ("norights", errors.PermissionDenied, "--method token"),
    ],
)
def test_worlds_that_refuse(box: Sandbox, provider: Build, name: str, kind: type[errors.Refused], hint: str) -> None:
    """If it failed, a policy or a lacking right would not end in a sentence with the way on."""
    with pytest.raises(kind) as raised:
        bootstrap(provider(registry=name))
    assert hint in raised.value.hint
    bootstrap(provider(registry=name, method="token"))


def test_operator_without_role_rights_makes_nothing(box: Sandbox, provider: Build) -> None:
    """If it failed, an operator who may not give roles would leave an application behind."""
    refusal = provider(registry="denied").observe().cannot_issue
    assert isinstance(refusal, errors.PermissionDenied)
    assert "Role Based Access Control Administrator" in refusal.hint


def test_what_the_documented_commands_make_is_adopted(box: Sandbox, provider: Build) -> None:
    """If it failed, taking over the documented recipe's application would end the password in use."""
    made = provider()
    made._seam.ready()
    directory = made._seam.directory
    recipe: Any = directory._ask("POST", "/applications", Any, body={"displayName": "docker-reader", "keyCredentials": []})
    password = directory._ask(
        "POST", f"/applications/{recipe['id']}/addPassword", Any, body={"passwordCredential": {"displayName": "rbac"}}
    )
    principal = directory.create_principal(recipe["appId"])
    scope = made._principal._finder.look().id
    guid = "88888888-0000-0000-0000-000000000001"
    made._seam.resources.assign(scope, guid, principal.id, condition.wanted(abac=False, repositories=()), "")
    assert made.observe().ownership is Ownership.UNMARKED
    with pytest.raises(errors.NotOurs):
        made.ensure(adopt=False)
    issued = bootstrap(provider(), adopt=True)
    (application,) = applications(box)
    assert issued.credential.username == recipe["appId"]
    assert [one.key_id for one in application.passwords] == [password["keyId"], issued.key.id]
    assert roles(box, application.app_id) == [(condition.ACR_PULL, "demo", "")]
    assert provider().observe().ownership is Ownership.OURS


def test_national_clouds(box: Sandbox, provider: Build) -> None:
    """If it failed, readers of the other clouds would be asked for in the public one."""
    made = provider(registry="demo.azurecr.us")
    assert bootstrap(made).credential.server == "demo.azurecr.us"
    hosts = {call.host for call in box.world.calls}
    assert hosts == {"login.microsoftonline.us", "management.usgovcloudapi.net", "graph.microsoft.us"}


def test_no_secret_in_any_log(box: Sandbox, provider: Build, caplog: pytest.LogCaptureFixture) -> None:
    """If it failed, a library's debug log would print a password."""
    caplog.set_level(logging.DEBUG)
    for method in ("service-principal", "token"):
        issued = bootstrap(provider(method=method))
        assert issued.credential.secret.reveal() not in caplog.text
    assert box.environment()["AZURE_CLIENT_SECRET"] not in caplog.text
    assert "Bearer ey" not in caplog.text


def test_wrong_sign_in(box: Sandbox, provider: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it failed, a wrong client secret would look like none, or show up in the message."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "quite~wrong~secret")
    with pytest.raises(errors.NotSignedIn, match="AADSTS7000215") as raised:
        provider().observe()
    assert "quite~wrong" not in str(raised.value)


def test_signed_in_nowhere(sign_in: Callable[[], SignIn], monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """If it failed, a newcomer would wait for a minute, and not learn how to go on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # the metadata address is not asked from a test
    started = time.monotonic()
    with pytest.raises(errors.NotSignedIn, match="signed in to Azure nowhere") as raised:
        sign_in().get_token_info("https://management.azure.com/.default")
    assert time.monotonic() - started < 2
    assert "az login" in raised.value.hint
    assert "sandbox azure.bootstrap" in raised.value.hint


def test_wrong_variables(sign_in: Callable[[], SignIn], monkeypatch: pytest.MonkeyPatch) -> None:
    """If it failed, a mistyped variable would end in a traceback."""
    for name, value in (("AZURE_TOKEN_CREDENTIALS", "nobody"), ("AZURE_AUTHORITY_HOST", "http://login.example")):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            with pytest.raises(errors.UsageError, match="sign-in variables are wrong"):
                sign_in().get_token_info("https://management.azure.com/.default")


def test_unreachable_sign_in(sign_in: Callable[[], SignIn], monkeypatch: pytest.MonkeyPatch) -> None:
    """If it failed, a network that is down would be told as a wrong password."""
    for name, value in {"TENANT_ID": "t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(errors.Unavailable, match="did not answer"):
        sign_in().get_token_info("https://management.azure.com/.default")
