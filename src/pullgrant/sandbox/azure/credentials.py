"""Whether a client id and secret sign in: the one judge of the token endpoint and of the registries."""

from __future__ import annotations

from dataclasses import dataclass

from pullgrant.sandbox.azure.state import Application, Password, Principal, State
from pullgrant.sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why a sign-in failed: an OAuth error and an AADSTS code with its sentence."""

    status: int
    error: str
    code: int
    message: str


class Credentials:
    """Judges client secrets by the state of the directory, which replicates late."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world

    def check(self, app_id: str, secret: str) -> Principal | Denied:
        """Return the service principal that a secret of its own or of its application signs in."""
        application = self._state.application_by("appId", app_id)
        principal = self._state.principal_by("appId", app_id)
        if application is None or not self._world.settled(f"azure/application/{application.id}/sign-in"):
            return self._unknown(app_id)
        denied = self._check_secret(application, principal, secret)
        if denied is not None:
            return denied
        if principal is None or not self._world.settled(f"azure/principal/{principal.id}/sign-in"):
            return Denied(
                status=401,
                error="invalid_client",
                code=7000229,
                message=f"The client application {app_id} is missing service principal in the tenant {self._state.tenant}. "
                "See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
            )
        if not principal.enabled:
            words = f"Application '{app_id}'({principal.display_name}) is disabled."
            return Denied(status=400, error="unauthorized_client", code=7000112, message=words)
        return principal

    def _check_secret(self, application: Application, principal: Principal | None, secret: str) -> Denied | None:
        held = [*application.passwords, *(principal.passwords if principal else ())]
        matching = [password for password in held if password.is_(secret)]
        if not matching or not self._seen(matching[0]):
            return self._wrong(application.app_id)
        if not matching[0].start <= self._world.now() < matching[0].end:
            return Denied(
                status=401,
                error="invalid_client",
                code=7000222,
                message=f"The provided client secret keys for app '{application.app_id}' are expired. Visit the Azure "
                "portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate "
                "credentials for added security: https://aka.ms/certCreds.",
            )
        return None

    def _seen(self, password: Password) -> bool:
        return self._world.settled(f"azure/password/{password.key_id}/sign-in")

    def _unknown(self, app_id: str) -> Denied:
        return Denied(
            status=400,
            error="unauthorized_client",
            code=700016,
            message=f"Application with identifier '{app_id}' was not found in the directory '{self._state.domain}'. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented to by any "
            "user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )

    def _wrong(self, app_id: str) -> Denied:
        return Denied(
            status=401,
            error="invalid_client",
            code=7000215,
            message="Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
            f"value, not the client secret ID, for a secret added to app '{app_id}'.",
        )
