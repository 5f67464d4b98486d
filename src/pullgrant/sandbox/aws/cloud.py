"""The fake AWS as one country of the sandbox: all of its services over one state."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pullgrant.sandbox.aws import first_day
from pullgrant.sandbox.aws.addresses import API_HOSTS
from pullgrant.sandbox.aws.calls import name_of
from pullgrant.sandbox.aws.desk import Desk
from pullgrant.sandbox.aws.ecr import Ecr
from pullgrant.sandbox.aws.ecr_public import EcrPublic
from pullgrant.sandbox.aws.gate import EcrGate
from pullgrant.sandbox.aws.iam import Iam
from pullgrant.sandbox.aws.moto_door import Moto
from pullgrant.sandbox.aws.operator import Operators
from pullgrant.sandbox.aws.public_gate import PublicGate
from pullgrant.sandbox.aws.secrets_manager import SecretsManager
from pullgrant.sandbox.aws.state import State
from pullgrant.sandbox.aws.sts import Sts
from pullgrant.sandbox.country import Gate
from pullgrant.sandbox.exchange import Route
from pullgrant.sandbox.world import World


class Aws:
    """AWS. Its operators sign in with access keys, which outlive `reset`.

    Every call is a POST to /; its kind, for log and faults, is the service and the operation: `ecr.GetAuthorizationToken`.
    """

    name = "aws"

    def __init__(self, world: World, authority: object) -> None:
        self.state = State()
        self._world = world
        self._operators = Operators()
        self._moto = Moto(world, self._operators.keys)
        self._desk = Desk(state=self.state, moto=self._moto, world=world)
        self._ecr = Ecr(self._desk)
        self.reset()

    def routes(self) -> Sequence[Route]:
        """Return the one route of all services."""
        desk = self._desk
        services = {
            "iam": Iam(desk).answer,
            "sts": Sts(desk).answer,
            "ecr": self._ecr.answer,
            "ecr-public": EcrPublic(desk).answer,
            "secretsmanager": SecretsManager(desk).answer,
        }
        host, path = re.compile(API_HOSTS, re.ASCII), re.compile("/")
        return [Route(kind="aws", method="POST", host=host, path=path, answer=desk.door(services), names=name_of)]

    def gates(self) -> Sequence[Gate]:
        """Return the gates of ECR's private registries and of the public one."""
        return [EcrGate(self._desk, self._ecr), PublicGate(self._desk)]

    def programs(self) -> Mapping[str, str]:
        """Return nothing: aws is not faked, a real one can be pointed here."""
        return {}

    def tunnels(self) -> Mapping[str, int]:
        """Return nothing: all of AWS speaks HTTP/1.1."""
        return {}

    def environment(self, folder: Path, url: str) -> Mapping[str, str]:
        """Write the operators' keys; return the variables that lead there."""
        return self._operators.sign_in(folder)

    def operator_key(self) -> tuple[str, str]:
        """Return the access key id and the secret with which the operator signs in."""
        return self._operators.keys[first_day.ACCOUNT][first_day.OPERATOR]

    def reset(self) -> None:
        """Return to the first day; what signs the operators in stays valid."""
        with self._world.lock:
            for kept in (self.state.sessions, self.state.tokens, self.state.images, self.state.asked):
                kept.clear()
            self.state.images.update({place: dict(held) for place, held in first_day.REPOSITORIES.items()})
            self._desk.late.forget()
            self._moto.forget()
