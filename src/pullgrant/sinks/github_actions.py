"""GitHub Actions as a slot: a secret of a repository or of one of its environments, with a dockerconfigjson of one registry.

GitHub shows a secret's name and never its value, so each registry has a secret of its own, and nothing can be compared.
Source: docs.github.com/rest/actions/secrets.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pullgrant.errors import MissingExtra, NotOurs, SinkFailed, UsageError
from pullgrant.kit.http import Http
from pullgrant.kit.rest import Step
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import docker_key
from pullgrant.sinks import docker_document, target
from pullgrant.sinks.checks import check_credential, registry_host
from pullgrant.sinks.forge import Forge
from pullgrant.sinks.stored import compact

_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}", re.ASCII)
_NAME = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*", re.ASCII)
_API = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/api/v3)?", re.ASCII)
_GITHUB = "https://api.github.com"
_MOST_BYTES = 48 * 1024  # docs.github.com/actions/security-guides/using-secrets-in-github-actions, limits
_RIGHT = 'a token with "Secrets: write" on the repository (classic: the scope repo)'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    host: str
    repository: str
    secret: str
    environment: str
    api: str

    @property
    def path(self) -> str:
        """The path of its secrets."""
        if self.environment:
            return f"/repos/{self.repository}/environments/{quote(self.environment, safe='')}/secrets"
        return f"/repos/{self.repository}/actions/secrets"

    @property
    def reference(self) -> str:
        """The secret as a user finds it again."""
        return f"{self.repository} {self.secret}" + (f" of {self.environment}" if self.environment else "")


class GithubActions:
    """Implements ports.Sink. A slot's `target` is `OWNER/REPO[,environment=NAME][,api=URL]`, its `name` the secret's."""

    def __init__(self, connect: Callable[[], Http] = Http) -> None:
        self._connect = connect

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with its secret's name, made of the host when none is given, and with the API of GITHUB_API_URL."""
        where = _read(Slot(sink="github-actions", server=server, target=target, name=name))
        api = "" if where.api == _GITHUB else f",api={where.api}"
        environment = f",environment={where.environment}" if where.environment else ""
        return Slot(
            sink="github-actions", server=where.host, target=f"{where.repository}{environment}{api}", name=where.secret
        )

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; a name that is taken is foreign unless the ledger knows it: GitHub keeps no mark with a secret."""
        where = _read(slot)
        _sealing()
        with self._open(where) as forge:
            self._public_key(forge, where)
            if self._find(forge, where) is not None and not ours and not adopt:
                raise NotOurs(
                    f"{where.reference} exists and was not put there by this ledger",
                    hint="Give --adopt to replace it, or another name for the secret.",
                )
        return ()

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; only that it is there, and since when, can be seen."""
        where = _read(slot)
        with self._open(where) as forge:
            found = self._find(forge, where)
            if found is None:
                self._public_key(forge, where)  # an absent repository is another answer than an absent secret
                return None
            return Held(reference=where.reference, words=f"set at {found.get('updated_at')}; GitHub shows no value")

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; GitHub replaces a secret at once, and jobs that run keep the old one."""
        check_credential(slot, credential)
        where = _read(slot)
        document = docker_document.with_entry({}, docker_key(where.host), credential.username, credential.secret)
        text = compact(document).encode()
        if len(text) > _MOST_BYTES:
            raise SinkFailed(f"{where.reference}: {len(text)} bytes are more than the {_MOST_BYTES} that GitHub takes")
        with self._open(where) as forge:
            key = self._public_key(forge, where)
            sealed = base64.b64encode(_sealing()(base64.b64decode(str(key["key"])), text)).decode()
            body = {"encrypted_value": sealed, "key_id": key["key_id"]}
            step = Step(doing=f"write {where.reference}", right=_RIGHT, changes=True)
            forge.ask(step, "PUT", f"{where.path}/{where.secret}", body=body, known=(credential.secret,))
        return Receipt(slot=slot, reference=where.reference)

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink."""
        where = _read(slot)
        with self._open(where) as forge:
            step = Step(doing=f"delete {where.reference}", right=_RIGHT, changes=True)
            reply = forge.ask(step, "DELETE", f"{where.path}/{where.secret}", bears=(404,))
            if reply.status == 404:
                self._public_key(forge, where)

    @contextmanager
    def _open(self, where: _Where) -> Iterator[Forge]:
        http = self._connect()  # one for each turn: others may be talking
        try:
            yield Forge(http=http, base=where.api, service="GitHub", variables=("GH_TOKEN", "GITHUB_TOKEN"))
        finally:
            http.close()

    def _public_key(self, forge: Forge, where: _Where) -> dict[str, Any]:
        """Return the key to seal with. Raises SinkFailed when the repository, or the right to write, is not there."""
        step = Step(doing=f"ask for the public key of {where.repository}", right=_RIGHT)
        found = forge.ask(step, "GET", f"{where.path}/public-key").json()
        if not isinstance(found, dict) or not found.get("key") or not found.get("key_id"):
            raise SinkFailed(f"GitHub gave no public key for {where.repository}", hint="Run the same command again.")
        return found

    def _find(self, forge: Forge, where: _Where) -> dict[str, Any] | None:
        step = Step(doing=f"look for {where.reference}", right=_RIGHT)
        reply = forge.ask(step, "GET", f"{where.path}/{where.secret}", bears=(404,))
        return None if reply.status == 404 else reply.json() or {}


def _read(slot: Slot) -> _Where:
    """Return the slot, read. Raises UsageError naming the part that is wrong."""
    host = registry_host(slot)
    repository, options = target.split(slot.target, valued=("environment", "api"))
    secret = slot.name or "PULLGRANT_" + re.sub(r"[^A-Z0-9]", "_", host.upper())
    api = options.get("api") or os.environ.get("GITHUB_API_URL") or _GITHUB
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{repository!r} is no repository of GitHub", hint="Write github-actions:OWNER/REPO.")
    if not _NAME.fullmatch(secret):
        raise UsageError(
            f"{secret!r} is no name of an Actions secret", hint="Use A-Z, 0-9 and _, no digit first and not GITHUB_."
        )
    if not _API.fullmatch(api):
        raise UsageError(f"{api!r} is no address of a GitHub API", hint="Write api=https://HOST/api/v3.")
    return _Where(host=host, repository=repository, secret=secret, environment=options.get("environment", ""), api=api)


def _sealing() -> Any:
    """Return the function that seals for a public key (libsodium's sealed box). Raises MissingExtra."""
    try:
        from nacl.public import PublicKey, SealedBox
    except ModuleNotFoundError:
        raise MissingExtra(
            "the sink github-actions needs the Python package PyNaCl", hint="pip install 'pullgrant[github]'"
        ) from None
    return lambda key, text: SealedBox(PublicKey(key)).encrypt(text)
