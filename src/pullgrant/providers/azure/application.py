"""The application of a reader: finding it among others, making it, and taking a foreign one over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pullgrant.errors import NotOurs, NotVisibleYet, OutcomeUnknown, Refused, Unavailable
from pullgrant.kit.together import together
from pullgrant.model.reader import Ownership
from pullgrant.providers.azure.answers import LATER
from pullgrant.providers.azure.directory import Directory
from pullgrant.providers.azure.found import Application, Principal
from pullgrant.providers.azure.marks import Marks, is_mark
from pullgrant.providers.azure.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the directory holds of a reader. `rivals` counts unmarked namesakes when it has none of its own."""

    application: Application | None = None
    principal: Principal | None = None
    ownership: Ownership = Ownership.ABSENT
    rivals: int = 0
    born: bool = False


class Applications:
    """Finds and makes the one application of a reader, with its service principal."""

    def __init__(self, marks: Marks, directory: Directory, waits: Waits) -> None:
        self._marks, self._directory, self._waits = marks, directory, waits
        self._made: Sighting | None = None

    def look(self) -> Sighting:
        """Return what is there. Three questions at once, and a fourth when a service principal was renamed.

        What this run made is there, be it that it is not seen everywhere yet.
        """
        seen, made = self._looked(), self._made
        if made is None:
            return seen
        return replace(seen, principal=seen.principal or made.principal) if seen.application else made

    def delete(self, application: Application) -> None:
        """Delete an application with its service principal; one that this run made is not taken for gone at once."""
        young = self._made is not None

        def gone() -> None:
            if not self._directory.delete_application(application) and young:
                raise NotVisibleYet(f"the application {application.name} is not seen", hint=LATER)

        (self._waits.doubting if young else self._waits.repeating)(gone)
        self._made = None

    def _looked(self) -> Sighting:
        name = self._marks.name
        mine, alike, principals = together(
            lambda: self._waits.reading(lambda: self._directory.application(self._marks.unique_name)),
            lambda: self._waits.reading(lambda: self._directory.applications(name)),
            lambda: self._waits.reading(lambda: self._directory.principals(name)),
        )
        application, rivals = self._chosen(mine, alike)
        if application is None:
            return Sighting()
        principal = next((one for one in principals if one.app_id == application.app_id), None)
        return Sighting(
            application=application,
            principal=principal or self._waits.reading(lambda: self._directory.principal(application.app_id)),
            ownership=self._marks.ownership(application.tags),
            rivals=rivals,
        )

    def ensure(self, seen: Sighting, *, adopt: bool) -> Sighting:
        """Return the reader's application and service principal, made where missing. Raises NotOurs unless `adopt`."""
        application, born = seen.application, False
        if application is None:
            application, born = self._created()
            self._made = Sighting(application=application, ownership=Ownership.OURS)
        elif seen.ownership is not Ownership.OURS:
            application = self._taken(seen, application, adopt=adopt)
        principal = seen.principal if seen.application else None
        if principal is None and not born:
            principal = self._waits.reading(lambda: self._directory.principal(application.app_id))
        fresh = principal is None
        if principal is None:
            principal = self._waits.repeating(lambda: self._create_principal(application.app_id))
        ensured = Sighting(application=application, principal=principal, ownership=Ownership.OURS, born=fresh)
        self._made = ensured if self._made else None
        return ensured

    def _chosen(self, mine: Application | None, alike: tuple[Application, ...]) -> tuple[Application | None, int]:
        """Display names are not unique: ours is told by its key or its marks, one for another registry is left out."""
        ours = [mine] if mine else [one for one in alike if self._marks.is_for_this(one.tags)]
        unmarked = [one for one in alike if not any(map(is_mark, one.tags)) and one.name == self._marks.name]
        if ours:
            return ours[0], 0
        return (unmarked[0] if unmarked else None), len(unmarked)

    def _created(self) -> tuple[Application, bool]:
        body = {
            "displayName": self._marks.name,
            "signInAudience": "AzureADMyOrg",
            "tags": list(self._marks.tags),
            "notes": f"Pulls from {self._marks.host}. Made by pullgrant, which renews and revokes its passwords.",
        }
        unique = self._marks.unique_name
        made = self._waits.repeating(lambda: self._directory.create_application(unique, body))
        if made is not None:
            return made, True
        return self._waits.settling(self._seen), False

    def _seen(self) -> Application:
        """An answer without a body says that the application is there: Graph's "updated"."""
        found = self._directory.application(self._marks.unique_name)
        if found is None:
            raise NotVisibleYet(f"the application {self._marks.name} exists and is not seen yet")
        return found

    def _taken(self, seen: Sighting, application: Application, *, adopt: bool) -> Application:
        if not adopt:
            raise NotOurs(
                f"the application {application.name} ({application.app_id}) is not ours",
                hint="Choose another name with --reader, or take it over with --adopt.",
            )
        if seen.rivals > 1:
            raise ambiguous(application.name, seen.rivals)
        tags = self._marks.with_ours(application.tags)
        self._waits.repeating(lambda: self._directory.change_application(application, {"tags": list(tags)}))
        if not application.unique_name:
            self._name(application)
        return application

    def _name(self, application: Application) -> None:
        """Give the application our key if Graph lets it have one; its tags say enough where it does not."""
        try:
            self._directory.change_application(application, {"uniqueName": self._marks.unique_name})
        except (Refused, Unavailable):
            return

    def _create_principal(self, app_id: str) -> Principal:
        """Create it, or return the one that a lost answer, or somebody else, has made: an application has one per tenant."""
        try:
            return self._directory.create_principal(app_id)
        except NotVisibleYet:
            raise
        except (OutcomeUnknown, Unavailable):
            found = self._directory.principal(app_id)
            if found is None:
                raise
            return found


def ambiguous(name: str, count: int) -> NotOurs:
    """Return the error for several applications of one name, none of which is ours."""
    return NotOurs(
        f"{count} applications are called {name}: which one to take over cannot be told",
        hint="Rename the right one to a name of its own and give that with --reader.",
    )
