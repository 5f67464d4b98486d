"""Docker Hub's API: docker/docs content/reference/api/hub/latest.yaml, and the rules of docker/terraform-provider-docker."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from pullgrant.sandbox.dockerhub.state import API, TEAM_PLAN, AccessToken, Session, State
from pullgrant.sandbox.endpoint import RefusalError, endpoint
from pullgrant.sandbox.exchange import Request, Response, Route, route
from pullgrant.sandbox.registry.words import bearer
from pullgrant.sandbox.serve import PRINCIPAL
from pullgrant.sandbox.world import World

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z", re.ASCII)
_IMAGE_SCOPES = frozenset({"scope-image-pull", "scope-image-push", "repo-pull", "repo-push"})
_PERSONAL_SCOPES = frozenset({"repo:admin", "repo:write", "repo:read", "repo:public_read"})
_LONGEST_LABEL = 100
Handler: TypeAlias = Callable[[Session, Request, "re.Match[str]"], Response]


class Api:
    """The API of hub.docker.com."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        org, own = r"/v2/orgs/(?P<org>[^/]+)/access-tokens", "/v2/access-tokens"
        repositories = r"/v2/namespaces/(?P<account>[^/]+)/repositories"
        signing_in = endpoint(self._world, self._sign_in)
        logging_in = endpoint(self._world, self._log_in)
        return (
            route("dockerhub.AuthCreateAccessToken", "POST", re.escape(API), "/v2/auth/token", signing_in),
            route("dockerhub.PostUsersLogin", "POST", re.escape(API), "/v2/users/login", logging_in),
            *self._token_routes("OrgAccessToken", org),
            *self._token_routes("AccessToken", own),
            self._route("listRepositories", "GET", repositories, self._repositories),
            self._route("ListRepositoryTags", "GET", rf"{repositories}/(?P<repository>[^/]+)/tags", self._tags),
        )

    def _token_routes(self, what: str, path: str) -> Sequence[Route]:
        one = rf"{path}/(?P<token>[0-9a-f-]+)"
        return (
            self._route(f"list{what}s", "GET", path, self._list),
            self._route(f"create{what}", "POST", path, self._create),
            self._route(f"get{what}", "GET", one, self._get),
            self._route(f"update{what}", "PATCH", one, self._update),
            self._route(f"delete{what}", "DELETE", one, self._delete),
        )

    def _route(self, operation: str, method: str, path: str, handler: Handler) -> Route:
        def answer(request: Request, match: re.Match[str]) -> Response:
            session = self._state.sessions.get(bearer(request))
            if session is None:
                raise _refused(401, "unauthorized")
            response = handler(session, request, match)
            return replace(response, headers={**response.headers, PRINCIPAL: session.name})

        return route(f"dockerhub.{operation}", method, re.escape(API), path, endpoint(self._world, answer))

    # Signing in.

    def _sign_in(self, request: Request, _: re.Match[str]) -> Response:
        body = request.json()
        session = self._session(str(body.get("identifier")), str(body.get("secret")))
        if session is None:
            raise _refused(401, "Incorrect authentication credentials")
        token = secrets.token_urlsafe(40)
        self._state.sessions[token] = session
        return Response(json={"access_token": token})

    def _log_in(self, request: Request, _: re.Match[str]) -> Response:
        """The deprecated way: a second factor is asked for, a machine has none."""
        body = request.json()
        user = self._state.users.get(str(body.get("username")))
        if user is None or user.sso or not secrets.compare_digest(user.password, str(body.get("password"))):
            raise _refused(401, "Incorrect authentication credentials")
        if user.two_factor:
            words = "Require secondary authentication on MFA enabled account"
            raise RefusalError(Response(status=401, json={"detail": words, "login_2fa_token": secrets.token_hex(8)}))
        token = secrets.token_urlsafe(40)
        self._state.sessions[token] = Session(name=user.name, by="password")
        return Response(json={"token": token})

    def _session(self, name: str, secret: str) -> Session | None:
        for token in self._state.tokens.values():
            if token.account == name and secrets.compare_digest(token.secret, secret):
                return Session(name=name, by=token.kind) if token.alive(self._world.now()) else None
        user = self._state.users.get(name)
        if user is None or user.sso or user.two_factor or not secrets.compare_digest(user.password, secret):
            return None
        return Session(name=name, by="password")

    # Tokens of an organisation and of an account.

    def _list(self, session: Session, request: Request, match: re.Match[str]) -> Response:
        kind, account = self._managed(session, match)
        shown = [_shown(one) for one in self._state.of(kind, account)]
        number, size = int(request.one("page", "1")), min(int(request.one("page_size", "10")), 100)
        more = f"https://{API}{request.path}?page={number + 1}&page_size={size}" if number * size < len(shown) else None
        return Response(json={"total": len(shown), "next": more, "results": shown[(number - 1) * size : number * size]})

    def _create(self, session: Session, request: Request, match: re.Match[str]) -> Response:
        kind, account = self._managed(session, match)
        body = request.json()
        label = str(body.get("label" if kind == "oat" else "token_label") or "")
        if not 0 < len(label) <= _LONGEST_LABEL:
            raise _refused(400, "label: must be between 1 and 100 characters")
        token = AccessToken(
            kind="oat" if kind == "oat" else "pat",
            account=account,
            label=label,
            created_by=session.name,
            created_at=self._world.now(),
            expires_at=_moment(body.get("expires_at")),
        )
        if kind == "oat":
            token.resources = self._resources(account, body)
            if len(list(self._state.of(kind, account))) >= TEAM_PLAN:
                raise _refused(400, "organization access token limit reached")
        else:
            token.scope = _personal_scope(body)
        self._state.tokens[token.id] = token
        return Response(status=201, json={**_shown(token, whole=True), "token": token.secret})

    def _get(self, session: Session, _: Request, match: re.Match[str]) -> Response:
        return Response(json=_shown(self._token(session, match), whole=True))

    def _update(self, session: Session, request: Request, match: re.Match[str]) -> Response:
        token, body = self._token(session, match), request.json()
        if "resources" in body and token.kind == "oat":
            token.resources = self._resources(token.account, body)
        token.label = str(body.get("label") or body.get("token_label") or token.label)
        token.active = bool(body.get("is_active", token.active))
        return Response(json=_shown(token, whole=True))

    def _delete(self, session: Session, _: Request, match: re.Match[str]) -> Response:
        del self._state.tokens[self._token(session, match).id]
        return Response(status=204)

    def _token(self, session: Session, match: re.Match[str]) -> AccessToken:
        kind, account = self._managed(session, match)
        token = self._state.tokens.get(match["token"])
        if token is None or (token.kind, token.account) != (kind, account):
            raise _refused(404, "access token not found")
        return token

    def _managed(self, session: Session, match: re.Match[str]) -> tuple[str, str]:
        """Return kind and account of the tokens. Those of an organisation are for its owners, signed in by password."""
        organization = match.groupdict().get("org")
        if organization is None:
            if session.by == "oat":
                raise _refused(403, "access denied: an organization has no personal access tokens")
            return "pat", session.name
        if organization not in self._state.owners:
            raise _refused(404, "organization not found")
        if session.by != "password" or session.name not in self._state.owners[organization]:
            raise _refused(403, "access denied: only an owner signed in by password may manage organization access tokens")
        return "oat", organization

    def _resources(self, organization: str, body: dict[str, Any]) -> list[dict[str, object]]:
        given = body.get("resources") or []
        for one in given:
            path, kind = str(one.get("path")), one.get("type")
            if kind not in ("TYPE_REPO", "TYPE_ORG") or not set(one.get("scopes") or ()) <= _IMAGE_SCOPES:
                raise _refused(400, "resources: unknown type or scope")
            glob = path in (f"{organization}/*", "*/*/public")
            if kind == "TYPE_REPO" and not glob and path not in self._state.repositories:
                raise _refused(400, f"resources: repository {path} does not exist")
            if not glob and not path.startswith(f"{organization}/"):
                raise _refused(400, f"resources: {path} is not of {organization}")
        return [dict(one) for one in given]

    # Repositories.

    def _repositories(self, session: Session, _: Request, match: re.Match[str]) -> Response:
        seen = self._sees(session, match["account"])
        found = [
            {"name": name.partition("/")[2], "namespace": match["account"], "is_private": one.private}
            for name, one in self._state.repositories.items()
            if name.startswith(f"{match['account']}/") and (seen or not one.private)
        ]
        return Response(json={"count": len(found), "next": None, "results": found})

    def _tags(self, session: Session, _: Request, match: re.Match[str]) -> Response:
        found = self._state.repositories.get(f"{match['account']}/{match['repository']}")
        if found is None or (found.private and not self._sees(session, match["account"])):
            raise _refused(404, "object not found")
        results = [{"name": tag} for tag in found.tags]
        return Response(json={"count": len(results), "next": None, "results": results})

    def _sees(self, session: Session, account: str) -> bool:
        return session.name == account or session.name in self._state.members.get(account, frozenset())


def _personal_scope(body: dict[str, Any]) -> str:
    scopes = body.get("scopes") or []
    if len(scopes) != 1 or scopes[0] not in _PERSONAL_SCOPES:
        raise _refused(400, "scopes: one of repo:admin, repo:write, repo:read, repo:public_read")
    return str(scopes[0])


def _shown(token: AccessToken, *, whole: bool = False) -> dict[str, Any]:
    common = {
        "is_active": token.active,
        "created_at": f"{token.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{token.expires_at:%Y-%m-%dT%H:%M:%SZ}" if token.expires_at else None,
    }
    if token.kind == "pat":
        return {**common, "uuid": token.id, "token_label": token.label, "scopes": [token.scope], "token": ""}
    shown = {**common, "id": token.id, "label": token.label, "created_by": token.created_by, "last_used_at": None}
    return {**shown, "resources": token.resources} if whole else shown


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise _refused(400, "expires_at: not a time")
    return datetime.fromisoformat(text).astimezone(UTC)


def _refused(status: int, message: str) -> RefusalError:
    return RefusalError(Response(status=status, json={"detail": message, "message": message}))
