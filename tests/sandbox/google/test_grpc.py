"""IAM over gRPC: google-cloud-iam's own client, refusals with their details, and every planned fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import iam_admin_v1

from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Call, Fault
from sandbox.google.discovery import RecordingGoogle
from sandbox.google.talk import Talk

PATH = "/google.iam.admin.v1.IAM/"
USER_MANAGED = iam_admin_v1.ListServiceAccountKeysRequest.KeyType.USER_MANAGED


@pytest.fixture
def client(talk: Talk) -> Iterator[Any]:
    """The vendor's own client."""
    with talk.grpc_client() as found:
        yield found


def create(client: Any, project: str = "demo") -> Any:
    """Make an account."""
    return client.create_service_account(name=f"projects/{project}", account_id="docker-reader", timeout=5)


def keys(client: Any, account: Any) -> list[str]:
    """Return the names of an account's keys."""
    listed = client.list_service_account_keys(name=account.name, key_types=[USER_MANAGED], timeout=5)
    return [key.name for key in listed.keys]


def test_account_and_key(talk: Talk, client: Any) -> None:
    """The vendor's client would not understand an account or a key of the fake."""
    account = create(client)
    key = client.create_service_account_key(name=account.name, timeout=5)
    assert account.email == "docker-reader@demo.iam.gserviceaccount.com"
    assert json.loads(key.private_key_data)["client_email"] == account.email
    assert key.valid_before_time.year == 9999
    assert keys(client, account) == [key.name]
    visitor = talk.google.gates()[0].sign_in("gcr.io", "_json_key", key.private_key_data.decode())
    assert visitor is not None
    client.disable_service_account_key(name=key.name, timeout=5)
    assert client.get_service_account_key(name=key.name, timeout=5).disabled
    client.enable_service_account_key(name=key.name, timeout=5)
    client.delete_service_account_key(name=key.name, timeout=5)
    assert keys(client, account) == []


def test_life_of_an_account(client: Any) -> None:
    """One of the calls on accounts would not be served over gRPC."""
    account = create(client)
    wanted = iam_admin_v1.ServiceAccount(name=account.name, display_name="new")
    request = iam_admin_v1.PatchServiceAccountRequest(service_account=wanted, update_mask={"paths": ["display_name"]})
    assert client.patch_service_account(request, timeout=5).display_name == "new"
    client.disable_service_account(iam_admin_v1.DisableServiceAccountRequest(name=account.name), timeout=5)
    assert client.get_service_account(name=account.name, timeout=5).disabled
    client.enable_service_account(iam_admin_v1.EnableServiceAccountRequest(name=account.name), timeout=5)
    assert [each.email for each in client.list_service_accounts(name="projects/demo", timeout=5)] == [account.email]
    client.delete_service_account(name=account.name, timeout=5)
    with pytest.raises(exceptions.NotFound):
        client.get_service_account(name=account.name, timeout=5)
    name = f"projects/demo/serviceAccounts/{account.unique_id}"
    back = client.undelete_service_account(iam_admin_v1.UndeleteServiceAccountRequest(name=name), timeout=5)
    assert back.restored_account.email == account.email


def test_account_policy(client: Any) -> None:
    """The policy of an account would not be served over gRPC."""
    account = create(client)
    policy = client.get_iam_policy(request={"resource": account.name}, timeout=5)
    policy.bindings.add(role="roles/iam.serviceAccountUser", members=["user:a@example.com"])
    written = client.set_iam_policy(request={"resource": account.name, "policy": policy}, timeout=5)
    assert [binding.role for binding in written.bindings] == ["roles/iam.serviceAccountUser"]
    with pytest.raises(exceptions.Aborted, match="concurrent policy changes"):
        client.set_iam_policy(request={"resource": account.name, "policy": policy}, timeout=5)
    asked = {"resource": account.name, "permissions": ["iam.serviceAccounts.get"]}
    assert client.test_iam_permissions(request=asked, timeout=5).permissions == ["iam.serviceAccounts.get"]


def test_refusals(client: Any) -> None:
    """A refusal would reach the vendor's client as another exception, or without its details."""
    create(client)
    with pytest.raises(exceptions.AlreadyExists, match="already exists within project projects/demo"):
        create(client)
    with pytest.raises(exceptions.PermissionDenied) as denied:
        create(client, "denied")
    assert denied.value.reason == "IAM_PERMISSION_DENIED"
    with pytest.raises(exceptions.NotFound):
        client.create_service_account_key(
            name="projects/demo/serviceAccounts/absent@demo.iam.gserviceaccount.com", timeout=5
        )
    account = create(client, "locked-legacy-constraint")
    with pytest.raises(exceptions.FailedPrecondition) as forbidden:
        client.create_service_account_key(name=account.name, timeout=5)
    assert forbidden.value.details[0].violations[0].type == "constraints/iam.disableServiceAccountKeyCreation"


def test_unauthenticated(talk: Talk) -> None:
    """A call with a wrong token would be answered."""
    talk.token = "wrong"
    with talk.grpc_client() as client, pytest.raises(exceptions.Unauthenticated):
        create(client)
    assert talk.google.state.projects["demo"].accounts == {}


def test_narrow_scope(talk: Talk) -> None:
    """A token of a narrow scope would manage accounts over gRPC."""
    account = talk.account("the-user")
    talk.bind("roles/owner", f"serviceAccount:{account['email']}", "/v3/projects/demo", "crm")
    talk.token = talk.access_token(account, scopes=("https://www.googleapis.com/auth/devstorage.read_only",))
    with (
        talk.grpc_client() as client,
        pytest.raises(exceptions.PermissionDenied, match="insufficient authentication scopes"),
    ):
        create(client)


def test_log(talk: Talk, client: Any) -> None:
    """A gRPC call would be missing in the log, or the log would not say who called and how it ended."""
    create(client)
    with pytest.raises(exceptions.AlreadyExists):
        create(client)
    kind, host = "iam.CreateServiceAccount", "iam.googleapis.com"
    principal = "operator@sandbox-operators.iam.gserviceaccount.com"
    path = f"{PATH}CreateServiceAccount"
    assert talk.world.calls == [
        Call(kind=kind, host=host, path=path, principal=principal, status=status) for status in (200, 409)
    ]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("400", exceptions.InvalidArgument),
        ("401", exceptions.Unauthenticated),
        ("403", exceptions.PermissionDenied),
        ("404", exceptions.NotFound),
        ("409", exceptions.Aborted),
        ("429", exceptions.ResourceExhausted),
        ("500", exceptions.InternalServerError),
        ("502", exceptions.ServiceUnavailable),
        ("503", exceptions.ServiceUnavailable),
        ("504", exceptions.DeadlineExceeded),
        ("418", exceptions.Unknown),
    ],
)
def test_planned_status(talk: Talk, client: Any, how: str, expected: type[Exception]) -> None:
    """A planned status would reach a gRPC client as something else, or its effect would happen."""
    talk.world.fail_next(Fault(kind="iam.CreateServiceAccount", how=how))
    with pytest.raises(expected):
        create(client)
    assert talk.google.state.projects["demo"].accounts == {}
    assert [call.status for call in talk.world.calls] == [int(how)]
    create(client)


def test_planned_words(talk: Talk, client: Any) -> None:
    """A planned body in Google's own form would lose its status, words or details."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com"}
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded", "details": [info]}}
    talk.world.fail_next(Fault(kind="iam.*", how="429", body=json.dumps(body)))
    with pytest.raises(exceptions.ResourceExhausted, match="Quota exceeded") as found:
        create(client)
    assert found.value.reason == "RATE_LIMIT_EXCEEDED"


def test_timeout_after_the_effect(talk: Talk, client: Any) -> None:
    """A time-out would have no effect, or the answer would come after all."""
    account = create(client)
    talk.world.fail_next(Fault(kind="iam.CreateServiceAccountKey", how="timeout"))
    with pytest.raises(exceptions.DeadlineExceeded):
        client.create_service_account_key(name=account.name, timeout=0.3)
    assert len(keys(client, account)) == 1


def test_dropped_connection(talk: Talk, client: Any) -> None:
    """A dropped connection would have an effect, or be answered."""
    account = create(client)
    talk.world.fail_next(Fault(kind="iam.CreateServiceAccountKey", how="drop"))
    with pytest.raises(exceptions.ServiceUnavailable):
        client.create_service_account_key(name=account.name, timeout=5)
    assert keys(client, account) == []


def test_broken_body(talk: Talk, client: Any) -> None:
    """Half of an answer would be read as a whole one."""
    account = create(client)
    talk.world.fail_next(Fault(kind="iam.CreateServiceAccountKey", how="half"))
    with pytest.raises(exceptions.InternalServerError):
        client.create_service_account_key(name=account.name, timeout=5)
    assert len(keys(client, account)) == 1


def test_broken_empty_body(talk: Talk, client: Any) -> None:
    """A broken answer that holds nothing would be read as a whole one."""
    account = create(client)
    talk.world.fail_next(Fault(kind="iam.DisableServiceAccount", how="half"))
    with pytest.raises(exceptions.InternalServerError):
        client.disable_service_account(iam_admin_v1.DisableServiceAccountRequest(name=account.name), timeout=5)


def test_unknown_method(talk: Talk) -> None:
    """A method that the fake does not have would be answered by another."""
    with talk.grpc_client() as client, pytest.raises(exceptions.MethodNotImplemented):
        client.list_roles(request={"parent": "projects/demo"}, timeout=5)


@pytest.mark.parametrize(("how", "made"), [("kill-before", 0), ("kill-after", 1)])
def test_killed_client(talk: Talk, how: str, made: int) -> None:
    """A process that shall die at a call would live, or the effect would be on the wrong side of its death."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as victim:
        talk.world.fail_next(Fault(kind="iam.CreateServiceAccount", how=how, pid=victim.pid))
        with talk.grpc_client() as client, pytest.raises(exceptions.ServiceUnavailable):
            create(client)
        assert victim.wait(5) == -9
    assert len(talk.google.state.projects["demo"].accounts) == made


PROGRAM = """
import google.auth
from google.cloud import iam_admin_v1
credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
client = iam_admin_v1.IAMClient(credentials=credentials)
account = client.create_service_account(name="projects/demo", account_id="docker-reader", timeout=10)
print(len(client.create_service_account_key(name=account.name, timeout=10).private_key_data) > 2000)
"""


def test_through_the_proxy() -> None:
    """A program that only got the sandbox's variables would not reach IAM by its real name, or would not trust it."""
    with Sandbox(factories={"google": RecordingGoogle}) as sandbox:
        environment = {**os.environ, **sandbox.environment()}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
        kinds = [call.kind for call in sandbox.world.calls if call.kind.startswith("iam.")]
    assert (done.stdout, done.returncode) == ("True\n", 0)
    assert kinds == ["iam.CreateServiceAccount", "iam.CreateServiceAccountKey"]


def test_closing_ends_calls(talk: Talk) -> None:
    """A sandbox that stops would leave a server behind."""
    port = talk.google.tunnels()["iam.googleapis.com"]
    talk.google.close()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)])
    with channel, pytest.raises(grpc.FutureTimeoutError):
        grpc.channel_ready_future(channel).result(timeout=0.2)
