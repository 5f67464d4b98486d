"""The protocol buffers of google.iam.admin.v1, and their JSON: field names and base64 are those of the REST form."""

from __future__ import annotations

from typing import Any

from google.cloud import iam_admin_v1
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import empty_pb2, json_format
from google.rpc import error_details_pb2, status_pb2

from pullgrant.sandbox.google.refusal import Json, Refusal

# What an Any in a google.rpc.Status may hold here; naming them registers their types.
DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.Help, error_details_pb2.PreconditionFailure)
_FORMAT: Any = json_format
_EMPTY: Any = empty_pb2


def of_method(name: str) -> tuple[Any, Any]:
    """Return the request and response message classes of a method."""
    if name.endswith("IamPolicy"):
        return getattr(iam_policy_pb2, f"{name}Request"), policy_pb2.Policy
    if name == "TestIamPermissions":
        return iam_policy_pb2.TestIamPermissionsRequest, iam_policy_pb2.TestIamPermissionsResponse
    request = getattr(iam_admin_v1, f"{name}Request").pb()
    if name.startswith(("List", "Undelete")):
        return request, getattr(iam_admin_v1, f"{name}Response").pb()
    if name.startswith(("Create", "Get", "Patch")):
        kind: Any = iam_admin_v1.ServiceAccountKey if name.endswith("Key") else iam_admin_v1.ServiceAccount
        return request, kind.pb()
    return request, _EMPTY.Empty


def to_json(message: Any) -> Json:
    """Return a message as JSON, without its empty fields."""
    return dict(_FORMAT.MessageToDict(message))


def encode(document: Json, kind: Any) -> bytes:
    """Return JSON as an encoded message. The REST form has a field more than the published messages: disableReason."""
    return bytes(_FORMAT.ParseDict(document, kind(), ignore_unknown_fields=True).SerializeToString())


def encode_status(refusal: Refusal, code: int) -> bytes:
    """Return the google.rpc.Status of a refusal; `code` is the number of its google.rpc.Code."""
    document = {"code": code, "message": refusal.message, "details": refusal.details}
    return bytes(_FORMAT.ParseDict(document, status_pb2.Status()).SerializeToString())
