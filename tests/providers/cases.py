"""The registries whose tokens this project makes, each as one row for the suites that ask all of them the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token or robot of a fake: its secret, the text that carries our mark, and how to write that text."""

    secret: str
    text: str
    mark: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One provider: the options of its bootstrap, its fake, and the kinds of the calls that make and end a token."""

    name: str
    options: Mapping[str, Any]
    create: str
    delete: str
    tokens: Callable[[Any], list[Token]]
    operator: str  # the variable that signs the operator in
    narrow: bool = True

    @property
    def id(self) -> str:
        return self.name if self.narrow else f"{self.name}-personal"


def harbor_tokens(country: Any) -> list[Token]:
    def token(robot: Any) -> Token:
        return Token(secret=robot.secret, text=robot.description, mark=lambda text: setattr(robot, "description", text))

    return [token(robot) for robot in country.state.robots.values()]


HARBOR = Case(
    name="harbor",
    options={"project": "acme"},
    create="harbor.CreateRobot",
    delete="harbor.DeleteRobot",
    tokens=harbor_tokens,
    operator="HARBOR_PASSWORD",
)


def quay_tokens(country: Any) -> list[Token]:
    def token(robot: Any) -> Token:
        return Token(secret=robot.secret, text=robot.description, mark=lambda text: setattr(robot, "description", text))

    return [token(robot) for robot in country.state.organizations["acme"].robots.values()]


QUAY = Case(
    name="quay",
    options={"organization": "acme", "repository": ("app",)},
    create="quay.createOrgRobot",
    delete="quay.deleteOrgRobot",
    tokens=quay_tokens,
    operator="QUAY_TOKEN",
)


def gitlab_tokens(country: Any) -> list[Token]:
    def token(one: Any) -> Token:
        return Token(secret=one.secret, text=one.name, mark=lambda text: setattr(one, "name", text))

    return [token(one) for one in country.state.tokens.values()]


GITLAB = Case(
    name="gitlab",
    options={"project": "acme/app"},
    create="gitlab.CreateDeployToken",
    delete="gitlab.DeleteDeployToken",
    tokens=gitlab_tokens,
    operator="GITLAB_TOKEN",
)


def hub_tokens(country: Any) -> list[Token]:
    def token(one: Any) -> Token:
        return Token(secret=one.secret, text=one.label, mark=lambda text: setattr(one, "label", text))

    return [token(one) for one in country.state.tokens.values()]


DOCKERHUB = Case(
    name="dockerhub",
    options={"organization": "acme", "repository": ("app",), "operator": "owner"},
    create="dockerhub.createOrgAccessToken",
    delete="dockerhub.deleteOrgAccessToken",
    tokens=hub_tokens,
    operator="DOCKERHUB_PASSWORD",
)
DOCKERHUB_PERSONAL = Case(
    name="dockerhub",
    options={"username": "owner"},
    create="dockerhub.createAccessToken",
    delete="dockerhub.deleteAccessToken",
    tokens=hub_tokens,
    operator="DOCKERHUB_PASSWORD",
    narrow=False,
)
CASES = (HARBOR, QUAY, GITLAB, DOCKERHUB, DOCKERHUB_PERSONAL)


def errors(message: str) -> str:
    """Return a body of refusal in the form that most of them use."""
    return json.dumps({"message": message, "errors": [{"code": "X", "message": message}]})
