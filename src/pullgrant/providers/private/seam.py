"""Makes the calls to the registry itself and decides nothing: its greeting, and its lists where it gives them."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import urlsplit

from pullgrant.errors import Unavailable
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.references import Reference
from pullgrant.providers.private.settings import Settings
from pullgrant.secret import Secret

_PARAMETER = re.compile(r'(\w+)="([^"]*)"', re.ASCII)


class Seam:
    """One user's calls to one registry."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings, self._http = settings, http
        self._password = Reference(settings.password)

    def password(self) -> Secret:
        """Return the secret behind the reference. Errors of `kit.references`."""
        return self._password.secret

    def greet(self) -> Reply:
        """Return the answer to `GET /v2/` without credentials. Raises Unavailable when there is none."""
        return self._http.ask("GET", f"{self._settings.server.url}/v2/")

    def list(self, path: str, scope: str) -> Reply | None:
        """Return the answer to a GET of a list, None where signing in for it is not ours to do.

        The probe knows every way to sign in and its dangers. Here the password goes to the registry's own host and no other.
        """
        challenge = self.greet().headers.get("www-authenticate", "")
        scheme, parameters = challenge.partition(" ")[0].lower(), dict(_PARAMETER.findall(challenge))
        if scheme == "basic":
            headers = self._basic()
        elif scheme == "bearer" and (token := self._token(parameters, scope)):
            headers = {"authorization": f"Bearer {token.reveal()}"}
        elif challenge:
            return None
        else:
            headers = {}
        return self._http.ask("GET", f"{self._settings.server.url}{path}", headers=headers)

    def _token(self, parameters: dict[str, str], scope: str) -> Secret | None:
        realm, own = urlsplit(parameters.get("realm", "")), urlsplit(self._settings.server.url)
        if (realm.scheme, realm.netloc) != (own.scheme, own.netloc):
            return None
        query = [("service", parameters.get("service", "")), ("scope", scope)]
        reply = self._http.ask("GET", realm.geturl(), params=query, headers=self._basic())
        body = reply.json()
        text = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        if reply.status != 200 or not isinstance(text, str):
            raise Unavailable(f"{realm.netloc} gave no token for {scope} (status {reply.status})")
        return Secret(text)

    def _basic(self) -> dict[str, str]:
        pair = f"{self._settings.username}:{self.password().reveal()}".encode()
        return {"authorization": f"Basic {b64encode(pair).decode()}"}
