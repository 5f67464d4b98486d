"""The method `service-principal`: an application of the tenant with one role on the registry."""

from __future__ import annotations

from datetime import timedelta

from pullgrant.errors import (
    NotFound,
    NotOurs,
    NotVisibleYet,
    OutcomeUnknown,
    PermissionDenied,
    PullgrantError,
    Refused,
    Unavailable,
    UsageError,
)
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Issued
from pullgrant.model.reader import Grant, Identity, Key, Observed, Ownership
from pullgrant.ports import Clock
from pullgrant.providers.azure import condition, remarks, roles
from pullgrant.providers.azure.answers import LATER
from pullgrant.providers.azure.application import Applications, Sighting, ambiguous
from pullgrant.providers.azure.finder import Finder
from pullgrant.providers.azure.found import Application, NewPassword, Password, Principal, Registry
from pullgrant.providers.azure.marks import Marks
from pullgrant.providers.azure.resources import assign_right
from pullgrant.providers.azure.seam import Seam
from pullgrant.providers.azure.settings import Settings
from pullgrant.providers.azure.waits import Waits

YOUNG = timedelta(minutes=10)
_ASSIGN = "Microsoft.Authorization/roleAssignments/write"


class ServicePrincipal:
    """Does what ports.Provider asks, for one reader that is an application."""

    def __init__(self, settings: Settings, marks: Marks, seam: Seam, *, finder: Finder, waits: Waits, clock: Clock) -> None:
        self._settings, self._seam, self._finder = settings, seam, finder
        self._waits, self._clock = waits, clock
        self._applications = Applications(marks, seam.directory, waits)
        self._roles = roles.Roles(seam.resources, waits, marks.line)
        self._seen: Sighting | None = None

    def observe(self) -> Observed:
        """Look at the registry and the directory at once; then, for a reader that exists, at its roles."""
        looked, seen = together(self._look_at_registry, self._applications.look)
        self._seen = seen
        if isinstance(looked, NotFound):
            return self._without_registry(seen, looked)
        registry, lacking = looked
        if seen.ownership is not Ownership.OURS and self._is_too_narrow(registry):
            raise UsageError(remarks.classic(registry), hint=remarks.CLASSIC_WAY)
        wanted = self._wanted(registry)
        has = self._roles.of(registry, seen.principal)
        here = roles.at(registry, has)
        granted = any(roles.gives(one, wanted) for one in here)
        only = f" (only {', '.join(self._settings.repositories)})" if wanted.condition else ""
        return Observed(
            ownership=seen.ownership,
            grant=Grant(role=condition.role_name(wanted.role), resource=f"{registry.id}{only}"),
            identity=_identity(seen.application),
            granted=granted,
            excess=tuple(roles.as_grant(one) for one in here if not roles.gives(one, wanted)),
            keys=_keys(seen),
            public=registry.anonymous,
            cannot_issue=self._cannot_issue(seen, registry, lacking="" if granted else lacking),
            remarks=(*remarks.of_registry(registry), *remarks.of_roles(registry, has)),
        )

    def ensure(self, *, adopt: bool) -> Identity:
        """Make the application and its service principal, or take them over."""
        self._seen = self._applications.ensure(self._seen or self._applications.look(), adopt=adopt)
        return Identity(id=self._application().app_id, label=self._settings.reader)

    def grant(self, identity: Identity) -> None:
        """Give the one role; then take what the reader has beyond it on this registry."""
        registry, seen = self._finder.find(), self._now()
        if seen.principal is None:
            raise NotVisibleYet(f"the service principal of {identity.id} is not seen", hint=LATER)
        has = () if seen.born else self._roles.of(registry, seen.principal)
        self._roles.leave(registry, seen.principal, self._wanted(registry), has)

    def issue(self, identity: Identity, *, note: str) -> Issued:
        """Make a password beside the others. One that an unanswered call may have left is looked for and deleted."""
        application, now = self._application(), self._clock.now()
        made = self._waits.settling(lambda: self._password(application, note))
        expires_at = made.expires_at or now + self._settings.expires_in
        return Issued(
            key=Key(id=made.id, created_at=now, expires_at=expires_at, note=note),
            credential=Credential(
                server=self._settings.place.host, username=identity.id, secret=made.secret, expires_at=expires_at
            ),
        )

    def withdraw(self, key: Key) -> None:
        """Delete one password. What is missing right after it was made is looked for again before it counts as gone."""
        application = self._now().application
        if application is None:
            return
        young = key.created_at is not None and self._clock.now() - key.created_at < YOUNG

        def delete() -> None:
            if not self._seam.directory.remove_password(application.id, key.id) and young:
                raise NotVisibleYet(f"the password {key.id} is not seen")

        wait = self._waits.doubting if young else self._waits.repeating
        try:
            wait(delete)
        except NotVisibleYet:
            return

    def remove(self, identity: Identity) -> None:
        """Stop the sign-in first, then take the roles, which outlive an application, and delete the application."""
        seen = self._applications.look()
        if seen.application is None:
            return
        if seen.ownership is not Ownership.OURS:
            raise NotOurs(f"the application {identity.id} is not ours", hint="Nothing of it was changed.")
        application = seen.application
        if seen.principal is not None:
            self._disarm(seen.principal)
        self._applications.delete(application)
        self._seen = None

    def _disarm(self, principal: Principal) -> None:
        self._waits.repeating(lambda: self._seam.directory.disable_principal(principal))
        try:
            registry = self._finder.look()
        except NotFound:
            return
        self._roles.take(registry, principal)

    def _look_at_registry(self) -> tuple[Registry, str] | NotFound:
        try:
            return self._finder.look_with((_ASSIGN,))
        except NotFound as error:
            return error

    def _without_registry(self, seen: Sighting, gone: NotFound) -> Observed:
        """A registry that is gone must not keep its reader from being revoked."""
        return Observed(
            ownership=seen.ownership,
            grant=Grant(role=condition.role_name(condition.ACR_PULL), resource=self._settings.place.host),
            identity=_identity(seen.application),
            keys=_keys(seen),
            cannot_issue=gone,
        )

    def _wanted(self, registry: Registry) -> condition.Wanted:
        return condition.wanted(abac=registry.abac, repositories=self._settings.repositories)

    def _is_too_narrow(self, registry: Registry) -> bool:
        return bool(self._settings.repositories) and not registry.abac

    def _cannot_issue(self, seen: Sighting, registry: Registry, *, lacking: str) -> Refused | None:
        if lacking:
            return PermissionDenied(f"you lack {lacking} on {registry.id}", hint=assign_right(registry.id))
        if seen.rivals > 1:
            return ambiguous(self._settings.reader, seen.rivals)
        if self._is_too_narrow(registry):
            return Refused(remarks.classic(registry), hint=remarks.CLASSIC_WAY)
        if seen.principal is not None and not seen.principal.enabled:
            return Refused(
                f"the service principal of {self._settings.reader} is disabled",
                hint=f"Enable it: az ad sp update --id {seen.principal.app_id} --set accountEnabled=true",
            )
        return None

    def _now(self) -> Sighting:
        if self._seen is None or self._seen.application is None:
            self._seen = self._applications.look()
        return self._seen

    def _application(self) -> Application:
        found = self._now().application
        if found is None:
            raise NotVisibleYet(f"the application {self._settings.reader} is not seen", hint=LATER)
        return found

    def _password(self, application: Application, note: str) -> NewPassword:
        expires_at = self._clock.now() + self._settings.expires_in
        try:
            return self._seam.directory.add_password(application, note=note, expires_at=expires_at)
        except OutcomeUnknown as error:
            if self._dropped(application, note):
                raise Unavailable(error.message, hint=error.hint) from None
            raise

    def _dropped(self, application: Application, note: str) -> bool:
        """Delete what an unanswered call has made; say whether it was found and is gone."""
        try:
            seen = self._applications.look().application or application
            left = [one for one in seen.passwords if one.note == note]
            gone = [self._seam.directory.remove_password(application.id, one.id) for one in left]
        except PullgrantError:
            return False
        return bool(gone) and all(gone)


def _identity(application: Application | None) -> Identity | None:
    return Identity(id=application.app_id, label=application.name) if application else None


def _keys(seen: Sighting) -> tuple[Key, ...]:
    """Return all passwords: those of the application, where ours are, and those that somebody gave its service principal."""
    enabled = seen.principal is None or seen.principal.enabled
    found: list[Password] = [*(seen.application.passwords if seen.application else ())]
    found += seen.principal.passwords if seen.principal else ()
    return tuple(
        Key(id=one.id, created_at=one.starts_at, expires_at=one.expires_at, note=one.note, enabled=enabled) for one in found
    )
