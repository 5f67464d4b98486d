"""Docker's config.json as a slot: read by docker, podman, skopeo, kubelet and most build tools.

A key that a credential helper owns is delivered to the helper, because docker ignores the file's entry for it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pullgrant.errors import NotOurs, UsageError
from pullgrant.model.credential import Credential, Held, Receipt, Slot
from pullgrant.model.image import docker_key
from pullgrant.sinks import docker_document as text
from pullgrant.sinks import docker_helper as helper
from pullgrant.sinks import shared_file
from pullgrant.sinks.checks import check_credential, registry_host
from pullgrant.sinks.docker_document import Document


class DockerConfig:
    """Implements ports.Sink. A slot's `target` is the path of a config.json, empty for docker's own; `name` is not used."""

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with an absolute path, so that a later run from another folder finds the same file."""
        del name  # docker knows an entry by its host
        slot = Slot(sink="docker-config", server=server, target=target)
        return Slot(sink="docker-config", server=registry_host(slot), target=str(_path(slot).absolute()))

    def preflight(self, slot: Slot, *, ours: bool, adopt: bool) -> tuple[str, ...]:
        """See ports.Sink; an entry under another spelling of the host (`https://HOST/v1/`) counts as an entry."""
        host, path = registry_host(slot), _path(slot)
        suffix = text.helper_for(_load(path), docker_key(host))
        if suffix:
            helper.check(suffix)
        else:
            shared_file.check_writable(path)
        found = self.inspect(slot)
        if found is not None and not ours and not adopt:
            raise NotOurs(
                f"{path} already holds a credential for {host} that this ledger did not put there: user {found.username!r}",
                hint="Give --adopt to replace it.",
            )
        return tuple(_remarks(path, suffix))

    def inspect(self, slot: Slot) -> Held | None:
        """See ports.Sink; the credential can be read back, but for identity tokens and entries that docker cannot decode."""
        host, path = registry_host(slot), _path(slot)
        document, key = _load(path), docker_key(host)
        suffix = text.helper_for(document, key)
        if not suffix:
            return text.held(document, key, host)
        kept = helper.get(suffix, key)
        if kept is None:
            return None
        username, secret = kept
        if username == helper.TOKEN_USER:
            return Held(reference=key, username=username, words="an identity token, not a user name and password")
        return Held(reference=key, username=username, credential=Credential(server=host, username=username, secret=secret))

    def deliver(self, slot: Slot, credential: Credential) -> Receipt:
        """See ports.Sink; the file is replaced whole and only under a lock, and read once more right before that."""
        check_credential(slot, credential)
        path, key = _path(slot), docker_key(registry_host(slot))
        remarks: list[str] = []

        def put(before: bytes | None) -> bytes | None:
            document = text.parse(before, str(path))
            suffix = text.helper_for(document, key)
            remarks[:] = _remarks(path, suffix)
            if not suffix:
                return text.render(text.with_entry(document, key, credential.username, credential.secret), before)
            helper.store(suffix, key, credential.username, credential.secret)
            return None

        shared_file.rewrite(path, put)
        return Receipt(slot=slot, reference=key, remarks=tuple(remarks))

    def withdraw(self, slot: Slot) -> None:
        """See ports.Sink; a key that a helper owns today is erased there, and from the file if it is there too."""
        path, key = _path(slot), docker_key(registry_host(slot))

        def take(before: bytes | None) -> bytes | None:
            document = text.parse(before, str(path))
            suffix = text.helper_for(document, key)
            if suffix:
                helper.erase(suffix, key)
            left = text.without_entry(document, key)
            return None if left is document else text.render(left, before)

        shared_file.rewrite(path, take)


def default_path() -> Path:
    """Return the config.json that docker itself would use: in $DOCKER_CONFIG, else in ~/.docker."""
    return Path(os.environ.get("DOCKER_CONFIG") or "~/.docker").expanduser() / "config.json"


def _path(slot: Slot) -> Path:
    try:
        path = Path(slot.target).expanduser() if slot.target else default_path()
        if not path.is_dir():
            return path
        wrong = "is a folder"
    except RuntimeError:
        path, wrong = Path(slot.target), "names a home folder that is not known"
    except OSError as error:
        wrong = f"cannot be reached: {error.strerror}"
    raise UsageError(f"{path} {wrong}", hint="Give the path of a config.json, such as /home/me/.docker/config.json.")


def _load(path: Path) -> Document:
    return text.parse(shared_file.read(path), str(path))


def _remarks(path: Path, suffix: str) -> list[str]:
    remarks = []
    if suffix:
        remarks.append(f"{path} gives this registry to docker-credential-{suffix}: the credential is kept there")
    elif path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        remarks.append(f"{path} is open to group or others; a delivery leaves it to its owner alone")
    if os.environ.get("DOCKER_AUTH_CONFIG"):
        remarks.append("DOCKER_AUTH_CONFIG is set: docker prefers it to the file and to credential helpers")
    return remarks
