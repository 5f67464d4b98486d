"""GitLab CI as a slot: the variable DOCKER_AUTH_CONFIG of a project, with which runners pull the images of jobs.

One variable serves all registries, so other entries of it are kept. Source: docs.gitlab.com/api/project_level_variables.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pullgrant.errors import UsageError
from pullgrant.kit.http import Http
from pullgrant.model.credential import Slot
from pullgrant.sinks import target
from pullgrant.sinks.checks import registry_host
from pullgrant.sinks.forge import Forge
from pullgrant.sinks.gitlab_ci_place import GitlabPlace
from pullgrant.sinks.stored import StoreSink

KEY = "DOCKER_AUTH_CONFIG"
_PROJECT = re.compile(r"\d+|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._/-]+)?", re.ASCII)
_OPTIONS = ("url", "scope")


class GitlabCi(StoreSink):
    """Implements ports.Sink. A slot's `target` is `PROJECT[,url=URL][,scope=ENVIRONMENT][,protected]`, its `name` the variable's.

    GitLab has no check-and-set: deliveries of one run wait for one another, and each is read back.
    """

    def __init__(self, connect: Callable[[], Http] = Http) -> None:
        self._connect, self._turn = connect, threading.Lock()

    @staticmethod
    def slot(target: str, *, server: str, name: str = "") -> Slot:
        """Return the slot with the server of CI_SERVER_URL or GITLAB_HOST, else gitlab.com, and the variable's name."""
        project, options = _read(target, name or KEY)
        host = os.environ.get("GITLAB_HOST", "")
        named = os.environ.get("CI_SERVER_URL") or (host if "://" in host or not host else f"https://{host}")
        options["url"] = (options.get("url") or named or "https://gitlab.com").rstrip("/")
        if not _URL.fullmatch(options["url"]):
            raise UsageError(f"{options['url']!r} is no address of a GitLab", hint="Write ,url=https://gitlab.example.com.")
        return _slot(project, options, server, name or KEY)

    @contextmanager
    def open(self, slot: Slot) -> Iterator[GitlabPlace]:
        """See StoreSink."""
        project, options = _read(slot.target, slot.name or KEY)
        base = f"{options.get('url', 'https://gitlab.com')}/api/v4"
        http = self._connect()
        forge = Forge(http=http, base=base, service="GitLab", variables=("GITLAB_TOKEN",), header="private-token", prefix="")
        with self._turn:
            try:
                yield GitlabPlace(
                    forge,
                    project=project,
                    key=slot.name or KEY,
                    scope=options.get("scope", "*"),
                    protected="protected" in options,
                )
            finally:
                http.close()


def _slot(project: str, options: dict[str, str], server: str, name: str) -> Slot:
    slot = Slot(sink="gitlab-ci", server=server, target=target.join(project, options), name=name)
    return Slot(sink="gitlab-ci", server=registry_host(slot), target=slot.target, name=name)


def _read(text: str, key: str) -> tuple[str, dict[str, str]]:
    project, options = target.split(text, valued=_OPTIONS, flags=("protected",))
    if not _PROJECT.fullmatch(project) or not _KEY.fullmatch(key):
        raise UsageError(
            f"{project!r} is no project of GitLab with a variable {key!r}",
            hint="Write gitlab-ci:GROUP/PROJECT, or its number.",
        )
    return project, options
