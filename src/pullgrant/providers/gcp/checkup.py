"""What `doctor` asks of Google Cloud: is the operator signed in, and which service accounts carry a ledger's mark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pullgrant.errors import Unavailable
from pullgrant.kit.http import Http
from pullgrant.kit.rest import Step, judged
from pullgrant.model.reader import Reader
from pullgrant.providers.gcp import default_credentials
from pullgrant.providers.gcp.signin import SignIn

ADDRESS = "https://iam.googleapis.com/"
_MARK = re.compile(r"\bpullgrant ledger=([0-9a-z-]+)", re.ASCII)
_PAGE, _MOST_PAGES = "100", 50  # iam.v1 projects.serviceAccounts.list: 100 at most


def signed_in(http: Http, readers: Sequence[Reader]) -> str:
    """Return who is signed in. Raises NotSignedIn, MissingExtra and Unavailable."""
    del readers  # the sign-in is the same for all projects
    found = default_credentials.find(http)
    SignIn(http, find=lambda _: found).headers(ADDRESS)
    return str(getattr(found, "service_account_email", "") or "signed in as a person")


def marked(http: Http, reader: Reader, *, owner: str) -> tuple[str, ...]:
    """Return the service accounts in a reader's project that carry this ledger's mark, by their addresses."""
    return tuple(
        str(account["email"])
        for account in _accounts(http, reader.account)
        if (mark := _MARK.search(str(account.get("description", "")))) and mark[1] == owner
    )


def _accounts(http: Http, project: str) -> Iterator[Mapping[str, Any]]:
    url, sign_in = f"{ADDRESS}v1/projects/{project}/serviceAccounts", SignIn(http)
    step = Step(doing=f"list the service accounts of {project}", right="roles/iam.serviceAccountViewer")
    following = ""
    for _ in range(_MOST_PAGES):
        params = [("pageSize", _PAGE), *([("pageToken", following)] if following else [])]
        reply = http.ask("GET", url, headers=sign_in.headers(url), params=params)
        if reply.status != 200:
            raise judged(reply, step, service="Google Cloud", hint=default_credentials.HINT)
        body = reply.json()
        if not isinstance(body, dict):
            raise Unavailable(f"could not {step.doing}: half an answer came")
        yield from (one for one in body.get("accounts") or () if isinstance(one, dict) and one.get("email"))
        following = str(body.get("nextPageToken") or "")
        if not following:
            return
