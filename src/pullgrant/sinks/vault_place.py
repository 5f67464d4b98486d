"""The seam to one key of one secret in Vault: calls of hvac, refusals as errors of this project; decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pullgrant.errors import MissingExtra, NotSignedIn, OutcomeUnknown, PullgrantError, SinkFailed, Unavailable, UsageError
from pullgrant.kit.redact import redact
from pullgrant.secret import Secret
from pullgrant.sinks.stored import MARK, ConflictError, Stored

_SECONDS = 20
_STALE = "check-and-set parameter did not match"  # vault-plugin-secrets-kv path_data.go; the status is a plain 400
_UNSEEN: tuple[Secret, ...] = ()
T = TypeVar("T")


class VaultPlace:
    """Implements stored.Place. The version of what it reads is the secret's whole data with the number of its version."""

    def __init__(self, client: Any, *, mount: str, path: str, key: str) -> None:
        self._client, self._mount, self._path, self._key = client, mount, path, key
        self.reference = f"{mount}/{path}#{key}"

    @classmethod
    @contextmanager
    def connected(cls, address: str, namespace: str, *, path: str, key: str) -> Iterator[VaultPlace]:
        """Yield the place. Raises MissingExtra, NotSignedIn without a token, UsageError where there is no KV version 2."""
        client = _client(address, namespace)
        try:
            mount = _mount(client, path)
            yield cls(client, mount=mount, path=path[len(mount) + 1 :], key=key)
        finally:
            client.adapter.close()

    def check(self) -> Sequence[str]:
        """See Place; asks Vault which capabilities the token has on this path."""
        path = f"{self._mount}/data/{self._path}"
        answer = _asked(self._client, "see the token's rights", lambda: self._client.sys.get_capabilities(paths=[path]))
        held = set((answer.get("data") or answer).get(path, ()))
        if not held & {"root", "update", "create"}:
            raise SinkFailed(
                f"the token may not write {path}: it has {', '.join(sorted(held)) or 'no capabilities'}",
                hint=f'Its policy needs: path "{path}" {{ capabilities = ["create", "read", "update"] }}',
            )
        return ()

    def read(self) -> Stored:
        """See Place; a deleted or destroyed version holds nothing, and is still the one that a write follows."""
        from hvac import exceptions

        def look() -> Any:
            try:
                return self._kv.read_secret_version(path=self._path, mount_point=self._mount, raise_on_deleted_version=True)
            except exceptions.InvalidPath as absent:
                return absent.json or {}

        found = _asked(self._client, f"read {self.reference}", look).get("data") or {}
        values, metadata = found.get("data") or {}, found.get("metadata") or {}
        text = values.get(self._key)
        if text is not None and not isinstance(text, str):
            raise UsageError(f"{self.reference} is no text", hint="Name another key.")
        marked = (metadata.get("custom_metadata") or {}).get(MARK[0]) == MARK[1]
        return Stored(text=text, version=(int(metadata.get("version") or 0), values), marked=marked)

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """See Place; the mark is put on a secret that was not there before."""
        number, values = before.version
        self._put({**values, self._key: text}, number, known)
        return () if number else self._mark()

    def clear(self, before: Stored) -> None:
        """See Place; a new version without our key. Older versions stay, as with every change in KV version 2."""
        number, values = before.version
        self._put({name: value for name, value in values.items() if name != self._key}, number, _UNSEEN)

    @property
    def _kv(self) -> Any:
        return self._client.secrets.kv.v2

    def _put(self, values: dict[str, Any], number: int, known: tuple[Secret, ...]) -> None:
        from hvac import exceptions

        def put() -> bool:
            try:
                self._kv.create_or_update_secret(path=self._path, secret=values, cas=number, mount_point=self._mount)
            except exceptions.InvalidRequest as refused:
                if _STALE not in _words(refused, _UNSEEN):
                    raise
                return False
            return True

        if not _asked(self._client, f"write {self.reference}", put, known=known, changes=True):
            raise ConflictError

    def _mark(self) -> Sequence[str]:
        def put() -> None:
            self._kv.update_metadata(path=self._path, mount_point=self._mount, custom_metadata=dict([MARK]))

        try:
            _asked(self._client, f"mark {self.reference}", put, changes=True)
        except SinkFailed:
            return (f"{self.reference} carries no mark of pullgrant: the token may not write {self._mount}/metadata",)
        return ()


def _client(address: str, namespace: str) -> Any:
    try:
        import hvac
    except ModuleNotFoundError:
        raise MissingExtra("the sink vault needs the Python package hvac", hint="pip install 'pullgrant[vault]'") from None
    logging.getLogger("hvac").setLevel(logging.WARNING)
    client = hvac.Client(url=address, namespace=namespace or None, timeout=_SECONDS)  # VAULT_TOKEN, else ~/.vault-token
    if not client.token:
        client.adapter.close()
        raise NotSignedIn(f"no token for Vault at {address}", hint="Set VAULT_TOKEN, or run: vault login")
    return client


def _mount(client: Any, path: str) -> str:
    """Return the mount that a path is in, asked for as vault's own `kv` commands do: a mount may have slashes."""
    answer = _asked(client, f"find the engine of {path}", lambda: client.adapter.get(f"/v1/sys/internal/ui/mounts/{path}"))
    found = answer.get("data") or {}
    mount = str(found.get("path", "")).strip("/")
    if found.get("type") != "kv" or (found.get("options") or {}).get("version") != "2":
        raise UsageError(
            f"{mount or path} is no KV engine of version 2",
            hint="Only version 2 refuses a write over somebody else's change.",
        )
    if not path.startswith(f"{mount}/"):
        raise UsageError(f"{path} is the engine itself", hint=f"Write vault:{mount}/PATH.")
    return mount


def _asked(
    client: Any, doing: str, call: Callable[[], T], *, known: tuple[Secret, ...] = _UNSEEN, changes: bool = False
) -> T:
    """Return the result of a call. Its errors are ours, without what was sent in them."""
    from hvac import exceptions
    from requests import exceptions as transport

    error: PullgrantError
    try:
        return call()
    except exceptions.VaultError as refused:
        error = _judged(client, doing, refused, known)
    except transport.ConnectionError as broken:
        error = Unavailable(f"could not {doing}: no connection to {client.url} ({type(broken).__name__})")
    except transport.RequestException as broken:
        kind = OutcomeUnknown if changes else Unavailable
        error = kind(f"could not {doing}: {client.url} gave no whole answer ({type(broken).__name__})")
    raise error


def _judged(client: Any, doing: str, refused: Any, known: tuple[Secret, ...]) -> PullgrantError:
    from hvac import exceptions

    words = f"could not {doing}: {_words(refused, known)}"
    match refused:
        case exceptions.Forbidden() | exceptions.Unauthorized():
            if _token_is_good(client):
                return SinkFailed(f"Vault's policies refuse it: {words}", hint="Ask for a policy on this path.")
            return NotSignedIn(f"Vault does not accept the token: {words}", hint="Set VAULT_TOKEN, or run: vault login")
        case exceptions.VaultDown():
            return Unavailable(f"Vault is sealed or in maintenance: {words}", hint="See: vault status")
        case exceptions.RateLimitExceeded() | exceptions.InternalServerError() | exceptions.BadGateway():
            return Unavailable(words, hint="Run the same command again in a while.")
    return SinkFailed(words)


def _token_is_good(client: Any) -> bool:
    """A wrong token and a missing right are both 403; every token may look itself up."""
    from hvac import exceptions
    from requests import exceptions as transport

    try:
        client.auth.token.lookup_self()
    except exceptions.Forbidden:
        return False
    except (exceptions.VaultError, transport.RequestException):
        return True
    return True


def _words(refused: Any, known: tuple[Secret, ...]) -> str:
    said = refused.errors if isinstance(refused.errors, list) else [str(refused)]
    return redact("; ".join(str(one) for one in said) or type(refused).__name__, *known, limit=300)
