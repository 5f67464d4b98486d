"""Talks to the fake Google Cloud without a socket, and over gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from pullgrant.sandbox.authority import Authority
from pullgrant.sandbox.exchange import Request, Response
from pullgrant.sandbox.world import World
from sandbox.google.discovery import RecordingGoogle

EVERYTHING = "https://www.googleapis.com/auth/cloud-platform"
HOSTS = {
    "ar": "artifactregistry.googleapis.com",
    "crm": "cloudresourcemanager.googleapis.com",
    "creds": "iamcredentials.googleapis.com",
    "iam": "iam.googleapis.com",
    "oauth": "oauth2.googleapis.com",
    "org": "orgpolicy.googleapis.com",
    "storage": "storage.googleapis.com",
    "secrets": "secretmanager.googleapis.com",
    "usage": "serviceusage.googleapis.com",
}
GCR = "/v1/projects/demo/locations/us/repositories/gcr.io"
CONDITIONAL = "/v1/projects/demo/locations/europe/repositories/eu.gcr.io"


@dataclass(kw_only=True)
class Talk:
    """One fake and its operator."""

    world: World
    google: RecordingGoogle
    folder: Path
    authority: Authority
    token: str = ""
    routes: Any = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.routes = self.google.routes()
        self.environment = dict(self.google.environment(self.folder, "http://127.0.0.1:1"))
        self.token = (self.folder / "gcloud-token").read_text()

    def send(
        self,
        verb: str,
        api: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Send a request; `api` is a short name of a host. Raises LookupError when no route takes it."""
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        bearer = self.token if token is None else token
        sent = {"authorization": f"Bearer {bearer}"} if bearer else {}
        request = Request(
            method=verb, host=HOSTS[api], path=path, query=parse_qs(query), headers=sent | (headers or {}), body=data
        )
        for route in self.routes:
            match = route.path.fullmatch(path)
            if route.method == verb and match and route.host.fullmatch(request.host):
                return route.answer(request, match)
        raise LookupError(f"{verb} {request.host}{path}")

    def get(self, api: str, path: str, **how: Any) -> Response:
        """Send a GET."""
        return self.send("GET", api, path, **how)

    def post(self, api: str, path: str, body: Any = None, **how: Any) -> Response:
        """Send a POST."""
        return self.send("POST", api, path, body, **how)

    def account(self, name: str = "docker-reader", project: str = "demo") -> dict[str, Any]:
        """Make an account."""
        return good(self.post("iam", f"/v1/projects/{project}/serviceAccounts", {"accountId": name}))

    def key(self, account: dict[str, Any]) -> dict[str, Any]:
        """Make a key."""
        return good(self.post("iam", f"/v1/{account['name']}/keys", {}))

    def bind(self, role: str, member: str, path: str = GCR, api: str = "ar") -> Response:
        """Add a member to a role: read, modify, write."""
        if api == "crm":
            policy = good(self.post(api, f"{path}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}}))
        else:
            policy = good(self.get(api, f"{path}:getIamPolicy?options.requestedPolicyVersion=3"))
        policy.setdefault("bindings", []).append({"role": role, "members": [member]})
        return self.post(api, f"{path}:setIamPolicy", {"policy": policy | {"version": 3}})

    def access_token(self, account: dict[str, Any], *, scopes: tuple[str, ...] = (EVERYTHING,)) -> str:
        """Return an access token of an account."""
        path = f"/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken"
        return str(good(self.post("creds", path, {"scope": list(scopes)}))["accessToken"])

    @contextmanager
    def grpc_client(self) -> Iterator[Any]:
        """Give google-cloud-iam's own client, signed in as the operator."""
        import grpc
        from google.cloud import iam_admin_v1
        from google.cloud.iam_admin_v1.services.iam.transports.grpc import IAMGrpcTransport

        port = self.google.tunnels()["iam.googleapis.com"]
        secure = grpc.ssl_channel_credentials(self.authority.file.read_bytes())
        signed = grpc.composite_channel_credentials(secure, grpc.access_token_call_credentials(self.token))
        options = [("grpc.ssl_target_name_override", "iam.googleapis.com"), ("grpc.enable_http_proxy", 0)]
        with grpc.secure_channel(f"127.0.0.1:{port}", signed, options=options) as channel:
            yield iam_admin_v1.IAMClient(transport=IAMGrpcTransport(channel=channel))


def good(response: Response) -> Any:
    """Return the JSON of an answer that must be a success."""
    assert response.status == 200, response
    return response.json


def error(response: Response) -> dict[str, Any]:
    """Return the error of an answer that must be one."""
    assert response.status >= 400, response
    found: dict[str, Any] = response.json["error"]
    return found
