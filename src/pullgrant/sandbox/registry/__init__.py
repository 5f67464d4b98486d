"""The registries behind every gate: /v2/ with its token service, enforcing what the clouds' own states grant.

A gate may carry, beside what country.Gate asks for: `realm_host`, `realm_path` and `service` for its challenge (else its own
host and /v2/token); `token_seconds` (300) and `token_names` (token and access_token) for the answer; `oauth2`, whether the
token service takes POST (only style `jwt` does), and `refresh_user`, under which name a refresh token signs in (`<token>`);
`judge_token(host, login, wanted)`, how its token service decides where that is not by the specification: visitor and actions
by repository, or a refusal; `may_list(host, visitor)`, who gets the list of all repositories; `lists_children`, whether tag
lists carry Google's `child` and `manifest`; `wildcard`, whether a token for `*` opens every repository; `tells_life`,
whether the token answer says how long it lives (it does); `unauthorized`, the words that go with a challenge. One of style
`basic` may carry `asks`, a finer action for each of the doors `manifest`, `blob`, `tags`, `upload` and `put`, and
`refused_login(host, username, password)`, its own refusal of a login that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Answering, Route, route
from pullgrant.sandbox.registry.desk import TokenDesk
from pullgrant.sandbox.registry.door import Door
from pullgrant.sandbox.registry.place import Map
from pullgrant.sandbox.registry.pulls import Pulls
from pullgrant.sandbox.registry.pushes import Pushes
from pullgrant.sandbox.registry.store import Store
from pullgrant.sandbox.registry.tokens import Certifies, Tokens
from pullgrant.sandbox.world import World

_NAME = r"(?P<name>[a-z0-9][A-Za-z0-9._/:-]*)"
_REFERENCE = r"(?P<reference>[A-Za-z0-9_][A-Za-z0-9._:-]*)"
_DIGEST = r"(?P<digest>sha256:[0-9a-f]{64})"
_UPLOAD = r"(?P<upload>[0-9a-f]+)"


class Registry:
    """All registries of one sandbox."""

    def __init__(self, *, world: World, gates: Sequence[Gate], authority: Certifies) -> None:
        self.places = Map(gates)
        self.tokens = Tokens(world=world, authority=authority)
        self.store = Store(world.lock)
        self._desk = TokenDesk(world=world, places=self.places, tokens=self.tokens)
        door = Door(places=self.places, tokens=self.tokens)
        self._pulls = Pulls(places=self.places, door=door, store=self.store)
        self._pushes = Pushes(places=self.places, door=door, store=self.store)

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of the registries and their token desks."""
        return (*self._desk_routes(), *self._pull_routes(), *self._push_routes())

    def desk_for_real_registries(self) -> tuple[Route, ...]:
        """Return the desk for real registries: /sandbox/token/HOST[/PREFIX] or /sandbox/token?host=HOST&prefix=PREFIX."""
        path = r"/sandbox/token(?:/(?P<place>[a-z0-9][A-Za-z0-9._/:-]*))?"
        return tuple(_route("token", method, path, self._desk.give_for) for method in ("GET", "POST"))

    def forget(self) -> None:
        """Return to the first day: no pushed image, no token."""
        self.store.forget()
        self.tokens.forget()

    def _desk_routes(self) -> list[Route]:
        paths = [re.escape(path) for path in self.places.realm_paths()]
        return [_route("token", method, path, self._desk.give) for path in paths for method in ("GET", "POST")]

    def _pull_routes(self) -> tuple[Route, ...]:
        return (
            _route("ping", "GET", "/v2/?", self._pulls.ping),
            _route("catalog", "GET", "/(?:v2|acr/v1)/_catalog", self._pulls.catalog),
            _route("manifest", "GET", f"/v2/{_NAME}/manifests/{_REFERENCE}", self._pulls.manifest),
            _route("blob", "GET", f"/v2/{_NAME}/blobs/{_DIGEST}", self._pulls.blob),
            _route("tags", "GET", f"/v2/{_NAME}/tags/list", self._pulls.tags),
        )

    def _push_routes(self) -> tuple[Route, ...]:
        upload = f"/v2/{_NAME}/blobs/uploads/{_UPLOAD}"
        manifest = f"/v2/{_NAME}/manifests/{_REFERENCE}"
        return (
            _route("upload.start", "POST", f"/v2/{_NAME}/blobs/uploads/?", self._pushes.start),
            _route("upload.status", "GET", upload, self._pushes.status),
            _route("upload.write", "PATCH", upload, self._pushes.write),
            _route("upload.finish", "PUT", upload, self._pushes.finish),
            _route("upload.cancel", "DELETE", upload, self._pushes.cancel),
            _route("manifest.put", "PUT", manifest, self._pushes.put_manifest),
            _route("manifest.delete", "DELETE", manifest, self._pushes.delete_manifest),
        )


def _route(kind: str, method: str, path: str, answer: Answering) -> Route:
    return route(f"registry.{kind}", method, ".*", path, answer)
