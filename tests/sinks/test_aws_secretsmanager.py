"""The sink aws-secretsmanager against the sandbox's AWS, whose secrets moto keeps."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import boto3
import pytest

from pullgrant.errors import NotOurs, NotSignedIn, SinkFailed, Unavailable, UsageError
from pullgrant.sandbox.aws import Aws
from pullgrant.sandbox.run import Sandbox
from pullgrant.sandbox.world import Fault
from pullgrant.sinks.aws_secretsmanager import AwsSecretsManager
from pullgrant.sinks.aws_secretsmanager_place import AwsPlace
from pullgrant.testing.sink_contract import SinkContract, make_credential
from sinks.store_house import HOST, entry, standing_in, with_foreign

NAME = "team/pull"
CHANGES = ("CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret", "RestoreSecret")


@pytest.fixture(scope="module")
def house():
    with Sandbox(factories={"aws": Aws}) as sandbox:
        yield sandbox


@pytest.fixture
def client(house):
    """Secrets Manager as anybody else uses it."""
    with standing_in(house, "aws"):
        made = boto3.Session().client("secretsmanager", region_name="us-east-1")
        yield made
        made.close()


@pytest.fixture
def sink(client):
    return AwsSecretsManager()


@pytest.fixture
def slot(client):
    return AwsSecretsManager.slot(f"{NAME},region=us-east-1", server=HOST)


@pytest.fixture
def stored(client):
    """The current value, None when there is none."""

    def look(stage="AWSCURRENT"):
        try:
            return client.get_secret_value(SecretId=NAME, VersionStage=stage)["SecretString"]
        except client.exceptions.ClientError:
            return None

    return look


class TestContract(SinkContract):
    @pytest.fixture
    def sink(self, client):
        return AwsSecretsManager()

    @pytest.fixture
    def slot(self, client):
        return AwsSecretsManager.slot(f"{NAME},region=us-east-1", server=HOST)

    @pytest.fixture
    def read_back(self, stored):
        return lambda slot: entry(stored(), slot.server)

    @pytest.fixture
    def put_foreign(self, client, stored):
        def foreign(slot):
            client.create_secret(Name=NAME, SecretString=with_foreign(stored(), slot.server))
            return make_credential(slot.server, "foreign-secret", "somebody")

        return foreign

    @pytest.fixture
    def vanish(self, client):
        return lambda slot: client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)

    @pytest.fixture
    def refuse_writes(self, house, stored):
        @contextlib.contextmanager
        def refuse(slot):
            _, secret = entry(stored(), slot.server)
            body = json.dumps({"__type": "AccessDeniedException", "Message": f"not authorized to write {secret}"})
            for operation in CHANGES:
                house.world.fail_next(Fault(kind=f"secretsmanager.{operation}", how="400", times=99, body=body))
            try:
                yield
            finally:
                house.world.reset()

        return refuse


def test_the_previous_version_is_kept(sink, slot, stored):
    """A consumer that still reads the version before would find nothing."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert entry(stored("AWSPREVIOUS"), HOST) == ("reader", "first-secret")


def test_no_label_stays_behind(client, sink, slot):
    """After twenty deliveries AWS would refuse more labels."""
    for turn in ("first-secret", "second-secret", "third-secret"):
        sink.deliver(slot, make_credential(HOST, turn))
    stages = client.describe_secret(SecretId=NAME)["VersionIdsToStages"]
    assert sorted(label for labels in stages.values() for label in labels) == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_change_in_between_is_not_overwritten(client, sink, slot, stored, monkeypatch):
    """An entry that somebody wrote between our read and our write would be lost."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    read, intruders = AwsPlace.read, ["a.example", "b.example"]

    def read_then_intrude(place):
        found = read(place)
        if intruders:
            client.put_secret_value(SecretId=NAME, SecretString=with_foreign(stored(), intruders.pop()))
        return found

    monkeypatch.setattr(AwsPlace, "read", read_then_intrude)
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert sorted(json.loads(stored())["auths"]) == ["a.example", "b.example", HOST]
    assert entry(stored(), HOST) == ("reader", "second-secret")


def test_what_we_make_is_tagged_and_goes(client, sink, slot):
    """A secret would be paid for for ever, or the next registry could not be added to ours."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert client.describe_secret(SecretId=NAME)["Tags"] == [{"Key": "managed-by", "Value": "pullgrant"}]
    sink.preflight(dataclasses.replace(slot, server="other.example"), ours=False, adopt=False)
    sink.withdraw(slot)
    assert "DeletedDate" in client.describe_secret(SecretId=NAME)


def test_ours_is_brought_back(client, sink, slot, stored):
    """For seven days after a revocation the same name could not be delivered to."""
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    sink.deliver(slot, make_credential(HOST, "second-secret"))
    assert entry(stored(), HOST) == ("reader", "second-secret")


def test_a_deleted_foreign_secret_is_left_alone(client, sink, slot):
    """What its owner deletes would come back."""
    client.create_secret(Name=NAME, SecretString="theirs")
    client.delete_secret(SecretId=NAME)
    with pytest.raises(SinkFailed, match="scheduled for deletion"):
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert "DeletedDate" in client.describe_secret(SecretId=NAME)


def test_a_foreign_secret_is_not_deleted(client, sink, slot, stored):
    """An adopted secret would go with our entry."""
    client.create_secret(Name=NAME, SecretString=with_foreign(None, HOST))
    sink.deliver(slot, make_credential(HOST, "first-secret"))
    sink.withdraw(slot)
    assert stored() == '{"auths":{}}'


def test_an_untagged_document_is_foreign(client, sink, slot):
    """An entry would be added to somebody's own document without a word from the user."""
    client.create_secret(Name=NAME, SecretString=with_foreign(None, "other.example"))
    with pytest.raises(NotOurs, match="was not made by pullgrant"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_value_of_another_kind_is_left_alone(client, sink, slot, stored):
    """A password under the same name would be replaced, or be shown."""
    client.create_secret(Name=NAME, SecretString="hunter2")
    with pytest.raises(UsageError) as caught:
        sink.deliver(slot, make_credential(HOST, "first-secret"))
    assert stored() == "hunter2"
    assert "hunter2" not in str(caught.value)


def test_a_missing_right_is_named(sink, slot, monkeypatch):
    """The user would not know which right to ask for."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SinkFailed) as caught:
        sink.preflight(slot, ours=False, adopt=False)
    assert caught.value.hint == "You need secretsmanager:DescribeSecret on it."


def test_a_wrong_key_is_no_missing_right(sink, slot, monkeypatch):
    """The user would look for a policy where the sign-in is wrong."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(NotSignedIn):
        sink.preflight(slot, ours=False, adopt=False)


def test_throttled(house, sink, slot):
    """A pause would be called a refusal."""
    body = json.dumps({"__type": "ThrottlingException", "Message": "Rate exceeded"})
    house.world.fail_next(Fault(kind="secretsmanager.DescribeSecret", how="400", body=body))
    with pytest.raises(Unavailable, match="Rate exceeded"):
        sink.preflight(slot, ours=False, adopt=False)


def test_a_slot_keeps_its_region(client, monkeypatch):
    """A later run with another AWS_REGION would write into another region."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    slot = AwsSecretsManager.slot(NAME, server=HOST)
    assert slot.target == f"{NAME},region=eu-west-1"
    assert AwsSecretsManager.slot(slot.target, server=HOST) == slot


def test_an_arn_has_its_region(client, monkeypatch):
    """A secret given by ARN would be looked for in the region of the day."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{NAME}-AbCdEf"
    assert AwsSecretsManager.slot(arn, server=HOST).target == arn
    with pytest.raises(SinkFailed, match="there is no secret"):
        AwsSecretsManager().deliver(AwsSecretsManager.slot(arn, server=HOST), make_credential(HOST, "x-secret"))


@pytest.mark.parametrize("target", ["", "a b", "a,region=", "a,profile=x", "a,region=moon"])
def test_a_target_that_is_none(client, target):
    """A typing error would end as a secret in a strange place."""
    with pytest.raises(UsageError):
        AwsSecretsManager.slot(target, server=HOST)
