"""What every sink must keep to, as tests: inherit SinkContract, give it the fixtures, and pytest runs them all.

The fixtures look at the platform's own storage, past the sink: a sink that only believes itself does not pass.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import ClassVar, TypeAlias

import pytest

from pullgrant.errors import NotOurs, PullgrantError, SinkFailed, UsageError
from pullgrant.kit.together import together
from pullgrant.model.credential import Credential, Slot
from pullgrant.model.image import canonical_host
from pullgrant.ports import Sink
from pullgrant.secret import Secret

PutForeign: TypeAlias = Callable[[Slot], Credential]
ReadBack: TypeAlias = Callable[[Slot], "tuple[str, str] | None"]
Vanish: TypeAlias = Callable[[Slot], None]
RefuseWrites: TypeAlias = Callable[[Slot], AbstractContextManager[None]]

OTHER_SERVER = "neighbour.registry.example:5000"
SECRETS = {
    "unicode": "pässwörd-密码-🔑",
    "8 KiB": "0123456789abcdef" * 512,
    "colons": ":a:b::c:",
    "quotes": 'it\'s "quoted" `twice` \\ and \\n',
    "dollars": "$HOME $(id) ${IFS} %s {} & < > | ; *",
    "newlines": '{\n  "type": "service_account",\r\n\t"private_key": "-----BEGIN\\nX\\n"\n}\n',
    "a flag": "--docker-server=https://elsewhere.example",
    "outer blanks": "  surrounded \t",
}


def make_credential(server: str, secret: str, username: str = "reader") -> Credential:
    """Return a credential for tests; the text stays out of the caller's local variables."""
    return Credential(server=canonical_host(server), username=username, secret=Secret(secret))


class DeliveryContract:
    """What every sink keeps to, one that shows nothing of what it holds too. Subclasses give the first four fixtures.

    `unholdable` names the SECRETS that the platform would change: the sink refuses those.
    """

    unholdable: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def sink(self) -> Sink:
        """The sink under test, connected to a platform that can say no."""
        raise NotImplementedError

    @pytest.fixture
    def slot(self) -> Slot:
        """An empty slot of that platform, for a registry host that is not OTHER_SERVER."""
        raise NotImplementedError

    @pytest.fixture
    def read_back(self) -> ReadBack:
        """Returns user name and secret that the platform itself would use for a slot's registry, None for nothing."""
        raise NotImplementedError

    @pytest.fixture
    def refuse_writes(self) -> RefuseWrites:
        """A context in which the platform refuses every change, in words that repeat the secret where it has words."""
        raise NotImplementedError

    @pytest.fixture
    def other(self, slot: Slot) -> Slot:
        """A slot for another registry at the same place of the same platform."""
        return dataclasses.replace(slot, server=OTHER_SERVER, name="")

    def test_deliver(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """The platform would not hold what was delivered, or the receipt would not name what inspect finds."""
        receipt = sink.deliver(slot, make_credential(slot.server, "first-secret"))
        held = sink.inspect(slot)
        assert read_back(slot) == ("reader", "first-secret")
        assert receipt.slot == slot
        assert held is not None
        assert held.reference == receipt.reference
        assert held.credential is None or held.credential == make_credential(slot.server, "first-secret")

    def test_deliver_twice(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A rotation would leave the old secret in use."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.deliver(slot, make_credential(slot.server, "second-secret"))
        assert read_back(slot) == ("reader", "second-secret")

    def test_deliver_the_same_twice(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A repeated delivery, as after a crash, would fail or change something."""
        for _ in range(2):
            sink.deliver(slot, make_credential(slot.server, "first-secret"))
        assert read_back(slot) == ("reader", "first-secret")

    def test_deliver_for_another_user(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A reader that was made anew, under another user name, could not be delivered over the old one."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.deliver(slot, make_credential(slot.server, "second-secret", "renamed"))
        assert read_back(slot) == ("renamed", "second-secret")

    @pytest.mark.parametrize("name", SECRETS)
    def test_every_byte_survives(self, sink: Sink, slot: Slot, read_back: ReadBack, name: str) -> None:
        """A key with such characters would arrive changed, and every pull would be refused."""
        secret = SECRETS[name]
        if name in self.unholdable:
            with pytest.raises((SinkFailed, UsageError)):
                sink.deliver(slot, make_credential(slot.server, secret))
            assert read_back(slot) is None
            return
        sink.deliver(slot, make_credential(slot.server, secret))
        assert read_back(slot) == ("reader", secret)
        held = sink.inspect(slot)
        assert held is not None
        assert held.credential is None or held.credential.secret.reveal() == secret

    def test_preflight_of_an_empty_slot(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A first delivery would be refused, or the check itself would change the platform."""
        sink.preflight(slot, ours=False, adopt=False)
        assert read_back(slot) is None

    def test_preflight_of_our_own(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A rotation would be refused because of our own entry."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.preflight(slot, ours=True, adopt=False)
        assert read_back(slot) == ("reader", "first-secret")

    def test_two_writers_at_once(self, sink: Sink, slot: Slot, other: Slot, read_back: ReadBack) -> None:
        """Of two deliveries to one platform at the same time one would be lost."""
        for turn in ("first-secret", "second-secret", "third-secret"):
            together(
                partial(sink.deliver, slot, make_credential(slot.server, turn)),
                partial(sink.deliver, other, make_credential(other.server, f"other {turn}")),
            )
            assert (read_back(slot), read_back(other)) == (("reader", turn), ("reader", f"other {turn}"))

    def test_writes_are_refused(self, sink: Sink, slot: Slot, refuse_writes: RefuseWrites, read_back: ReadBack) -> None:
        """A refusal would pass for a delivery, or spoil the old entry."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        with refuse_writes(slot), pytest.raises((SinkFailed, UsageError)):
            sink.deliver(slot, make_credential(slot.server, "second-secret"))
        assert read_back(slot) == ("reader", "first-secret")

    @pytest.mark.parametrize("name", SECRETS)
    def test_no_secret_is_seen(
        self, sink: Sink, slot: Slot, refuse_writes: RefuseWrites, caplog: pytest.LogCaptureFixture, name: str
    ) -> None:
        """A secret would stand in a receipt, in what inspect returns, in an error or in a log."""
        caplog.set_level(logging.DEBUG)
        secret = SECRETS[name]
        if name in self.unholdable:
            with pytest.raises((SinkFailed, UsageError)) as caught:
                sink.deliver(slot, make_credential(slot.server, secret))
            shown = _everything(caught.value)
        else:
            receipt = sink.deliver(slot, make_credential(slot.server, secret))
            held = sink.inspect(slot)
            remarks = sink.preflight(slot, ours=True, adopt=False)
            with refuse_writes(slot), pytest.raises((SinkFailed, UsageError)) as caught:
                sink.deliver(slot, make_credential(slot.server, secret, "another-user"))
            shown = f"{receipt!r} {held!r} {remarks!r} {_everything(caught.value)}"
        records = "".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)
        seen = f"{shown} {caplog.text} {records}"
        assert [form for form in _forms(secret) if form in seen] == []

    def test_a_credential_for_another_host_is_refused(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A good credential would be replaced by one that cannot work there."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        with pytest.raises(PullgrantError):
            sink.deliver(slot, make_credential("elsewhere.example", "second-secret"))
        assert read_back(slot) == ("reader", "first-secret")

    @pytest.mark.parametrize(("username", "secret"), [("", "x"), ("reader", "")])
    def test_an_empty_credential_is_refused(
        self, sink: Sink, slot: Slot, read_back: ReadBack, username: str, secret: str
    ) -> None:
        """A good credential would be replaced by an empty one."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        with pytest.raises(PullgrantError):
            sink.deliver(slot, make_credential(slot.server, secret, username))
        assert read_back(slot) == ("reader", "first-secret")

    @pytest.mark.parametrize("server", ["acr.us-east-1.akka.io", "https://kcr.us-east-1.kalix.io"])
    def test_a_registry_of_the_platform_needs_none(self, sink: Sink, slot: Slot, server: str) -> None:
        """Services would be signed in with a credential where the platform does it better by itself."""
        with pytest.raises(UsageError, match="no credential needed"):
            sink.preflight(dataclasses.replace(slot, server=server), ours=False, adopt=False)

    @pytest.mark.parametrize(
        "server", ["acr.us-east-1.akka.io.evil.example", "xacr.us-east-1.akka.io", "acr.a.b.akka.io", "acr.akka.io"]
    )
    def test_a_look_alike_is_any_registry(self, sink: Sink, slot: Slot, server: str) -> None:
        """A host that only looks like the platform's own registry would be left without a credential."""
        sink.preflight(dataclasses.replace(slot, server=server, name=""), ours=False, adopt=False)


class SinkContract(DeliveryContract):
    """The contract of ports.Sink. Subclasses give six fixtures; `slot` must be empty at the start."""

    @pytest.fixture
    def put_foreign(self) -> PutForeign:
        """Puts somebody else's credential into a slot, behind the sink's back, and returns it."""
        raise NotImplementedError

    @pytest.fixture
    def vanish(self) -> Vanish:
        """Lets all that the platform knew of a slot disappear."""
        raise NotImplementedError

    def test_inspect_names_the_user(self, sink: Sink, slot: Slot) -> None:
        """Nobody could tell whose credential a slot holds."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        held = sink.inspect(slot)
        assert held is not None
        assert held.username == "reader"

    def test_inspect_of_an_empty_slot(self, sink: Sink, slot: Slot) -> None:
        """Absence would be an error, and a first delivery could not be planned."""
        assert sink.inspect(slot) is None

    def test_a_foreign_entry_is_refused(self, sink: Sink, slot: Slot, put_foreign: PutForeign, read_back: ReadBack) -> None:
        """Somebody else's credential would be overwritten without a word, or shown."""
        foreign = put_foreign(slot)
        with pytest.raises(NotOurs) as caught:
            sink.preflight(slot, ours=False, adopt=False)
        assert [form for form in _forms(foreign.secret.reveal()) if form in _everything(caught.value)] == []
        assert read_back(slot) == (foreign.username, foreign.secret.reveal())

    def test_a_foreign_entry_is_adopted(self, sink: Sink, slot: Slot, put_foreign: PutForeign, read_back: ReadBack) -> None:
        """A user could not take over an entry, not even on purpose."""
        put_foreign(slot)
        sink.preflight(slot, ours=False, adopt=True)
        sink.deliver(slot, make_credential(slot.server, "adopted-secret"))
        assert read_back(slot) == ("reader", "adopted-secret")

    def test_other_entries_are_kept(
        self, sink: Sink, slot: Slot, other: Slot, put_foreign: PutForeign, read_back: ReadBack
    ) -> None:
        """A delivery or a withdrawal would touch the credential of another registry."""
        foreign = put_foreign(other)
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.deliver(slot, make_credential(slot.server, "second-secret"))
        assert read_back(other) == (foreign.username, foreign.secret.reveal())
        sink.withdraw(slot)
        assert read_back(other) == (foreign.username, foreign.secret.reveal())

    def test_withdraw_twice(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A withdrawal would leave the entry, or a repeated one would fail."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.withdraw(slot)
        assert read_back(slot) is None
        sink.withdraw(slot)
        assert sink.inspect(slot) is None

    def test_withdraw_from_an_empty_slot(self, sink: Sink, slot: Slot, read_back: ReadBack) -> None:
        """A revocation after a delivery that never happened would fail."""
        sink.withdraw(slot)
        assert read_back(slot) is None

    def test_the_target_vanishes_after_preflight(self, sink: Sink, slot: Slot, vanish: Vanish, read_back: ReadBack) -> None:
        """What preflight saw would be taken for what is there, and the delivery would end nowhere."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        sink.preflight(slot, ours=True, adopt=False)
        vanish(slot)
        assert sink.inspect(slot) is None
        sink.deliver(slot, make_credential(slot.server, "second-secret"))
        assert read_back(slot) == ("reader", "second-secret")

    def test_a_refused_withdrawal_is_an_error(
        self, sink: Sink, slot: Slot, refuse_writes: RefuseWrites, read_back: ReadBack
    ) -> None:
        """A revocation would be called done while the platform still holds the credential."""
        sink.deliver(slot, make_credential(slot.server, "first-secret"))
        with refuse_writes(slot), pytest.raises((SinkFailed, UsageError)):
            sink.withdraw(slot)
        assert read_back(slot) == ("reader", "first-secret")


def _everything(error: BaseException) -> str:
    """Return all that an error shows: its text, its repr, and the traceback as it would be printed."""
    return f"{error} {error!r} {vars(error)!r}" + "".join(traceback.format_exception(error))


def _forms(secret: str) -> tuple[str, ...]:
    """Return the forms in which a secret could be seen: as it is, escaped for JSON or Python, and in docker's base64."""
    login = base64.b64encode(f"reader:{secret}".encode()).decode()
    return secret.strip(), json.dumps(secret)[1:-1].strip(), repr(secret)[1:-1].strip(), login
