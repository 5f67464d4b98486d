"""Google's refusals, in the forms that its documentation and public issues show."""

from __future__ import annotations

import json
from dataclasses import replace

import grpc
import pytest
from google.api_core import exceptions
from google.rpc import error_details_pb2

from pullgrant.errors import (
    NotFound,
    NotSignedIn,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PolicyForbids,
    QuotaReached,
    RateLimited,
    Refused,
    Unavailable,
)
from pullgrant.kit.http import Reply
from pullgrant.providers.gcp.answers import (
    AlreadyThere,
    Conflict,
    ServiceDisabled,
    Step,
    classify,
    said_by_grpc,
    said_by_rest,
)

KEY = Step(
    doing="create a key", service="iam.googleapis.com", project="demo",
    permission="iam.serviceAccountKeys.create", role="roles/iam.serviceAccountKeyAdmin", changes=True,
)  # fmt: skip
READ = Step(doing="read a policy", service="cloudresourcemanager.googleapis.com", project="demo")
TOO_OLD = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service 'x'."


def rest(status, message="", code="", **more):
    body = {"error": {"code": status, "message": message, **({"status": code} if code else {}), **more}}
    return said_by_rest(Reply(status=status, headers={}, body=json.dumps(body).encode()))


def violation(kind):
    # docs.cloud.google.com/iam/docs/troubleshoot-org-policies
    return [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{"type": kind}]}]


KEYS, ACCOUNTS = "constraints/iam.disableServiceAccountKeyCreation", "constraints/iam.disableServiceAccountCreation"
MANAGED = (
    'Operation denied by org policy on resource \'x\': ["constraints/iam.managed.disableServiceAccountKeyCreation": "no"]'
)
CASES = {
    "a policy against keys": (rest(400, "no", "FAILED_PRECONDITION", details=violation(KEYS)), KEY, PolicyForbids),
    "a policy against accounts": (rest(400, "no", "FAILED_PRECONDITION", details=violation(ACCOUNTS)), READ, PolicyForbids),
    "a managed policy": (rest(400, MANAGED, "FAILED_PRECONDITION"), KEY, PolicyForbids),
    # googleapis/google-api-dotnet-client#2027
    "ten keys now": (rest(400, "Precondition check failed.", "FAILED_PRECONDITION"), KEY, QuotaReached),
    "ten keys, older REST": (rest(400, "no", errors=[{"reason": "failedPrecondition"}]), KEY, QuotaReached),
    # kubeflow/pipelines#348
    "ten keys before 2022": (
        rest(429, "Maximum number of keys on account reached.", "RESOURCE_EXHAUSTED", details=[{"retryDelay": "86401s"}]),
        KEY, QuotaReached,
    ),
    "another precondition": (rest(400, "no", "FAILED_PRECONDITION"), READ, Refused),
    # hashicorp/terraform-provider-google google/transport/error_retry_predicates.go
    "a member not seen yet": (rest(400, "Service account x does not exist.", "INVALID_ARGUMENT"), KEY, NotVisibleYet),
    "another bad request": (rest(400, "Role does not exist.", "INVALID_ARGUMENT"), KEY, Refused),
    "throttled": (rest(429, "slow down", "RESOURCE_EXHAUSTED"), READ, RateLimited),
    "throttled by 403": (rest(403, TOO_OLD, "PERMISSION_DENIED"), READ, RateLimited),
    "forbidden": (rest(403, "no", "PERMISSION_DENIED"), READ, PermissionDenied),
    "a disabled service": (
        rest(403, "not used", "PERMISSION_DENIED", details=[{"reason": "SERVICE_DISABLED"}]), READ, ServiceDisabled,
    ),
    "signed out": (rest(401, "no", "UNAUTHENTICATED"), READ, NotSignedIn),
    # pulumi/pulumi-google-native#862
    "a lost etag": (rest(409, "There were concurrent policy changes.", "ABORTED"), KEY, Conflict),
    # hashicorp/terraform-provider-google#7853
    "a lost etag of a bucket": (rest(412, "Precondition Failed", errors=[{"reason": "conditionNotMet"}]), KEY, Conflict),
    "a taken name": (rest(409, "exists", "ALREADY_EXISTS"), KEY, AlreadyThere),
    "not there": (rest(404, "no", "NOT_FOUND"), READ, NotFound),
    "down while reading": (rest(503, "no", "UNAVAILABLE"), READ, Unavailable),
    "down while changing": (rest(503, "no", "UNAVAILABLE"), KEY, OutcomeUnknown),
    "not built": (rest(501, "no", "UNIMPLEMENTED"), KEY, Refused),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_refusal_is(name):
    """A refusal would be repeated, or something that passes would be called final."""
    said, step, kind = CASES[name]
    assert type(classify(said, step)) is kind


def test_a_body_that_is_no_json():
    """A proxy's page would end in a traceback."""
    said = said_by_rest(Reply(status=502, headers={}, body=b"<html>Bad Gateway"))
    assert type(classify(said, KEY)) is OutcomeUnknown


def test_hints_name_the_way_on():
    """The user would know what is wrong and not what to type."""
    hints = {name: classify(said, step).hint for name, (said, step, _) in CASES.items()}
    assert "gcloud services enable cloudresourcemanager.googleapis.com --project demo" in hints["a disabled service"]
    assert "--credential access-token" in hints["a policy against keys"]
    assert "--credential access-token" in hints["a managed policy"]
    assert "--credential access-token" not in hints["a policy against accounts"]


def test_a_lacking_right_is_named_with_its_command():
    """The operator would have to search for the role."""
    hint = classify(rest(403, "no", "PERMISSION_DENIED"), KEY).hint
    assert "iam.serviceAccountKeys.create" in hint
    assert "gcloud projects add-iam-policy-binding demo" in hint
    assert "--role roles/iam.serviceAccountKeyAdmin" in hint


def test_the_right_to_make_tokens_is_asked_for_on_the_reader_alone():
    """The hint would have the operator take the right to act as every account of the project."""
    step = replace(KEY, account="r@demo.iam.gserviceaccount.com", role="roles/iam.serviceAccountTokenCreator")
    hint = classify(rest(403, "no", "PERMISSION_DENIED"), step).hint
    assert "gcloud iam service-accounts add-iam-policy-binding r@demo.iam.gserviceaccount.com --project demo" in hint
    assert "gcloud projects" not in hint


def test_a_missing_project_says_both():
    """The user would look for a right when the project's name is misspelt: Google answers 403 for both."""
    assert "or it does not exist" in classify(rest(403, "no", "PERMISSION_DENIED"), READ).message


def test_the_wait_that_was_asked_for():
    """A throttled call would come back too early."""
    said = rest(429, "slow", "RESOURCE_EXHAUSTED", details=[{"retryDelay": "7s"}])
    assert (classify(said, READ).retry_after, classify(rest(429, "slow"), READ).retry_after) == (7.0, 60.0)


def test_secrets_in_foreign_words():
    """A token in Google's words would reach the screen."""
    error = classify(rest(400, "bad token ya29.canary-of-mine", "INVALID_ARGUMENT"), READ)
    assert "canary" not in str(error)


def test_grpc_says_the_same():
    """The same refusal would mean two things over the two ways."""
    failure = error_details_pb2.PreconditionFailure()
    failure.violations.add(type=KEYS)
    delay = error_details_pb2.RetryInfo()
    delay.retry_delay.seconds = 86401

    def told(kind, status, *details):
        error = kind("words", details=list(details))
        error.grpc_status_code = status
        return type(classify(said_by_grpc(error), KEY))

    code = grpc.StatusCode
    assert [
        told(exceptions.FailedPrecondition, code.FAILED_PRECONDITION, failure),
        told(exceptions.FailedPrecondition, code.FAILED_PRECONDITION),
        told(exceptions.ResourceExhausted, code.RESOURCE_EXHAUSTED, delay),
        told(exceptions.AlreadyExists, code.ALREADY_EXISTS),
        told(exceptions.Aborted, code.ABORTED),
        told(exceptions.PermissionDenied, code.PERMISSION_DENIED),
        told(exceptions.NotFound, code.NOT_FOUND),
        told(exceptions.DeadlineExceeded, code.DEADLINE_EXCEEDED),
        told(exceptions.ServiceUnavailable, code.UNAVAILABLE),
    ] == [
        PolicyForbids, QuotaReached, QuotaReached, AlreadyThere, Conflict, PermissionDenied, NotFound, OutcomeUnknown,
        OutcomeUnknown,
    ]  # fmt: skip
