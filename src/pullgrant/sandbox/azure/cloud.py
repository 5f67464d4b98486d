"""The fake Azure as one country of the sandbox: three national clouds, each with its own state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from pullgrant.kit.files import private_folder
from pullgrant.sandbox.azure import first_day
from pullgrant.sandbox.azure.arm_assignments import Assignments
from pullgrant.sandbox.azure.arm_operations import Operations
from pullgrant.sandbox.azure.arm_registries import Registries
from pullgrant.sandbox.azure.arm_roles import Roles
from pullgrant.sandbox.azure.arm_scope_maps import ScopeMaps
from pullgrant.sandbox.azure.arm_subscriptions import Subscriptions
from pullgrant.sandbox.azure.arm_tokens import RegistryTokens
from pullgrant.sandbox.azure.basics import digest_of, new_client_secret, new_id
from pullgrant.sandbox.azure.clouds import CLOUDS
from pullgrant.sandbox.azure.credentials import Credentials
from pullgrant.sandbox.azure.desk import Desk
from pullgrant.sandbox.azure.exchange import Exchange
from pullgrant.sandbox.azure.gate import AzureGate
from pullgrant.sandbox.azure.graph_applications import Applications
from pullgrant.sandbox.azure.graph_passwords import Passwords
from pullgrant.sandbox.azure.graph_principals import Principals
from pullgrant.sandbox.azure.key_vault import KeyVault
from pullgrant.sandbox.azure.login import Login
from pullgrant.sandbox.azure.signing import Certifies, Signer
from pullgrant.sandbox.azure.state import Password, State
from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.world import World


class Azure:
    """Azure. The operator signs in with a client secret, the same in each cloud, which outlives `reset`.

    `states` is by the name of the cloud: `public`, `usgov`, `china`; `state` is the public one.
    """

    name = "azure"

    def __init__(self, world: World, authority: Certifies) -> None:
        self._world = world
        self._object_id, self._app_id, self._subscription = new_id(), new_id(), new_id()
        self._secret = new_client_secret()
        tenant = new_id()
        self.states = {cloud.name: State(tenant=tenant, domain=first_day.DOMAIN) for cloud in CLOUDS}
        self._desks = [
            Desk(cloud, self.states[cloud.name], world, Signer(world, authority, cloud.logins[0])) for cloud in CLOUDS
        ]
        self._gates = {desk.cloud.name: AzureGate(desk, Credentials(desk.state, world)) for desk in self._desks}
        self.reset()

    @property
    def state(self) -> State:
        """The state of the public cloud."""
        return self.states["public"]

    def routes(self) -> Sequence[Route]:
        """Return the routes of all services of all clouds."""
        return [each for desk in self._desks for each in self._services(desk)]

    def gates(self) -> Sequence[Gate]:
        """Return a gate for each cloud's registries."""
        return list(self._gates.values())

    def programs(self) -> Mapping[str, str]:
        """Return nothing: az is not faked, a real one can be pointed here."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return nothing: all of Azure's services speak HTTP/1.1."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Return the variables that sign the operator in, and a folder of its own for az."""
        return {
            "AZURE_TENANT_ID": self.state.tenant,
            "AZURE_CLIENT_ID": self._app_id,
            "AZURE_CLIENT_SECRET": self._secret,
            "AZURE_CONFIG_DIR": str(private_folder(folder / "az")),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        }

    def reset(self) -> None:
        """Return to the first day; what signs the operator in stays valid."""
        with self._world.lock:
            for state in self.states.values():
                state.clear()
                now = self._world.now()
                password = Password(
                    key_id=new_id(),
                    display_name="sandbox",
                    start=now - timedelta(days=1),
                    end=now + timedelta(days=36500),
                    hint=self._secret[:3],
                    digest=digest_of(self._secret),
                )
                principal, application = first_day.operator_of(self._object_id, self._app_id, password, now)
                first_day.fill(state, self._subscription, principal, application)

    def _services(self, desk: Desk) -> Sequence[Route]:
        gate, passwords, operations = self._gates[desk.cloud.name], Passwords(desk), Operations(desk)
        services = (
            Login(desk, Credentials(desk.state, self._world)),
            Applications(desk, passwords),
            passwords,
            Principals(desk),
            Subscriptions(desk),
            Registries(desk),
            ScopeMaps(desk, operations),
            RegistryTokens(desk, operations),
            operations,
            Roles(desk),
            Assignments(desk),
            Exchange(desk, gate),
            KeyVault(desk),
        )
        return [each for service in services for each in service.routes()]
