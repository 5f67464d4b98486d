"""The flow over the real provider, stopped before and after every call to Azure, to a platform and to the ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.azure.fake import FakeAzure
from pullgrant.errors import PullgrantError, RateLimited, Unavailable
from pullgrant.flows.apply import apply
from pullgrant.flows.recover import recover
from pullgrant.flows.revoke import revoke
from pullgrant.flows.verify import verify
from pullgrant.kit.http import Http
from pullgrant.model.credential import Credential
from pullgrant.model.image import Image
from pullgrant.model.proof import Answer, Outcome
from pullgrant.model.reader import Reader
from pullgrant.planner import Wish
from pullgrant.ports import Ports
from pullgrant.providers.azure.provider import Provider
from pullgrant.providers.azure.settings import Settings
from pullgrant.testing.actors import StageLedger, StageSink
from pullgrant.testing.fuse import Fuse, Killed, unknown
from pullgrant.testing.stage import NO_WAIT, ONE, TWO, Silent, Stage

READERS = {
    "service-principal": Settings.parse(registry="demo").to_reader(),
    "token": Settings.parse(registry="demo", method="token", repository=["team/app"]).to_reader(),
}
ERRORS: dict[str, Callable[[], PullgrantError] | None] = {
    "killed": None,
    "down": lambda: Unavailable("503"),
    "throttled": lambda: RateLimited("429"),
    "lost-answer": unknown,
}

LATE = ("killed", "lost-answer")  # the others say that nothing happened


class FakeProbe:
    """A registry that asks the fake Azure who may pull."""

    def __init__(self, azure: FakeAzure, fuse: Fuse) -> None:
        self._azure, self._fuse = azure, fuse

    def pull(self, image: Image, credential: Credential | None) -> Outcome:
        allowed = credential is not None and self._azure.pulls(credential, image.repository)
        return self._fuse.around("probe.pull", lambda: _answer(allowed))

    def push(self, image: Image, credential: Credential) -> Outcome:
        return self._fuse.around("probe.push", lambda: _answer(False))


def _answer(allowed: bool) -> Outcome:
    return Outcome(answer=Answer.ALLOWED) if allowed else Outcome(answer=Answer.DENIED, words="DENIED")


class World:
    """All that outlives a process: Azure, the platforms and the ledger."""

    def __init__(self, *, readable: bool = True) -> None:
        self.stage = Stage(readable=readable)
        self.azure = FakeAzure(clock=self.stage.clock)

    def ports(self, reader: Reader, fuse: Fuse) -> Ports:
        self.stage.locked.clear()
        self.azure.fuse = fuse
        sink = StageSink(self.stage, fuse)
        provider = Provider(reader, owner=self.stage.ledger_id, http=Http(), clock=self.stage.clock, seam=self.azure.seam)
        ledger, probe = StageLedger(self.stage, fuse), FakeProbe(self.azure, fuse)
        return Ports(
            provider=provider, sinks={"one": sink, "two": sink}, probe=probe, ledger=ledger, clock=self.stage.clock,
            report=Silent(),
        )  # fmt: skip

    def pulls(self) -> list[bool]:
        held = [self.stage.slots.get(slot) for slot in (ONE, TWO)]
        return [one is not None and self.azure.pulls(one, "team/app") for one in held]

    def live(self) -> int:
        """Return how many passwords there are."""
        passwords = [one for app in self.azure.apps.values() for one in app.passwords]
        return len(passwords) + sum(len(token.passwords) for token in self.azure.tokens_there.values())


def bootstrap(world: World, reader: Reader, fuse: Fuse) -> None:
    apply(Wish(reader=reader, slots=(ONE, TWO)), world.ports(reader, fuse), wait=NO_WAIT)


def renew(world: World, reader: Reader, fuse: Fuse) -> None:
    wish = Wish(reader=reader, slots=(ONE, TWO), verb="rotate", because="due")
    apply(wish, world.ports(reader, fuse), wait=NO_WAIT)


def check(world: World, reader: Reader, fuse: Fuse) -> None:
    verify(reader, world.ports(reader, fuse), wait=NO_WAIT)


def take_back(world: World, reader: Reader, fuse: Fuse) -> None:
    revoke(reader, world.ports(reader, fuse), wait=NO_WAIT)


def attempt(action: Any, world: World, reader: Reader, fuse: Fuse) -> bool:
    """Run one verb as a process of its own that may die; return whether it came to its end."""
    try:
        action(world, reader, fuse)
    except (Killed, PullgrantError):
        return False
    return True


def prepared(reader: Reader, *, before: bool, readable: bool) -> World:
    world = World(readable=readable)
    if before:
        bootstrap(world, reader, Fuse())
    return world


def calls_of(action: Any, reader: Reader, *, before: bool, readable: bool) -> int:
    fuse = Fuse()
    action(prepared(reader, before=before, readable=readable), reader, fuse)
    return len(fuse.calls)


def assert_converged(world: World, reader: Reader) -> None:
    """No open operation, no orphan password, both platforms pull with the one that is left after the grace."""
    recover(reader, world.ports(reader, Fuse()), wait=NO_WAIT)
    bootstrap(world, reader, Fuse())
    assert [one for one in world.stage.operations.values() if one.closed is None] == []
    assert world.pulls() == [True, True]
    assert len({world.stage.slots[slot].secret.reveal() for slot in (ONE, TWO)}) == 1
    world.stage.clock.time += timedelta(days=1, minutes=1)
    bootstrap(world, reader, Fuse())
    assert (world.live(), world.pulls()) == (1, [True, True])
    assert len(world.azure.apps) <= 1
    assert set(world.azure.tokens_there) <= {"docker-reader", "docker-reader-spare"}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("method", READERS)
@pytest.mark.parametrize(
    ("action", "before", "readable"),
    [(bootstrap, False, True), (renew, True, True), (renew, True, False), (check, True, False)],
)
def test_stopped_anywhere_the_next_run_converges(action: Any, before: bool, readable: bool, method: str, error: str) -> None:
    """If it failed, a run that dies would leave a password that nobody knows, or a platform without one that works."""
    reader = READERS[method]
    runs = 0
    for at in range(calls_of(action, reader, before=before, readable=readable)):
        for after in (False, True) if error in LATE else (False,):
            world = prepared(reader, before=before, readable=readable)
            attempt(action, world, reader, Fuse(at=at, after=after, error=ERRORS[error]))
            assert not before or world.pulls() == [True, True]
            assert_converged(world, reader)
            runs += 1
    assert runs >= 15


@pytest.mark.parametrize("method", READERS)
def test_stopped_again_inside_the_recovery(method: str) -> None:
    """If it failed, a second crash, in the recovery, would make a mess that the first one did not."""
    reader = READERS[method]
    for at in range(0, calls_of(renew, reader, before=True, readable=True), 2):
        for again in range(0, 40, 3):
            world = prepared(reader, before=True, readable=True)
            attempt(renew, world, reader, Fuse(at=at, after=True))
            fuse = Fuse(at=again, after=True)
            attempt(lambda w, r, f: recover(r, w.ports(r, f), wait=NO_WAIT), world, reader, fuse)
            assert_converged(world, reader)
            if again >= len(fuse.calls):
                break


@pytest.mark.parametrize("method", READERS)
def test_a_stopped_revocation_ends_with_nothing_of_ours(method: str) -> None:
    """If it failed, a revocation that dies would leave power in the cloud."""
    reader = READERS[method]
    for at in range(calls_of(take_back, reader, before=True, readable=True)):
        for after in (False, True):
            world = prepared(reader, before=True, readable=True)
            attempt(take_back, world, reader, Fuse(at=at, after=after))
            recover(reader, world.ports(reader, Fuse()), wait=NO_WAIT)
            take_back(world, reader, Fuse())
            azure = world.azure
            assert (azure.apps, azure.sps, azure.roles, azure.tokens_there, azure.maps) == ({}, {}, {}, {}, {})
            assert world.stage.slots == {}
            assert [one for one in world.stage.operations.values() if one.closed is None] == []


def test_the_fake_can_say_no() -> None:
    """If it failed, a rehearsal against it would prove nothing."""
    world = prepared(READERS["service-principal"], before=True, readable=True)
    held = world.stage.slots[ONE]
    assert world.azure.pulls(held, "app")
    world.azure.roles.clear()
    assert not world.azure.pulls(held, "app")
    narrow = prepared(READERS["token"], before=True, readable=True)
    held = narrow.stage.slots[ONE]
    assert [narrow.azure.pulls(held, name) for name in ("team/app", "team/other")] == [True, False]
    narrow.azure.tokens_there.clear()
    assert not narrow.azure.pulls(held, "team/app")
