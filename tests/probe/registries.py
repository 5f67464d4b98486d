"""Registries that enforce: who may do what is looked up on every call, and each kind refuses in its vendor's words."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote

from probe.served import Say, Seen, error

REPOSITORY = "team/app"
MANIFEST = {"docker-content-digest": "sha256:" + "a" * 64, "content-type": "application/vnd.oci.image.manifest.v1+json"}
INSUFFICIENT = "insufficient_scope"


def jwt(claims: dict[str, object]) -> str:
    """Return an unsigned token in the form of a JWT."""
    parts = (b'{"alg":"none"}', json.dumps(claims).encode(), secrets.token_bytes(12))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@dataclass
class Registry:
    """Distribution with a token service that grants the intersection of asked and allowed."""

    users: dict[str, str] = field(default_factory=lambda: {"reader": "reader-secret", "pusher": "pusher-secret"})
    rights: dict[str, set[str]] = field(default_factory=lambda: {"reader": {"pull"}, "pusher": {"pull", "push"}, "": set()})
    repositories: set[str] = field(default_factory=lambda: {REPOSITORY})
    tags: tuple[str, ...] = ("latest", "1.0")
    host: str = ""
    uploads: set[str] = field(default_factory=set)
    tokens: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    realm: str = ""
    refused_scope: ClassVar[int] = 401

    def __call__(self, seen: Seen) -> Say:
        if seen.path == "/token":
            return self.token(seen)
        if seen.path == "/v2/":
            return Say() if self.actions(seen, REPOSITORY) is not None else self.challenged()
        name = seen.path.removeprefix("/v2/")
        if "/manifests/" in name:
            return self.manifest(seen, *name.split("/manifests/"))
        if "/blobs/uploads/" in name:
            return self.upload(seen, *name.split("/blobs/uploads/"))
        return self.listing(seen, name.removesuffix("/tags/list"))

    # ---- the token service

    def token(self, seen: Seen) -> Say:
        user = self.user(seen)
        if user is None:
            return error(401, "UNAUTHORIZED", "authentication required")
        access = {}
        for scope in seen.query.get("scope", []):
            _, rest = scope.split(":", 1)
            name, actions = rest.rsplit(":", 1)
            access[name] = self.grant(user, name, set(actions.split(",")))
        return self.give(access)

    def user(self, seen: Seen) -> str | None:
        """Return the signed-in user, "" for anonymous, None for a wrong credential."""
        if seen.basic is None:
            return ""
        name, password = seen.basic
        return name if self.users.get(name) == password else None

    def grant(self, user: str, name: str, asked: set[str]) -> set[str]:
        return asked & self.rights[user] if name in self.repositories else set()

    def give(self, access: dict[str, set[str]]) -> Say:
        entries = [{"type": "repository", "name": name, "actions": sorted(got)} for name, got in access.items()]
        token = jwt({"access": entries})
        self.tokens[token] = access
        return Say(body={"token": token, "expires_in": 300})

    # ---- the registry

    def actions(self, seen: Seen, name: str) -> set[str] | None:
        """Return what the caller may do with a repository, None when no token came."""
        scheme, _, token = seen.authorization.partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            return None
        return self.tokens[token].get(name, set())

    def challenged(self, *, scope: str = "", why: str = "") -> Say:
        realm = self.realm or f"http://{self.host}/token"
        header = f'Bearer realm="{realm}",service="{self.host}"'
        header += f',scope="{scope}"' if scope else ""
        header += f',error="{why}"' if why else ""
        return error(401, "UNAUTHORIZED", "authentication required", www_authenticate=header)

    def refusal(self, seen: Seen, name: str, needed: str) -> Say | None:
        got = self.actions(seen, name)
        if got is None or not set(needed.split(",")) <= got:
            return self.refused(name, needed, got)
        return None

    def refused(self, name: str, needed: str, got: set[str] | None) -> Say:
        return self.challenged(scope=f"repository:{name}:{needed}", why="" if got is None else INSUFFICIENT)

    def manifest(self, seen: Seen, name: str, reference: str) -> Say:
        refusal = self.refusal(seen, name, "pull")
        if refusal:
            return refusal
        if name not in self.repositories or reference not in self.tags:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Say(headers=MANIFEST)

    def upload(self, seen: Seen, name: str, upload: str) -> Say:
        refusal = self.refusal(seen, name, "pull,push" if seen.method == "POST" else "pull")
        if refusal:
            return refusal
        if seen.method == "DELETE":
            known = upload in self.uploads and seen.query["_state"] == [f"a b/{upload}=="]
            self.uploads.discard(upload)
            return Say(status=204) if known else error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown")
        started = secrets.token_hex(4)
        self.uploads.add(started)
        return Say(status=202, headers={"location": self.location(name, started)})

    def location(self, name: str, upload: str) -> str:
        return f"/v2/{name}/blobs/uploads/{upload}?_state={quote(f'a b/{upload}==', safe='')}"

    def listing(self, seen: Seen, name: str) -> Say:
        refusal = self.refusal(seen, name, "pull")
        most = int(seen.query.get("n", ["1000"])[0])
        return refusal or Say(body={"name": name, "tags": list(self.tags[:most]), "child": ["db", "web"]})


@dataclass
class Opaque(Registry):
    """A token service whose tokens show nothing."""

    def give(self, access: dict[str, set[str]]) -> Say:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = access
        return Say(body={"token": token})


@dataclass
class Google(Opaque):
    """Artifact Registry: the token call itself is refused, in `text`."""

    text: str = (
        'Permission "artifactregistry.repositories.uploadArtifacts" denied on resource '
        '"projects/p/locations/us/repositories/r" (or it may not exist)'
    )
    status: int = 403
    code: str = "DENIED"

    def token(self, seen: Seen) -> Say:
        user = self.user(seen)
        if user == "":
            text = "Unauthenticated request. Unauthenticated requests do not have permission "
            return error(401, "UNAUTHORIZED", text + '"artifactregistry.repositories.downloadArtifacts" on resource "r"')
        if user and ",push" in seen.query["scope"][0] and "push" not in self.rights[user]:
            return error(self.status, self.code, self.text)
        return super().token(seen)


@dataclass
class Azure(Registry):
    """Azure Container Registry: answers with `access_token` only; takes refresh tokens by POST."""

    refresh_tokens: dict[str, str] = field(default_factory=lambda: {"refresh-reader": "reader"})

    def token(self, seen: Seen) -> Say:
        if seen.method == "GET":
            return self._renamed(super().token(seen))
        form = seen.form
        user = self.refresh_tokens.get(form.get("refresh_token", ""))
        if form.get("grant_type") != "refresh_token" or form.get("service") != self.host or user is None:
            return error(401, "UNAUTHORIZED", "authentication required")
        _, name, actions = form["scope"].split(":")
        return self._renamed(self.give({name: self.grant(user, name, set(actions.split(",")))}))

    def _renamed(self, say: Say) -> Say:
        assert isinstance(say.body, dict)
        return Say(body={"access_token": say.body["token"]}) if say.status == 200 else say


@dataclass
class Harbor(Registry):
    """Harbor: all granted actions whatever was asked, and a wrong secret is taken for nobody."""

    def user(self, seen: Seen) -> str | None:
        return super().user(seen) or ""

    def grant(self, user: str, name: str, asked: set[str]) -> set[str]:
        rights = self.rights[user] if name in self.repositories else set()
        return rights | {"scanner-pull"} if rights else rights


@dataclass
class DockerHub(Registry):
    """Docker Hub: a token for everybody and every name; `details` where a credential is wrong."""

    def token(self, seen: Seen) -> Say:
        if self.user(seen) is None:
            return Say(status=401, body={"details": "incorrect username or password"})
        return super().token(seen)


@dataclass
class GitLab(Registry):
    """GitLab: an entry without rights is left out, a credential without any registry right is refused."""

    def token(self, seen: Seen) -> Say:
        user = self.user(seen)
        if user is None or (user and not self.rights[user]):
            return error(403, "DENIED", "access forbidden")
        return super().token(seen)

    def give(self, access: dict[str, set[str]]) -> Say:
        return super().give({name: actions for name, actions in access.items() if actions})


@dataclass
class Quay(Registry):
    """Quay: only pull, push and * may be asked; 401 at the registry without an error."""

    def token(self, seen: Seen) -> Say:
        scope = seen.query.get("scope", [""])[0]
        if set(scope.rsplit(":", 1)[1].split(",")) - {"pull", "push", "*"}:
            return error(400, "INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
        return super().token(seen)

    def refused(self, name: str, needed: str, got: set[str] | None) -> Say:
        return self.challenged(scope=f"repository:{name}:{needed}")


@dataclass
class Htpasswd(Registry):
    """Distribution with htpasswd: every user may do everything."""

    def challenged(self, *, scope: str = "", why: str = "") -> Say:
        return error(401, "UNAUTHORIZED", "authentication required", www_authenticate='Basic realm="a registry"')

    def actions(self, seen: Seen, name: str) -> set[str] | None:
        return {"pull", "push"} if self.user(seen) else None


@dataclass
class Ecr(Htpasswd):
    """ECR: Basic with the user AWS; a missing right is a 403 that names it."""

    users: dict[str, str] = field(default_factory=lambda: {"AWS": "aws-password"})
    rights: dict[str, set[str]] = field(default_factory=lambda: {"AWS": {"pull"}})
    denied: Say = field(
        default_factory=lambda: error(
            403,
            "DENIED",
            "User: arn:aws:sts::111122223333:assumed-role/reader/s is not authorized to perform: ecr:InitiateLayerUpload "
            "on resource: arn:aws:ecr:eu-central-1:111122223333:repository/team/app because no identity-based policy "
            "allows the ecr:InitiateLayerUpload action",
        )
    )

    def actions(self, seen: Seen, name: str) -> set[str] | None:
        user = self.user(seen)
        return self.rights[user] if user else None

    def refused(self, name: str, needed: str, got: set[str] | None) -> Say:
        return self.challenged() if got is None else self.denied
