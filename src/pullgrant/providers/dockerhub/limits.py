"""How many pulls Docker Hub still allows, read without spending one.

docker/docs content/manuals/docker-hub/usage/pulls.md: HEAD does not count, GET does. Numbers are read, never assumed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

from pullgrant.errors import NotSignedIn, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.rest import said
from pullgrant.secret import Secret

_REPOSITORY = "ratelimitpreview/test"
_TOKENS = "https://auth.docker.io/token"
_MANIFEST = f"https://registry-1.docker.io/v2/{_REPOSITORY}/manifests/latest"
_LIMIT = re.compile(r"(\d+)(?:;w=(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The allowance of one caller: `most` pulls in `window`, of which `left` are left; all None when there is no limit.

    `source` is what Docker Hub counts by: an address, or an account's id. `spent`: the limit is reached now.
    """

    most: int | None = None
    left: int | None = None
    window: timedelta | None = None
    source: str = ""
    spent: bool = False


def read(http: Http, *, username: str = "", password: Secret | None = None) -> Limits:
    """Return the allowance of a user, or of this address without one. Raises NotSignedIn and Unavailable."""
    headers = {}
    if password is not None:
        pair = b64encode(f"{username}:{password.reveal()}".encode()).decode()
        headers = {"authorization": f"Basic {pair}"}
    query = [("service", "registry.docker.io"), ("scope", f"repository:{_REPOSITORY}:pull")]
    known = (password,) if password is not None else ()
    reply = http.ask("GET", _TOKENS, params=query, headers=headers)
    if reply.status in (401, 403):
        raise NotSignedIn(f"Docker Hub refuses {username}: {said(reply, *known)}", hint="Check --username and --password.")
    found = reply.json()
    token = found.get("token") if isinstance(found, dict) else None
    if reply.status != 200 or not isinstance(token, str):
        raise Unavailable(f"Docker Hub gave no token: {said(reply, *known)}", hint="Run the same command again in a while.")
    answer = http.ask("HEAD", _MANIFEST, headers={"authorization": f"Bearer {token}"})
    if answer.status not in (200, 429):
        raise Unavailable(f"Docker Hub did not tell the allowance: status {answer.status}")
    most, window = _read(answer.headers.get("ratelimit-limit", ""))
    left, _ = _read(answer.headers.get("ratelimit-remaining", ""))
    source = answer.headers.get("docker-ratelimit-source", "")
    return Limits(most=most, left=left, window=window, source=source, spent=answer.status == 429 or left == 0)


def _read(text: str) -> tuple[int | None, timedelta | None]:
    """Return number and window of `100;w=21600`."""
    found = _LIMIT.fullmatch(text.replace(" ", ""))
    if not found:
        return None, None
    return int(found[1]), timedelta(seconds=int(found[2])) if found[2] else None
