"""The one table of adapters, and the one place where they are put together. Nothing is imported before it is wanted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pullgrant.errors import MissingExtra, NotSignedIn, UsageError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Slot
from pullgrant.model.image import Image
from pullgrant.model.reader import Reader
from pullgrant.ports import Clock, Ledger, Ports, Provider, Report, Sink

if TYPE_CHECKING:
    from pullgrant.probe import Probe

PROVIDERS: Mapping[str, str] = {
    "azure": "pullgrant.providers.azure",
    "ecr": "pullgrant.providers.ecr",
    "dockerhub": "pullgrant.providers.dockerhub",
    "gcp": "pullgrant.providers.gcp",
    "ghcr": "pullgrant.providers.ghcr",
    "gitlab": "pullgrant.providers.gitlab",
    "harbor": "pullgrant.providers.harbor",
    "private": "pullgrant.providers.private",
    "quay": "pullgrant.providers.quay",
}
SINKS: Mapping[str, str] = {
    "akash": "pullgrant.sinks.akash:Akash",
    "akka": "pullgrant.sinks.akka:Akka",
    "akkasls": "pullgrant.sinks.kalix:AkkaServerless",
    "docker-config": "pullgrant.sinks.docker_config:DockerConfig",
    "exec": "pullgrant.sinks.exec:Exec",
    "kalix": "pullgrant.sinks.kalix:Kalix",
    "kubernetes": "pullgrant.sinks.kubernetes:Kubernetes",
    "stdout": "pullgrant.sinks.stdout:Stdout",
    "vault": "pullgrant.sinks.vault:Vault",
    "aws-secretsmanager": "pullgrant.sinks.aws_secretsmanager:AwsSecretsManager",
    "gcp-secretmanager": "pullgrant.sinks.gcp_secretmanager:GcpSecretManager",
    "github-actions": "pullgrant.sinks.github_actions:GithubActions",
    "gitlab-ci": "pullgrant.sinks.gitlab_ci:GitlabCi",
    "azure-keyvault": "pullgrant.sinks.azure_keyvault:AzureKeyVault",
}
# For `sinks.list`: the package to import, the extra that brings it, and variables of which one signs in.
NEEDS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "aws-secretsmanager": ("boto3", "aws", ()),
    "azure-keyvault": ("azure.keyvault.secrets", "azure-keyvault", ()),
    "gcp-secretmanager": ("google.cloud.secretmanager", "gcp-secretmanager", ()),
    "github-actions": ("nacl", "github", ("GH_TOKEN", "GITHUB_TOKEN")),
    "gitlab-ci": ("", "", ("GITLAB_TOKEN",)),
    "vault": ("hvac", "vault", ()),
}


def reader(provider: str, options: Mapping[str, Any]) -> Reader:
    """Return the reader that a provider's command line options ask for. Raises UsageError before anything is called.

    A settings module may offer `resolve`, which fills in what only the operator's sign-in knows, such as an account.
    """
    settings = import_module(f"{_module(provider)}.settings")
    parse = settings.Settings.parse
    own = {name: options[name] for name in signature(parse).parameters if options.get(name) is not None}
    return parse(**getattr(settings, "resolve", dict)(own)).to_reader()  # type: ignore[no-any-return]


def part(provider: str, name: str) -> Any:
    """Return a module of a provider that has more to offer than readers: the allowance of pulls at Docker Hub."""
    return import_module(f"{_module(provider)}.{name}")


def slot(text: str, *, server: str, name: str = "") -> Slot:
    """Return the slot that `NAME[:TARGET]` means for the credential of one registry host, with nothing left to default.

    Raises UsageError for an unknown sink or a target that the sink cannot read.
    """
    sink, _, target = text.partition(":")
    return _class("sink", SINKS, sink).slot(target, server=server, name=name)  # type: ignore[no-any-return]


def checkup(provider: str) -> Any:
    """Return a provider's module `checkup`, None where it has none: see `flows.doctor` for what one offers."""
    name = f"{_module(provider)}.checkup"
    return import_module(name) if find_spec(name) else None


def covers(wanted: Reader, image: Image) -> bool:
    """Return whether an image lies in what a reader was asked for; nobody is asked whether it still may pull it.

    A settings module may offer `covers`, where host and repositories do not tell, as where a project is a part of a path.
    """
    if image.host != wanted.host:
        return False
    own = getattr(import_module(f"{_module(wanted.provider)}.settings"), "covers", None)
    if own is not None:
        return bool(own(wanted, image))
    name = image.repository
    return not wanted.repositories or any(
        name == one or (one.endswith("/*") and name.startswith(one[:-1])) for one in wanted.repositories
    )


def check_sink(name: str) -> str:
    """Return what a sink finds here to work with, in a few words. Raises UsageError and its children for what is missing.

    A sink may offer `check_ready`; for the others NEEDS is looked at, and their sign-in is asked for with their first slot.
    """
    ready = getattr(_class("sink", SINKS, name)(), "check_ready", None)
    if ready is not None:
        return str(ready())
    if name not in NEEDS:
        return "needs nothing"
    package, extra, variables = NEEDS[name]
    if package and not _is_installed(package):
        raise MissingExtra(f"the package {package} is not installed", hint=f"pip install 'pullgrant[{extra}]'")
    if variables and not any(os.environ.get(one) for one in variables):
        raise NotSignedIn(f"{' or '.join(variables)} is not set", hint=f"Set {variables[0]}.")
    return f"{package or variables[0]} is here; the sign-in is tried with the first slot"


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def akka_registry() -> Any:
    """Return the Akka Container Registry, as the akka CLI tells of it: `hosts` and `configure`."""
    return import_module("pullgrant.sinks.akka_registry").AkkaRegistry()


def render_akash(file: str) -> str:
    """Return an SDL template with its placeholders filled from the environment and its file of values; holds secrets."""
    from pathlib import Path

    fill = import_module("pullgrant.sinks.akash_env").fill
    return str(fill(Path(file).expanduser(), os.environ))


class Catalog:
    """Builds ports for one run and closes what it opened."""

    def __init__(self, *, clock: Clock, report: Report, ledger_url: str | None, insecure: Iterable[str] = ()) -> None:
        self.clock, self._report, self._ledger_url = clock, report, ledger_url
        self._insecure = frozenset(insecure)
        self._clients: dict[str, Http] = {}
        self._ledger: Any = None
        self._sinks: dict[str, Sink] = {}
        self._pools: dict[str, dict[str, Any]] = {}
        self._making, self._opening = threading.Lock(), threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened at first use."""
        with self._opening:
            if self._ledger is None:
                from pullgrant.ledger import open_ledger

                self._ledger = open_ledger(self._ledger_url, self.clock)
        return self._ledger  # type: ignore[no-any-return]

    def provider(self, wanted: Reader) -> Provider:
        """Return the provider of one reader. A provider's module may offer a `Pool` of what all its readers share in a run."""
        module = import_module(f"{_module(wanted.provider)}.provider")
        http = self._client(wanted)
        with self._making:
            if wanted.provider not in self._pools and hasattr(module, "Pool"):
                self._pools[wanted.provider] = {"pool": module.Pool()}
        shared = self._pools.get(wanted.provider, {})
        return module.Provider(wanted, owner=self.ledger.id, http=http, clock=self.clock, **shared)  # type: ignore[no-any-return]

    def sink(self, name: str, *, named: bool = False) -> Sink:
        """Return a sink by name; one for a run. `named`: this run asked for it, which a sink that shows secrets insists on."""
        with self._making:
            if name not in self._sinks:
                make = _class("sink", SINKS, name)
                self._sinks[name] = make(named=named) if "named" in signature(make).parameters else make()
            return self._sinks[name]

    def ports(self, wanted: Reader, slots: Iterable[Slot]) -> Ports:
        """Return all that a flow on one reader needs; its slots' sinks and those of the slots that the ledger knows.

        A provider may offer `insecure_hosts`, that its registry is asked at in plain http, and `probing`, which gives back
        the probe with what it alone can answer, as where the management API and not the registry tells who may push.
        """
        from pullgrant.model import history as past

        slots = tuple(slots)
        known, named = past.slots(self.ledger.history(wanted.id)), {one.sink for one in slots}
        provider = self.provider(wanted)
        probe = self._probe(wanted, provider)
        return Ports(
            provider=provider,
            sinks={one.sink: self.sink(one.sink, named=one.sink in named) for one in (*slots, *known)},
            probe=getattr(provider, "probing", lambda plain: plain)(probe),
            ledger=self.ledger,
            clock=self.clock,
            report=self._report,
        )

    def http(self, wanted: Reader | None = None) -> Http:
        """Return the client for one reader, or for anybody."""
        return self._client(wanted)

    def probe(self, wanted: Reader | None = None) -> Probe:
        """Return the probe as it asks for one reader, whose stages can be seen; without a reader it asks for anybody."""
        from pullgrant.probe import Probe

        if wanted is None:
            return Probe(self._client(None), insecure_hosts=self._insecure)
        return self._probe(wanted, self.provider(wanted))

    def _probe(self, wanted: Reader, provider: Provider) -> Probe:
        from pullgrant.probe import Probe

        insecure = self._insecure | getattr(provider, "insecure_hosts", frozenset())
        return Probe(self._client(wanted), push_question=provider.can.push_question, insecure_hosts=insecure)

    def _client(self, wanted: Reader | None) -> Http:
        """Return the one client, or the one that also trusts the authority which a reader's option `ca_file` names."""
        ca_file = str(wanted.options.get("ca_file") or "") if wanted else ""
        return self._clients.setdefault(ca_file, Http(ca_file=ca_file))

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in self._clients.values():
            client.close()
        if self._ledger is not None:
            self._ledger.dispose()


def _module(provider: str) -> str:
    if provider not in PROVIDERS:
        raise UsageError(f"there is no provider {provider!r}", hint=f"Providers: {', '.join(PROVIDERS)}.")
    return PROVIDERS[provider]


def _class(kind: str, table: Mapping[str, str], name: str) -> Any:
    if name not in table:
        raise UsageError(f"there is no {kind} {name!r}", hint=f"Known: {', '.join(table)}.")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
