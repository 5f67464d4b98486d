"""What the APIs of code forges have in common: a token of the environment, JSON over HTTPS, refusals as a sink's errors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullgrant.errors import NotSignedIn, RateLimited, Refused, SinkFailed
from pullgrant.kit.http import Http, Reply
from pullgrant.kit.redact import redact
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import Step, judged
from pullgrant.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A forge's API for a while. `header` and `prefix` carry the token, found in the first of `variables` that is set."""

    http: Http
    base: str
    service: str
    variables: tuple[str, ...]
    header: str = "authorization"
    prefix: str = "Bearer "

    def ask(
        self,
        step: Step,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        body: Any = None,
        known: tuple[Secret, ...] = (),
        bears: Sequence[int] = (),
    ) -> Reply:
        """Return an answer of success, or one with a status of `bears`.

        Raises SinkFailed for a refusal, NotSignedIn without a good token, Unavailable and its children.
        """
        token = self._token()
        headers: Mapping[str, str] = {self.header: f"{self.prefix}{token.reveal()}", "accept": "application/json"}
        reply = self.http.ask(method, f"{self.base}{path}", headers=headers, params=params, json=body)
        if reply.status < 300 or reply.status in bears:
            return reply
        if reply.status == 403 and reply.headers.get("x-ratelimit-remaining") == "0":  # GitHub's 403 that is no refusal
            raise RateLimited(f"could not {step.doing}: {self.service} counts too many calls", retry_after=reply.retry_after)
        hint = f"Set {' or '.join(self.variables)} to a token that may."
        error = judged(reply, step, service=self.service, hint=hint, known=(token, *known))
        if isinstance(error, Refused):
            raise SinkFailed(error.message, hint=error.hint)
        raise error

    def _token(self) -> Secret:
        for name in self.variables:
            if os.environ.get(name):
                return Reference(f"env:{name}").secret
        raise NotSignedIn(
            f"no token for {self.service}", hint=f"Set {' or '.join(self.variables)} to a token that may write its secrets."
        )


def said(reply: Reply, *known: Secret) -> str:
    """Return an answer's body, redacted, to look for words in."""
    return redact(reply.text, *known, limit=300)
