"""Makes the calls to Docker Hub's API and decides nothing: docker/docs content/reference/api/hub/latest.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pullgrant.kit.http import Http, Reply
from pullgrant.kit.references import Reference
from pullgrant.kit.rest import Rest, Step
from pullgrant.providers.dockerhub.settings import Settings
from pullgrant.providers.dockerhub.signin import HINT, HUB, HubSignIn

_MOST_PAGES = 20
_OWNER = "to be an owner of the organisation, signed in by password: a personal access token may not manage its tokens"


class Seam:
    """One operator's calls. The tokens are those of the organisation or of the operator, as the settings say."""

    def __init__(self, settings: Settings, http: Http, now: Callable[[], datetime]) -> None:
        self._personal = settings.kind == "personal"
        self._who = settings.account
        self._tokens = "/v2/access-tokens" if self._personal else f"/v2/orgs/{settings.account}/access-tokens"
        self._right = "to be the account itself" if self._personal else _OWNER
        sign_in = HubSignIn(http, settings.operator, Reference(settings.password))
        self._rest = Rest(
            http, HUB, service="Docker Hub", sign_in=sign_in, sign_in_hint=HINT, wait_of=lambda reply: wait_of(reply, now())
        )

    def list_tokens(self) -> Iterator[dict[str, Any]]:
        """Yield all tokens without their secrets; those of an organisation without their resources too."""
        step = Step(doing=f"list the access tokens of {self._who}", right=self._right)
        return self._pages(step, self._tokens)

    def get_token(self, token: str) -> dict[str, Any]:
        """Return one token without its secret."""
        step = Step(doing=f"look at the access token {token} of {self._who}", right=self._right)
        return self._rest.ask(step, "GET", f"{self._tokens}/{token}")

    def create_token(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the new token, in this answer alone with its secret."""
        step = Step(doing=f"create an access token of {self._who}", right=self._right, changes=True)
        return self._rest.ask(step, "POST", self._tokens, body=body)

    def change_token(self, token: str, body: Mapping[str, Any]) -> None:
        """Write fields of a token."""
        step = Step(doing=f"narrow the access token {token} of {self._who}", right=self._right, changes=True)
        self._rest.call(step, "PATCH", f"{self._tokens}/{token}", body=body)

    def delete_token(self, token: str) -> None:
        """Delete a token; it is refused from then on."""
        step = Step(doing=f"delete the access token {token} of {self._who}", right=self._right, changes=True)
        self._rest.call(step, "DELETE", f"{self._tokens}/{token}")

    def list_repositories(self) -> Sequence[dict[str, Any]]:
        """Return the first repositories of the account that the operator sees."""
        step = Step(doing=f"list the repositories of {self._who}")
        return self._first(step, f"/v2/namespaces/{self._who}/repositories", 50)

    def list_tags(self, repository: str) -> Sequence[dict[str, Any]]:
        """Return the newest tag of a repository, given with its account."""
        account, _, name = repository.partition("/")
        step = Step(doing=f"list the tags of {repository}")
        return self._first(step, f"/v2/namespaces/{account}/repositories/{name}/tags", 1)

    def _first(self, step: Step, path: str, size: int) -> list[dict[str, Any]]:
        found = self._rest.ask(step, "GET", path, params=[("page_size", str(size))]).get("results")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def _pages(self, step: Step, path: str) -> Iterator[dict[str, Any]]:
        for number in range(1, _MOST_PAGES + 1):
            page = self._rest.ask(step, "GET", path, params=[("page", str(number)), ("page_size", "100")])
            yield from (one for one in page.get("results") or () if isinstance(one, dict))
            if not page.get("next"):
                return


def wait_of(reply: Reply, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, or until the moment that X-Retry-After names as seconds since 1970."""
    moment = reply.headers.get("x-retry-after", "")
    if moment.isascii() and moment.isdigit():
        return max(1.0, int(moment) - now.timestamp())
    return reply.retry_after
