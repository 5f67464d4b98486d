"""The seam to the registry's own API, as the operator: what lies on its shelves. It decides nothing.

Sources: Azure/acr docs/AAD-OAuth.md; Azure/acr-cli, which asks for the same scopes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from pullgrant.errors import NotFound, PermissionDenied, Unavailable
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret

AUDIENCE = "https://containerregistry.azure.net/.default"


class DataPlane:
    """The repositories and tags of one registry, `host` its login server.

    Errors of all methods: PermissionDenied when the registry refuses, NotFound, Unavailable.
    """

    def __init__(self, http: Http, credential: Any) -> None:
        self._http, self._credential = http, credential

    def enter(self, host: str) -> Secret:
        """Return a refresh token of the registry for the operator."""
        signed_in = self._credential.get_token_info(AUDIENCE).token
        form = {"grant_type": "access_token", "service": host, "access_token": signed_in}
        if tenant := _tenant(signed_in):
            form["tenant"] = tenant
        return self._token(host, "exchange", form, "refresh_token")

    def pass_for(self, host: str, entered: Secret, scopes: Sequence[str]) -> Secret:
        """Return an access token for these scopes; it may grant less than was asked."""
        form = {"grant_type": "refresh_token", "service": host, "scope": " ".join(scopes), "refresh_token": entered.reveal()}
        return self._token(host, "token", form, "access_token")

    def repositories(self, host: str, shown: Secret, *, most: int) -> tuple[str, ...]:
        """Return the first repositories by name."""
        body = self._listed(f"https://{host}/v2/_catalog?n={most}", shown)
        return _names(body, "repositories")

    def tags(self, host: str, shown: Secret, repository: str, *, most: int) -> tuple[str, ...]:
        """Return tags of a repository."""
        return _names(self._listed(f"https://{host}/v2/{repository}/tags/list?n={most}", shown), "tags")

    def _token(self, host: str, what: str, form: dict[str, str], name: str) -> Secret:
        reply = self._http.ask("POST", f"https://{host}/oauth2/{what}", form=form)
        body = reply.json()
        found = body.get(name) if isinstance(body, dict) else None
        if reply.status != 200 or not isinstance(found, str) or not found:
            raise _refusal(reply, f"{host} let you list nothing", Secret(form.get("access_token", "-")))
        return Secret(found)

    def _listed(self, url: str, shown: Secret) -> Any:
        reply = self._http.ask("GET", url, headers={"Authorization": f"Bearer {shown.reveal()}"})
        if reply.status != 200:
            raise _refusal(reply, "the registry let you list nothing")
        return reply.json()


def _refusal(reply: Reply, words: str, *known: Secret) -> Exception:
    words = f"{words} ({reply.status}: {redact(reply.text, *known, limit=160)})"
    if reply.status in (400, 401, 403):
        return PermissionDenied(words)
    return NotFound(words) if reply.status == 404 else Unavailable(words)


def _names(body: Any, name: str) -> tuple[str, ...]:
    found = body.get(name) if isinstance(body, dict) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _tenant(token: str) -> str:
    """Return the tenant in an Entra token, empty for one that cannot be read. It is not trusted, only handed on."""
    middle = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        return ""
    return str(claims.get("tid") or "") if isinstance(claims, dict) else ""
