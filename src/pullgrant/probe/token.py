"""Asks a token service for a token, and reads what a token grants."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pullgrant.kit.http import Http, Reply
from pullgrant.model.credential import Credential
from pullgrant.model.proof import Outcome
from pullgrant.probe.challenge import Challenge
from pullgrant.probe.realm import Doors
from pullgrant.probe.scope import REPOSITORY, Scope, kind_of
from pullgrant.probe.travel import follow, send
from pullgrant.secret import Secret

CLIENT_ID = "pullgrant"
# With these user names the secret is a refresh token: docker/cli native_store.go, and Azure/acr AAD-OAuth.md.
_REFRESH_TOKEN_USERS = frozenset({"<token>", "00000000-0000-0000-0000-000000000000"})
_SENDABLE = re.compile(r"[!-~]+", re.ASCII)


def basic(credential: Credential) -> Secret:
    """Return the value of a Basic Authorization header."""
    pair = f"{credential.username}:{credential.secret.reveal()}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")


def ask_token(
    http: Http, challenge: Challenge, scopes: tuple[Scope, ...], credential: Credential | None, doors: Doors
) -> Reply | Outcome:
    """Ask the challenge's realm for a token and return its answer, an outcome when there was none.

    The caller has checked the realm against the rules; redirects are checked here, and none leads a credential to another
    host. GET with Basic, but POST for a refresh token (distribution/distribution auth/token.md, auth/oauth.md).
    """
    if credential is not None and credential.username in _REFRESH_TOKEN_USERS:
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "client_id": CLIENT_ID,
            "scope": " ".join(map(str, scopes)),
            "refresh_token": credential.secret.reveal(),
        }
        return send(http, "POST", challenge.realm, headers={}, form=form)
    headers = {} if credential is None else {"authorization": basic(credential).reveal()}
    return follow(http, "GET", _query(challenge, scopes), headers=headers, doors=doors, leave=credential is None)


def read_token(reply: Reply) -> Secret | None:
    """Return the token of an answer, under either of its two names; None when there is none that can be sent."""
    body = reply.json()
    if not isinstance(body, dict):
        return None
    for name in ("token", "access_token"):
        text = body.get(name)
        if isinstance(text, str) and _SENDABLE.fullmatch(text):
            return Secret(text)
    return None


def granted(token: Secret, repository: str) -> frozenset[str] | None:
    """Return the actions that a token grants on a repository; None when the token does not show its rights.

    Its signature is not checked: what counts is what the token service says (distribution/distribution auth/jwt.md).
    """
    access = _claims(token.reveal()).get("access")
    if not isinstance(access, list):
        return None
    actions: set[str] = set()
    for entry in access:
        if isinstance(entry, dict) and kind_of(str(entry.get("type"))) == REPOSITORY and entry.get("name") == repository:
            listed = entry.get("actions")
            actions.update(action for action in (listed if isinstance(listed, list) else ()) if isinstance(action, str))
    return frozenset(actions)


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _query(challenge: Challenge, scopes: tuple[Scope, ...]) -> str:
    parts = urlsplit(challenge.realm)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    pairs += [("service", challenge.service)] if challenge.service else []
    pairs += [("scope", str(scope)) for scope in scopes]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(pairs, safe=":/,"), ""))
