"""The seam to one CI/CD variable of a GitLab project; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pullgrant.errors import SinkFailed, UsageError
from pullgrant.kit.http import Reply
from pullgrant.kit.rest import Step
from pullgrant.secret import Secret
from pullgrant.sinks.forge import Forge, said
from pullgrant.sinks.stored import MARK, ConflictError, Stored

_RIGHT = "a token with the scope api of a Maintainer of the project"
_MARK = "=".join(MARK)


class GitlabPlace:
    """Implements stored.Place."""

    def __init__(self, forge: Forge, *, project: str, key: str, scope: str, protected: bool) -> None:
        self._forge, self._key, self._scope, self._protected = forge, key, scope, protected
        self._path = f"/projects/{quote(project, safe='')}/variables"
        self._only = (("filter[environment_scope]", scope),)
        self.reference = f"{project} {key}" + (f" of {scope}" if scope != "*" else "")

    def check(self) -> Sequence[str]:
        """See Place; listing variables needs the same role as writing them."""
        step = Step(doing=f"list the variables of {self.reference.partition(' ')[0]}", right=_RIGHT)
        self._forge.ask(step, "GET", self._path, params=(("per_page", "1"),))
        return ()

    def read(self) -> Stored:
        """See Place. Raises UsageError for a hidden variable, whose other entries nobody could keep."""
        step = Step(doing=f"read {self.reference}", right=_RIGHT)
        reply = self._forge.ask(step, "GET", f"{self._path}/{self._key}", params=self._only, bears=(404,))
        if reply.status == 404:
            if "Variable" not in reply.text:
                raise SinkFailed(f"there is no {self.reference}: {said(reply)}", hint="Check the project and your token.")
            return Stored()
        found: dict[str, Any] = reply.json() or {}
        if found.get("hidden") or not isinstance(found.get("value"), str):
            raise UsageError(
                f"{self.reference} is hidden, so what else it holds cannot be kept",
                hint="Delete it in the project's CI/CD settings, then run the same command again.",
            )
        marked = str(found.get("description") or "").startswith(_MARK)
        return Stored(text=found["value"], version=True, marked=marked)

    def write(self, text: str, before: Stored, known: tuple[Secret, ...]) -> Sequence[str]:
        """See Place; masked where GitLab takes that, and it is said where not."""
        remarks: Sequence[str] = ()
        # Masked, a value may hold any character but blanks, if it is not expanded (docs.gitlab.com/ci/variables).
        reply = self._put(text, before, known, masked=True)
        if reply.status == 400 and '"value"' in reply.text:
            why = said(reply, *known)
            remarks = (f"{self.reference} is not masked, and a job that prints it shows it: GitLab says {why}",)
            reply = self._put(text, before, known, masked=False)
        if reply.status == 400:
            if "already been taken" in reply.text:
                raise ConflictError
            raise SinkFailed(f"could not write {self.reference}: {said(reply, *known)}")
        if self.read().text != text:
            raise ConflictError
        return remarks

    def clear(self, before: Stored) -> None:
        """See Place; a variable that was adopted is emptied, ours goes."""
        if before.text is None:
            return
        if not before.marked:
            self.write('{"auths":{}}', before, ())
            return
        step = Step(doing=f"delete {self.reference}", right=_RIGHT, changes=True)
        self._forge.ask(step, "DELETE", f"{self._path}/{self._key}", params=self._only, bears=(404,))

    def _put(self, text: str, before: Stored, known: tuple[Secret, ...], *, masked: bool) -> Reply:
        body: dict[str, Any] = {"value": text, "masked": masked, "raw": True}
        step = Step(doing=f"write {self.reference}", right=_RIGHT, changes=True)
        if before.version:
            path = f"{self._path}/{self._key}"
            return self._forge.ask(step, "PUT", path, params=self._only, body=body, known=known, bears=(400,))
        body |= {"key": self._key, "environment_scope": self._scope, "protected": self._protected}
        body |= {"description": f"{_MARK} (registry pull credentials; other entries are kept)"}
        return self._forge.ask(step, "POST", self._path, body=body, known=known, bears=(400,))
