"""Requests to Harbor, and the fake's answers, in the shapes of goharbor/harbor api/v2.0/swagger.yaml (definitions Robot,
RobotCreate, RobotCreated, RobotPermission, Access, Project, Repository, Artifact, Tag; the parts of them that are used)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from providers.shop import Shop, open_shop
from pullgrant.sandbox.exchange import Answering, Request, Response, Route
from pullgrant.sandbox.harbor import Harbor

TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def shape(**properties: Any) -> dict[str, Any]:
    """Return an object with these properties and no other."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def listing(item: dict[str, Any]) -> dict[str, Any]:
    """Return an array."""
    return {"type": "array", "items": item}


ACCESS = shape(resource=TEXT, action=TEXT, effect=TEXT)
PERMISSION = shape(kind=TEXT, namespace=TEXT, access=listing(ACCESS))
COMMON = {"name": TEXT, "description": TEXT, "level": TEXT, "duration": NUMBER, "disable": FLAG}
CREATE = shape(**COMMON, secret=TEXT, permissions=listing(PERMISSION))
ROBOT = shape(
    **COMMON,
    id=NUMBER,
    secret=TEXT,
    editable=FLAG,
    expires_at=NUMBER,
    permissions=listing(PERMISSION),
    creator_type=TEXT,
    creator_ref=NUMBER,
    creation_time={**TEXT, "format": "date-time"},
    update_time={**TEXT, "format": "date-time"},
)
CREATED = shape(id=NUMBER, name=TEXT, secret=TEXT, creation_time={**TEXT, "format": "date-time"}, expires_at=NUMBER)
PROJECT = shape(project_id=NUMBER, name=TEXT, repo_count=NUMBER, metadata=shape(public=TEXT))
REPOSITORY = shape(id=NUMBER, project_id=NUMBER, name=TEXT, artifact_count=NUMBER, pull_count=NUMBER)
TAG = shape(id=NUMBER, name=TEXT, immutable=FLAG)
ARTIFACT = shape(id=NUMBER, type=TEXT, project_id=NUMBER, repository_name=TEXT, digest=TEXT, tags=listing(TAG))
ERRORS = shape(errors=listing(shape(code=TEXT, message=TEXT)))
REQUESTS = {"CreateRobot": CREATE, "UpdateRobot": ROBOT}
ANSWERS = {
    "CreateRobot": CREATED,
    "GetRobotByID": ROBOT,
    "ListRobot": listing(ROBOT),
    "listProjects": listing(PROJECT),
    "getProject": PROJECT,
    "listRepositories": listing(REPOSITORY),
    "listArtifacts": listing(ARTIFACT),
}
STATUSES = {"CreateRobot": 201}


class Recorded(Harbor):
    """The fake, with everything that passed checked on its way."""

    wrong: list[str]
    seen: set[str]

    def routes(self) -> Sequence[Route]:
        self.wrong, self.seen = [], set()
        return [
            replace(route, answer=self._checked(route.kind.partition(".")[2], route.answer)) for route in super().routes()
        ]

    def _checked(self, operation: str, answer: Answering) -> Answering:
        def checked(request: Request, match: Any) -> Response:
            self.seen.add(operation)
            response = answer(request, match)
            self._check(operation, "request", request.json() if request.body else None, REQUESTS.get(operation))
            if response.status >= 400:
                self._check(operation, "refusal", response.json, ERRORS)
            else:
                self._check(operation, "answer", response.json, ANSWERS.get(operation))
                if response.status != STATUSES.get(operation, 200):
                    self.wrong.append(f"{operation} answered {response.status}")
            return response

        return checked

    def _check(self, operation: str, what: str, document: Any, schema: dict[str, Any] | None) -> None:
        try:
            jsonschema.validate(document, schema or {"type": "null"})
        except jsonschema.ValidationError as error:
            self.wrong.append(f"{what} of {operation}: {error.message}")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with open_shop("harbor", monkeypatch, Recorded) as opened:
        yield opened


def test_every_call_has_the_published_shape(shop: Shop) -> None:
    """A field that Harbor does not know would be sent, or the fake answer with one that Harbor does not send."""
    wanted = shop.reader("harbor", project="acme")
    shop.bootstrap(wanted)
    country = shop.country("harbor")
    (robot,) = country.state.robots.values()
    robot.access = (*robot.access, ("acme", "repository", "push"))
    shop.rotate(wanted)
    shop.revoke(wanted)
    assert country.wrong == []
    assert country.seen >= {*ANSWERS, "UpdateRobot", "DeleteRobot"} - {"GetRobotByID"}
