"""iamcredentials.googleapis.com v1: access tokens of a service account. Source: discovery document iamcredentials.v1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from pullgrant.sandbox.exchange import Request, Route, route
from pullgrant.sandbox.google.account_keys import moment
from pullgrant.sandbox.google.callers import Caller
from pullgrant.sandbox.google.desk import Desk, body_of, need_service
from pullgrant.sandbox.google.refusal import Json, denied, invalid, not_found

SERVICE = "iamcredentials.googleapis.com"
_HOST = r"iamcredentials\.googleapis\.com"
_ACCOUNT = r"/v1/projects/(?P<project>[^/:]+)/serviceAccounts/(?P<account>[^/:]+)"
_PERMISSION = "iam.serviceAccounts.getAccessToken"
_LONGEST = timedelta(hours=1)
_DURATION = re.compile(r"([0-9]{1,6})(?:\.[0-9]+)?s", re.ASCII)


class IamCredentials:
    """The service."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        generate, locations = self._desk.endpoint(self.generate), self._desk.endpoint(self.locations)
        return [
            route("iamcredentials.generateAccessToken", "POST", _HOST, _ACCOUNT + ":generateAccessToken", generate),
            route("iamcredentials.getAllowedLocations", "GET", _HOST, _ACCOUNT + "/allowedLocations", locations),
        ]

    def generate(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Give out an access token of an account to a caller who may have it."""
        if match["project"] != "-":
            raise invalid("Invalid resource name: the project must be the wildcard -.")
        account = self._desk.state.account(match["account"])
        if account is None or not self._desk.world.settled(f"google/account/{account.unique_id}"):
            raise not_found(f"Not found; Gaia id not found for email {match['account']}")
        project = self._desk.state.projects[account.project]
        need_service(project, SERVICE, "IAM Service Account Credentials API")
        self._desk.demand(caller, _PERMISSION, [account.policy, project.policy], denied(_PERMISSION))
        body = body_of(request, ("scope", "lifetime", "delegates"))
        scopes = body.get("scope")
        if not isinstance(scopes, list) or not scopes or not all(str(each).startswith("https://") for each in scopes):
            raise invalid("Request must have at least one valid OAuth scope.")
        if account.disabled:
            raise not_found(f"Not found; Gaia id not found for email {match['account']}")
        life = _lifetime(body.get("lifetime", "3600s"))
        token = self._desk.callers.mint(account.member, account.unique_id, frozenset(scopes), life)
        return {"accessToken": token, "expireTime": moment(self._desk.world.now() + life)}

    def locations(self, caller: Caller, request: Request, match: re.Match[str]) -> Json:
        """Return where an account may be used from: everywhere. google-auth asks this beside other calls."""
        if self._desk.state.account(match["account"]) is None:
            raise not_found()
        return {"locations": [], "encodedLocations": "0x0"}


def _lifetime(text: object) -> timedelta:
    found = _DURATION.fullmatch(str(text))
    life = timedelta(seconds=int(found[1])) if found else timedelta()
    if not timedelta() < life <= _LONGEST:
        raise invalid("The access token lifetime must be above 0 and no more than 3600 seconds.")
    return life
