"""The options of a reader at any other registry, checked before any call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pullgrant.errors import UsageError
from pullgrant.kit import references
from pullgrant.kit.files import authority_file
from pullgrant.model.image import Image, parse_image
from pullgrant.model.reader import Reader
from pullgrant.model.server import Server, is_loopback, parse_server

_READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reader as asked for. `password` is a reference.

    `insecure` are further hosts of this machine without TLS, such as a token service beside the registry.
    """

    server: Server
    username: str
    password: str
    insecure: tuple[str, ...] = ()
    reader: str = "docker-reader"
    ca_file: str = ""
    accept_stronger: bool = False
    image: Image | None = None

    @classmethod
    def parse(
        cls,
        *,
        server: str,
        username: str,
        password: str,
        reader: str = "docker-reader",
        ca_file: str = "",
        insecure_host: Sequence[str] = (),
        accept_stronger: bool = False,
        image: str = "",
    ) -> Settings:
        """Return the settings that these command options mean. Raises UsageError for the first that cannot be right."""
        if not _READER.fullmatch(reader):
            raise UsageError(
                f"{reader!r} is not a name for a reader",
                hint="Give --reader with up to 64 letters, digits, dots, underscores and hyphens.",
            )
        if not username or not username.isprintable() or ":" in username:
            raise UsageError("--username is empty, or holds a colon", hint="Give the user's name at that registry.")
        found = parse_server("server", server)
        return cls(
            server=found,
            username=username,
            password=references.checked("password", password),
            insecure=tuple(sorted({_loopback(name) for name in insecure_host})),
            reader=reader,
            ca_file=authority_file(ca_file),
            accept_stronger=accept_stronger,
            image=_image(found.host, image),
        )

    @classmethod
    def of(cls, reader: Reader) -> Settings:
        """Return the settings that a reader of the ledger was made with. Raises UsageError as `parse` does."""
        options = dict(reader.options)
        strong, insecure = bool(options.pop("accept_stronger", False)), str(options.pop("insecure_host", "") or "")
        texts = {name: str(value or "") for name, value in options.items()}
        return cls.parse(reader=reader.name, accept_stronger=strong, insecure_host=insecure.split(), **texts)

    def to_reader(self) -> Reader:
        """Return the reader in the words that all providers share; `of` is the way back."""
        return Reader(
            provider="private",
            account=self.server.host,
            name=self.reader,
            host=self.server.host,
            options={
                "server": self.server.url,
                "username": self.username,
                "password": self.password,
                "ca_file": self.ca_file,
                "insecure_host": " ".join(self.insecure),
                "accept_stronger": self.accept_stronger,
                "image": str(self.image) if self.image else "",
            },
            unproven=self.accept_stronger,
        )


def _loopback(name: str) -> str:
    if not is_loopback(name.lower()):
        raise UsageError(f"--insecure-host {name!r} is not on this machine", hint="Give 127.0.0.1:PORT or localhost:PORT.")
    return name.lower()


def _image(host: str, text: str) -> Image | None:
    if not text:
        return None
    image = parse_image(text if text.partition("/")[0].lower() == host else f"{host}/{text}")
    first = text.partition("/")[0] if "/" in text else ""
    if image.host != host or (first.lower() != host and re.search(r"[.:]", first)):
        raise UsageError(f"the image {text!r} does not lie at {host}", hint="Give --image REPOSITORY:TAG.")
    return image
