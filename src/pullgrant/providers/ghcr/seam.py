"""Makes the calls to GitHub's API with the reader's own token, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pullgrant.errors import NotFound
from pullgrant.kit.http import Http
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import ByToken, Rest, Step, judged
from pullgrant.providers.ghcr.scopes import Standing, standing_of
from pullgrant.providers.ghcr.settings import Settings
from pullgrant.secret import Secret

API = "https://api.github.com"
NEW_TOKEN = "https://github.com/settings/tokens/new?scopes=read:packages"  # noqa: S105 - an address
HINT = f"The token is wrong, expired or revoked. Make one: {NEW_TOKEN}"
_HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}


class Seam:
    """One token's calls."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._owner, self._http = settings.owner, http
        self._token = Reference(settings.token)
        sign_in = ByToken(self._token)
        self._rest = Rest(http, API, service="GitHub", sign_in=sign_in, sign_in_hint=HINT)

    def token(self) -> Secret:
        """Return the secret behind the reference. Errors of `kit.references`."""
        return self._token.secret

    def standing(self, token: Secret) -> Standing:
        """Return what GitHub says of a token. Raises NotSignedIn for a dead one.

        A GitHub App's or an Actions token speaks for no account and gets 403 here, with the same headers.
        """
        headers = {**_HEADERS, "authorization": f"Bearer {token.reveal()}"}
        reply = self._http.ask("GET", f"{API}/user", headers=headers)
        if reply.status not in (200, 403):
            step = Step(doing="ask GitHub whose token this is")
            raise judged(reply, step, service="GitHub", hint=HINT, known=(token,), wait=reply.retry_after)
        body = reply.json()
        login = str(body.get("login") or "") if reply.status == 200 and isinstance(body, dict) else ""
        return standing_of(reply.headers, login)

    def list_packages(self) -> Iterator[dict[str, Any]]:
        """Yield the container packages of the owner that the token sees: an organisation, else a user."""
        step = Step(doing=f"list the packages of {self._owner}", right="a token with the scope read:packages")
        params = [("package_type", "container"), ("per_page", "100")]
        for kind in ("orgs", "users"):
            try:
                found = list(self._rest.pages(step, f"/{kind}/{self._owner}/packages", params=params))
            except NotFound:
                if kind == "users":
                    raise
                continue
            yield from ({**one, "kind": kind} for one in found)
            return

    def list_versions(self, kind: str, package: str) -> Iterator[dict[str, Any]]:
        """Yield the versions of a package, newest first, each with its tags."""
        step = Step(doing=f"list the versions of {self._owner}/{package}", right="a token with the scope read:packages")
        path = f"/{kind}/{self._owner}/packages/container/{quote(package, safe='')}/versions"
        return self._rest.pages(step, path, params=[("per_page", "30")])
