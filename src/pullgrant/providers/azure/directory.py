"""The seam to Microsoft Graph, plain REST: applications, service principals, passwords. It decides nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pullgrant.providers.azure.answers import GRAPH_RIGHT, Step, classify, said, translated
from pullgrant.providers.azure.found import Application, NewPassword, Password, Principal
from pullgrant.providers.azure.pipe import pipeline
from pullgrant.secret import Secret

_APPLICATION = "id,appId,displayName,uniqueName,tags,passwordCredentials"
_PRINCIPAL = "id,appId,displayName,accountEnabled,passwordCredentials"
_ABSENT = 404
T = TypeVar("T")


class Directory:
    """Microsoft Graph v1.0 as the operator. Errors of all methods are those of `answers.classify`.

    What it opens is added to `opened`, for its owner to close.
    """

    def __init__(self, credential: Any, graph: str, opened: list[Any]) -> None:
        self._credential, self._graph, self._opened = credential, graph, opened
        self._client: Any = None
        self._making = threading.Lock()

    def application(self, unique_name: str) -> Application | None:
        """Return the application of this unique name."""
        step = _reading(f"look for the application {unique_name}")
        path = f"/applications(uniqueName='{quote(unique_name, safe='')}')?$select={_APPLICATION}"
        return self._one(path, step, _application)

    def applications(self, name: str) -> tuple[Application, ...]:
        """Return all applications of this display name."""
        step = _reading(f"look for applications called {name}")
        body = self._ask("GET", f"/applications?$filter={_named(name)}&$select={_APPLICATION}", step)
        return tuple(_application(one) for one in body.get("value") or ())

    def principal(self, app_id: str) -> Principal | None:
        """Return the service principal of an application."""
        step = _reading(f"look for the service principal of {app_id}")
        return self._one(f"/servicePrincipals(appId='{app_id}')?$select={_PRINCIPAL}", step, _principal)

    def principals(self, name: str) -> tuple[Principal, ...]:
        """Return all service principals of this display name."""
        step = _reading(f"look for service principals called {name}")
        body = self._ask("GET", f"/servicePrincipals?$filter={_named(name)}&$select={_PRINCIPAL}", step)
        return tuple(_principal(one) for one in body.get("value") or ())

    def create_application(self, unique_name: str, body: Mapping[str, Any]) -> Application | None:
        """Create the application of this unique name; return None when it was there and got the same properties again."""
        step = Step(doing=f"create the application {body.get('displayName')}", right=GRAPH_RIGHT, changes=True)
        path = f"/applications(uniqueName='{quote(unique_name, safe='')}')"
        made = self._ask("PATCH", path, step, body=body, headers={"Prefer": "create-if-missing"})
        return _whole(_application, made, step) if made else None

    def change_application(self, application: Application, body: Mapping[str, Any]) -> None:
        """Change properties of an application."""
        step = Step(doing=f"change the application {application.name}", right=GRAPH_RIGHT, changes=True)
        self._ask("PATCH", f"/applications/{application.id}", step, body=body)

    def create_principal(self, app_id: str) -> Principal:
        """Create the service principal of an application."""
        step = Step(doing=f"create the service principal of {app_id}", right=GRAPH_RIGHT, changes=True, young=True)
        made = self._ask("POST", "/servicePrincipals", step, body={"appId": app_id, "accountEnabled": True})
        return _whole(_principal, made, step)

    def disable_principal(self, principal: Principal) -> bool:
        """Stop a service principal from signing in; return False when it is not there."""
        step = Step(doing=f"disable the service principal of {principal.app_id}", right=GRAPH_RIGHT, changes=True)
        return self._there("PATCH", f"/servicePrincipals/{principal.id}", step, body={"accountEnabled": False})

    def add_password(self, application: Application, *, note: str, expires_at: datetime) -> NewPassword:
        """Make a password beside those that the application has; `note` becomes its display name."""
        step = Step(doing=f"make a password for {application.name}", right=GRAPH_RIGHT, changes=True, young=True)
        asked = {
            "passwordCredential": {"displayName": note, "endDateTime": f"{expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        }
        made = self._ask("POST", f"/applications/{application.id}/addPassword", step, body=asked)
        if not made.get("keyId") or not made.get("secretText"):
            raise classify(said(200, b"", {}), step)
        return NewPassword(id=made["keyId"], secret=Secret(made["secretText"]), expires_at=_time(made.get("endDateTime")))

    def remove_password(self, application_id: str, key_id: str) -> bool:
        """Delete one password; return False when the application or the password is not there."""
        step = Step(doing=f"delete the password {key_id}", right=GRAPH_RIGHT, changes=True)
        return self._there("POST", f"/applications/{application_id}/removePassword", step, body={"keyId": key_id})

    def delete_application(self, application: Application) -> bool:
        """Delete an application and, with it, its service principal; return False when it is not there."""
        step = Step(doing=f"delete the application {application.name}", right=GRAPH_RIGHT, changes=True)
        return self._there("DELETE", f"/applications/{application.id}", step)

    def _one(self, path: str, step: Step, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        answer = self._send("GET", path, step)
        return None if answer.status_code == _ABSENT else _whole(read, _body(answer, step), step)

    def _there(self, method: str, path: str, step: Step, *, body: Mapping[str, Any] | None = None) -> bool:
        answer = self._send(method, path, step, body=body)
        # hashicorp/vault-plugin-secrets-azure client.go: Graph gives a text alone for a password that is gone.
        gone = answer.status_code == 400 and b"No password credential found with keyId" in answer.content
        if answer.status_code == _ABSENT or gone:
            return False
        _body(answer, step)
        return True

    def _ask(
        self,
        method: str,
        path: str,
        step: Step,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return _body(self._send(method, path, step, body=body, headers=headers), step)

    def _send(
        self,
        method: str,
        path: str,
        step: Step,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, f"{self._graph}/v1.0{path}", json=body, headers=dict(headers or {}))
        with translated(step):
            return self._open().send_request(request)

    def _open(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = pipeline(self._credential, self._graph, f"{self._graph}/.default")
                self._opened.append(self._client)
            return self._client


def _reading(doing: str) -> Step:
    return Step(doing=doing, right=GRAPH_RIGHT)


def _named(name: str) -> str:
    return quote(f"displayName eq '{name}'", safe="")


def _body(answer: Any, step: Step) -> dict[str, Any]:
    """Return the object in a good answer, {} for one without a body. Raises the error that a refusal is."""
    if answer.status_code >= 300:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        raise classify(said(answer.status_code, answer.content, headers), step)
    if not answer.content:
        return {}
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise classify(said(answer.status_code, b"", {}), step)
    return found


def _whole(read: Callable[[Mapping[str, Any]], T], found: Mapping[str, Any], step: Step) -> T:
    try:
        return read(found)
    except KeyError:  # an object without an id: half an answer
        raise classify(said(200, b"", {}), step) from None


def _application(found: Mapping[str, Any]) -> Application:
    return Application(
        id=str(found["id"]),
        app_id=str(found["appId"]),
        name=str(found.get("displayName") or ""),
        unique_name=str(found.get("uniqueName") or ""),
        tags=tuple(found.get("tags") or ()),
        passwords=_passwords(found),
    )


def _principal(found: Mapping[str, Any]) -> Principal:
    return Principal(
        id=str(found["id"]),
        app_id=str(found["appId"]),
        enabled=found.get("accountEnabled") is not False,
        passwords=_passwords(found),
    )


def _passwords(found: Mapping[str, Any]) -> tuple[Password, ...]:
    return tuple(
        Password(
            id=str(one.get("keyId") or ""),
            note=str(one.get("displayName") or ""),
            starts_at=_time(one.get("startDateTime")),
            expires_at=_time(one.get("endDateTime")),
        )
        for one in found.get("passwordCredentials") or ()
    )


def _time(text: Any) -> datetime | None:
    """Graph writes seven digits of a second; Python reads them, and keeps six."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
