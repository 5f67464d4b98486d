"""Microsoft Graph: addPassword and removePassword of applications and service principals, under the tenant's policies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pullgrant.sandbox.azure.basics import Json, digest_of, new_client_secret, new_id
from pullgrant.sandbox.azure.desk import Caller, Desk, body_of
from pullgrant.sandbox.azure.graph_shapes import password_json
from pullgrant.sandbox.azure.odata import key_of, key_pattern
from pullgrant.sandbox.azure.refusal import graph, graph_bad, graph_denied, graph_missing
from pullgrant.sandbox.azure.state import Application, Password, Principal
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.world import World

_DEFAULT_LIFE = timedelta(days=730)
_KNOWN = frozenset({"customKeyIdentifier", "displayName", "endDateTime", "hint", "keyId", "secretText", "startDateTime"})


class Passwords:
    """The two actions on credentials, and the making of one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        desk, host = self._desk, re.escape(self._desk.cloud.graph)
        application, principal = (
            key_pattern("applications", "appId", "uniqueName"),
            key_pattern("servicePrincipals", "appId"),
        )
        add, remove = desk.graph(self.add), desk.graph(self.remove)
        return [
            route("graph.AddPassword", "POST", host, f"{application}/addPassword", add),
            route("graph.RemovePassword", "POST", host, f"{application}/removePassword", remove),
            route("graph.AddPrincipalPassword", "POST", host, f"{principal}/addPassword", add),
            route("graph.RemovePrincipalPassword", "POST", host, f"{principal}/removePassword", remove),
        ]

    def add(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Make a password beside the others and return it with its text, which nobody sees again."""
        holder = self._holder(caller, match, "password")
        document = body_of(request).get("passwordCredential") or {}
        password, secret = self.make(document, self._words(holder))
        if len(holder.passwords) >= self._desk.state.most_passwords:
            raise too_many()
        holder.passwords.append(password)
        context = f"https://{self._desk.cloud.graph}/v1.0/$metadata#microsoft.graph.passwordCredential"
        return Response(json={"@odata.context": context} | password_json(password, secret=secret))

    def remove(self, caller: Caller, request: Request, match: re.Match[str]) -> Response:
        """Take a password away; what was signed in with it lives on."""
        holder = self._holder(caller, match, "password")
        key_id = str(body_of(request).get("keyId", ""))
        kept = [password for password in holder.passwords if password.key_id != key_id.lower()]
        seen = self._desk.world.settled(f"azure/password/{key_id.lower()}/remove")
        if not seen or len(kept) == len(holder.passwords):
            raise graph_bad(f"No password credential found with keyId '{key_id}'.")
        holder.passwords[:] = kept
        return Response(status=204)

    def make(self, document: object, words: str) -> tuple[Password, str]:
        """Return a new password as a request describes it, and its text. Raises Refusal when a policy forbids it."""
        if not isinstance(document, dict) or not _KNOWN.issuperset(document):
            raise graph_bad("Invalid property in resource 'passwordCredential'.")
        now = self._desk.world.now()
        start = _time(document, "startDateTime") or now
        end = _time(document, "endDateTime") or start + _DEFAULT_LIFE
        if end <= start:
            raise graph_bad(
                "Key credential end date must be after its start date.", detail="InvalidKeyEndDate", target="EndDate"
            )
        self._check_policies(words, start, end)
        secret = new_client_secret()
        password = Password(
            key_id=new_id(),
            display_name=document.get("displayName"),
            start=start,
            end=end,
            hint=secret[:3],
            digest=digest_of(secret),
        )
        for step in ("sign-in", "read", "remove"):
            self._desk.world.changed(f"azure/password/{password.key_id}/{step}")
        return password, secret

    def _check_policies(self, words: str, start: datetime, end: datetime) -> None:
        for policy in self._desk.state.policies_for(words):
            if policy.forbids_passwords:
                message = "Credential type not allowed as per assigned policy 'tenantAppManagementPolicy'."
                raise graph(400, "CredentialTypeNotAllowedAsPerAppPolicy", message)
            if policy.longest is not None and end - start > policy.longest:
                message = (
                    "Credential lifetime exceeds the max value allowed as per assigned policy 'tenantAppManagementPolicy'."
                )
                detail: Json = {"code": "InvalidKeyEndDate", "message": message, "target": "EndDate"}
                raise graph(400, "CredentialInvalidLifetimeAsPerAppPolicy", message, [detail])

    def _holder(self, caller: Caller, match: re.Match[str], step: str) -> Application | Principal:
        key, value = key_of(match)
        state = self._desk.state
        holder: Application | Principal | None
        if "/servicePrincipals" in match.string:
            holder, kind = state.principal_by(key, value), "principal"
        else:
            holder, kind = state.application_by(key, value), "application"
        if holder is None or not self._desk.world.settled(f"azure/{kind}/{holder.id}/{step}"):
            raise graph_missing(value) if caller.reads else graph_denied()
        if not caller.changes(holder.owners) or any(policy.denies for policy in state.policies_for(self._words(holder))):
            raise graph_denied()
        return holder

    def _words(self, holder: Application | Principal) -> str:
        if isinstance(holder, Application):
            return holder.words
        application = self._desk.state.application_by("appId", holder.app_id)
        return f"{holder.display_name} {holder.properties} {application.words if application else ''}"


def without_late(item: Json, world: World) -> Json:
    """Return an object as a reader sees it: a password that was just made may not be on it yet."""
    shown = [each for each in item["passwordCredentials"] if world.settled(f"azure/password/{each['keyId']}/read")]
    return item | {"passwordCredentials": shown}


def too_many() -> Exception:
    """Return the refusal of one more value on a full object; the limit is one of size, counted here."""
    words = "The size of the object has exceeded its limit. Please reduce the number of values and retry your request."
    return graph(403, "Directory_ResourceSizeExceeded", words)


def _time(document: Json, name: str) -> datetime | None:
    text = document.get(name)
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        raise graph_bad(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.") from None
    if when.tzinfo is None:
        raise graph_bad(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.")
    return when.astimezone(UTC)
