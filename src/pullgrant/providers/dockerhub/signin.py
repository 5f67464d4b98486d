"""The operator's sign-in at Docker Hub's management API: a password exchanged for a short-lived token."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pullgrant.errors import NotSignedIn, Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import Step, judged
from pullgrant.secret import Secret

HUB = "https://hub.docker.com"
HINT = (
    "Check --operator or --username and what --password leads to. Where SSO or two-factor sign-in is on, Docker Hub refuses "
    "passwords: a token that you make by hand there can be delivered with private.bootstrap --server docker.io"
)


class HubSignIn:
    """Implements kit.rest.SignIn; safe for threads, signs in once."""

    def __init__(self, http: Http, identifier: str, password: Reference) -> None:
        self._http, self._identifier, self._password = http, identifier, password
        self._token: Secret | None = None
        self._signing_in = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """Return the Bearer header. Raises NotSignedIn."""
        with self._signing_in:
            if self._token is None:
                self._token = self._exchange()
            return {"authorization": f"Bearer {self._token.reveal()}"}

    def secrets(self) -> tuple[Secret, ...]:
        """See kit.rest.SignIn."""
        return (self._password.secret, *((self._token,) if self._token else ()))

    def _exchange(self) -> Secret:
        body = {"identifier": self._identifier, "secret": self._password.secret.reveal()}
        step = Step(doing=f"sign {self._identifier} in at Docker Hub")
        try:
            reply = self._http.ask("POST", f"{HUB}/v2/auth/token", json=body)
        except Unavailable as error:  # signing in changes nothing: it may be repeated
            raise Unavailable(error.message, hint=error.hint) from None
        if reply.status != 200:
            raise judged(reply, step, service="Docker Hub", hint=HINT, known=(self._password.secret,))
        found = reply.json()
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            raise NotSignedIn("Docker Hub gave no token for your sign-in", hint=HINT)
        return Secret(token)
