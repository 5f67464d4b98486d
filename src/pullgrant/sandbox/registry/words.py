"""Answers and refusals in the registry's own form: opencontainers/distribution-spec spec.md, "Error Codes"."""

from __future__ import annotations

import base64
import binascii

from pullgrant.sandbox.country import Visitor
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.registry.place import Desk
from pullgrant.sandbox.serve import PRINCIPAL

API = {"docker-distribution-api-version": "registry/2.0"}


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return a refusal with one error."""
    body = {"errors": [{"code": code, "message": message, "detail": None}]}
    return Response(status=status, json=body, headers=API | (headers or {}))


def challenge(desk: Desk, *, scope: str = "", reason: str = "") -> Response:
    """Return 401 with the challenge of a desk; `reason` is `invalid_token` or `insufficient_scope`."""
    if desk.basic:
        words = f'Basic realm="{desk.realm}",service="{desk.service}"'
    else:
        words = f'Bearer realm="{desk.realm}",service="{desk.service}"'
        words += f',scope="{scope}"' if scope else ""
        words += f',error="{reason}"' if reason else ""
    return error(401, "UNAUTHORIZED", desk.words, {"www-authenticate": words})


def signed(response: Response, visitor: Visitor | None) -> Response:
    """Return the response with the caller's name for the call log."""
    return named(response, visitor.name if visitor else "anonymous")


def named(response: Response, principal: str) -> Response:
    """Return the response with a principal's name for the call log."""
    headers = dict(response.headers) | {PRINCIPAL: principal}
    return Response(status=response.status, json=response.json, body=response.body, headers=headers)


def basic(request: Request) -> tuple[str, str] | None:
    """Return user and password of a Basic header, None when there is none. Raises ValueError for a broken one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("the Authorization header is not base64") from None
    if not colon:
        raise ValueError("the Authorization header has no colon")
    return user, password


def bearer(request: Request) -> str:
    """Return the token of a Bearer header, empty when there is none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
