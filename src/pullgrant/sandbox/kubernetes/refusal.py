"""The refusals of a Kubernetes API server: objects of kind Status (kubernetes/apimachinery pkg/api/errors/errors.go)."""

from __future__ import annotations

from typing import Any, TypeAlias

from pullgrant.sandbox.exchange import Response

Json: TypeAlias = dict[str, Any]

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    415: "UnsupportedMediaType",
    422: "Invalid",
}


class RefusalError(Exception):
    """Ends a call with a Status; `causes` are its details."""

    def __init__(self, status: int, message: str, *, reason: str = "", causes: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.reason, self.causes = reason or _REASONS[status], causes or []

    def response(self) -> Response:
        """Return the answer."""
        details = {"details": {"causes": self.causes}} if self.causes else {}
        document = {"message": self.message, "reason": self.reason, "code": self.status, **details}
        return Response(status=self.status, json={**_status("Failure"), **document})


def success(resource: str, found: Json) -> Json:
    """Return the Status of a deletion."""
    details = {"name": found["metadata"]["name"], "kind": resource, "uid": found["metadata"]["uid"]}
    return {**_status("Success"), "details": details}


def bad(words: str) -> RefusalError:
    """Return the refusal of a request that cannot be read."""
    return RefusalError(400, words)


def absent(resource: str, name: str) -> RefusalError:
    """Return the refusal of something that is not there."""
    return RefusalError(404, f'{resource} "{name}" not found')


def exists(resource: str, name: str) -> RefusalError:
    """Return the refusal of making what is there."""
    return RefusalError(409, f'{resource} "{name}" already exists', reason="AlreadyExists")


def stale(resource: str, name: str) -> RefusalError:
    """Return the refusal of a change to an old version."""
    words = "the object has been modified; please apply your changes to the latest version and try again"
    return RefusalError(409, f'Operation cannot be fulfilled on {resource} "{name}": {words}')


def invalid(kind: str, name: str, *problems: tuple[str, str]) -> RefusalError:
    """Return the refusal of an object that breaks a rule; `problems` are field and words."""
    causes = [{"reason": "FieldValueInvalid", "message": words, "field": field} for field, words in problems]
    told = ", ".join(f"{field}: {words}" for field, words in problems)
    return RefusalError(422, f'{kind} "{name}" is invalid: {told}', causes=causes)


def forbidden(user: str, verb: str, resource: str, namespace: str, name: str) -> RefusalError:
    """Return the refusal of a right."""
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    named = f' "{name}"' if name else ""
    return RefusalError(
        403,
        f'{resource}{named} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group ""{where}',
    )


def _status(status: str) -> Json:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status}
