"""Starts and stops the sandbox, and says which variables lead programs into it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from pullgrant.errors import MissingExtra, PullgrantError
from pullgrant.kit.files import private_folder, replace_private
from pullgrant.sandbox.world import World

if TYPE_CHECKING:
    from pullgrant.sandbox.countries import Factory
    from pullgrant.sandbox.country import Country
    from pullgrant.sandbox.registry import Registry
    from pullgrant.sandbox.server import Server

_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS",
    "NODE_EXTRA_CA_CERTS",
)
# Plain HTTP too, so that a client which asks a metadata server leaves this machine as little as any other.
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "grpc_proxy")
_NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy", "no_grpc_proxy")
_EXECUTABLE = 0o700


class Sandbox:
    """One sandbox: a world, its countries, a registry and a server, from `start` to `stop` or as a context manager.

    `port` 0 takes a free one. `factories` are the countries to build, those of `countries.COUNTRIES` when left out.
    """

    def __init__(self, *, port: int = 0, factories: Mapping[str, Factory] | None = None) -> None:
        self.world = World()
        self.countries: dict[str, Country] = {}
        self._port, self._factories = port, factories
        self._folder: Path | None = None
        self._server: Server | None = None
        self._registry: Registry | None = None
        self._signed_in: dict[str, str] = {}

    def start(self) -> Sandbox:
        """Build everything and listen on 127.0.0.1; return self.

        Raises MissingExtra when the packages of the sandbox are not installed, and OSError for a port in use.
        """
        if self._server is not None:
            raise PullgrantError("the sandbox is already running")
        self._folder = Path(tempfile.mkdtemp(prefix="pullgrant-sandbox-"))  # 0700
        try:
            self._build(self._folder)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close every connection and delete the folder. Stopping twice is nothing."""
        if self._server is not None:
            self._server.stop()
        for country in self.countries.values():
            getattr(country, "close", lambda: None)()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._server, self._folder, self._registry, self.countries = None, None, None, {}

    def __enter__(self) -> Sandbox:
        return self if self._server is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's address: the proxy, the control API and the target of endpoint overrides."""
        return f"http://127.0.0.1:{self._running().port}"

    @property
    def folder(self) -> Path:
        """The private folder of this run; it goes when the sandbox stops."""
        if self._folder is None:
            raise PullgrantError("the sandbox is not running")
        return self._folder

    @property
    def registry(self) -> Registry:
        """The registries and their tokens."""
        if self._registry is None:
            raise PullgrantError("the sandbox is not running")
        return self._registry

    @property
    def ca_file(self) -> Path:
        """The certificate of the throwaway authority, PEM."""
        return self.folder / "ca.pem"

    @property
    def token_certificate(self) -> Path:
        """The `rootcertbundle` of a real registry whose realm is `{url}/sandbox/token/HOST[/PREFIX]`."""
        return self.folder / "token-service.pem"

    def environment(self) -> dict[str, str]:
        """Return the variables that lead every program into the sandbox; HOME stays as it is."""
        names: dict[str, str] = dict.fromkeys(_PROXY_VARIABLES, self.url)
        names |= dict.fromkeys(_NO_PROXY_VARIABLES, "127.0.0.1,localhost")
        names |= dict.fromkeys(_CA_VARIABLES, str(self.ca_file))
        names["PATH"] = _first_on_path(str(self.folder / "bin"))
        names["PULLGRANT_SANDBOX_URL"] = self.url
        names["PULLGRANT_LEDGER"] = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        names["DOCKER_CONFIG"] = str(self.folder / "docker")
        return names | self._signed_in

    def _running(self) -> Server:
        if self._server is None:
            raise PullgrantError("the sandbox is not running")
        return self._server

    def _build(self, folder: Path) -> None:
        try:
            from pullgrant.sandbox.authority import Authority
            from pullgrant.sandbox.control import ControlDesk
            from pullgrant.sandbox.countries import load
            from pullgrant.sandbox.platforms.pulling import pull_routes
            from pullgrant.sandbox.registry import Registry
            from pullgrant.sandbox.serve import Switchboard
            from pullgrant.sandbox.server import Server
        except ModuleNotFoundError as error:
            words = f"the sandbox needs the Python package {error.name}"
            raise MissingExtra(words, hint="pip install 'pullgrant[sandbox]'") from None
        authority = Authority(folder)
        factories = load() if self._factories is None else self._factories
        for name, factory in factories.items():
            self.countries[name] = factory(self.world, authority)
        countries = tuple(self.countries.values())
        gates = [gate for country in countries for gate in country.gates()]
        self._registry = Registry(world=self.world, gates=gates, authority=authority)
        replace_private(self.token_certificate, self._registry.tokens.certificate())
        control = ControlDesk(world=self.world, countries=countries, forget=(self._registry.forget,))
        routes = (
            *control.routes(),
            *pull_routes(self.countries, self._registry),
            *self._registry.desk_for_real_registries(),
        )
        switchboard = Switchboard(world=self.world, countries=countries, control=routes, registry=self._registry.routes())
        self._server = Server(switchboard=switchboard, authority=authority, port=self._port)
        self._furnish(folder)
        self._server.start()

    def _furnish(self, folder: Path) -> None:
        """Write programs and sign-ins."""
        private_folder(folder / "docker")
        for name, country in self.countries.items():
            for program, source in country.programs().items():
                _write_program(folder / "bin", program, source, self.url)
            self._signed_in |= country.environment(private_folder(folder / name), self.url)


def _first_on_path(folder: str) -> str:
    others = [other for other in os.environ.get("PATH", os.defpath).split(os.pathsep) if other != folder]
    return os.pathsep.join((folder, *others))


def _write_program(folder: Path, name: str, source: str, url: str) -> None:
    """Write a Python source as an executable.

    It starts through sh, which bears any interpreter path and hands over the address: pullgrant gives its own variables
    to no other program. -IS: the program sees the standard library alone, and starts in half the time.
    """
    script = folder / f".{name}.py"
    words = [shlex.quote(word) for word in (sys.executable, "-IS", str(script))]
    start = f'#!/bin/sh\nPULLGRANT_SANDBOX_URL={shlex.quote(url)} exec {" ".join(words)} "$@"\n'
    replace_private(script, source.encode())
    replace_private(folder / name, start.encode())
    (folder / name).chmod(_EXECUTABLE)
