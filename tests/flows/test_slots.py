"""One slot of a reader on the rehearsal stage: looked into, and emptied while the others stay."""

from dataclasses import replace

import pytest

from pullgrant.errors import NotFound, NotOurs, SinkFailed, UsageError
from pullgrant.flows.apply import apply
from pullgrant.flows.slots import inspect, remove
from pullgrant.model.operation import Close
from pullgrant.planner import Wish
from pullgrant.testing.fuse import Fuse
from pullgrant.testing.stage import NO_WAIT, ONE, TWO


def bootstrap(stage, reader, **more):
    apply(Wish(reader=reader, slots=(ONE, TWO), **more), stage.ports(reader), wait=NO_WAIT)


def empty(stage, reader, slot=TWO, fuse=None):
    ports = stage.ports(reader, fuse)
    return remove(reader.id, slot, ports.ledger, ports.sinks[slot.sink], wait=NO_WAIT)


def test_one_slot_is_emptied_and_stays_empty(stage, reader):
    """The others would lose their credential, or the next renewal put one back."""
    bootstrap(stage, reader)
    assert empty(stage, reader) == (ONE,)
    assert (list(stage.slots), stage.pulls(ONE), sorted(stage.keys)) == ([ONE], True, ["key-1"])
    apply(Wish(reader=reader, slots=(ONE,), because="now"), stage.ports(reader), wait=NO_WAIT)
    assert (list(stage.slots), stage.pulls(ONE)) == ([ONE], True)
    with pytest.raises(NotFound, match="has no slot"):
        empty(stage, reader)


def test_not_while_a_delivery_waits(stage, reader):
    """`recover` would deliver into the slot that was just emptied."""
    stage.broken_sinks.add("two")
    with pytest.raises(SinkFailed):
        bootstrap(stage, reader)
    with pytest.raises(UsageError, match="not ended") as caught:
        empty(stage, reader, ONE)
    assert ("recover" in caught.value.hint, list(stage.slots)) == (True, [ONE])


def test_a_platform_that_keeps_it_is_not_forgotten(stage, reader):
    """The ledger would say that a slot is empty which holds a credential."""
    bootstrap(stage, reader)
    with pytest.raises(SinkFailed):
        empty(stage, reader, fuse=Fuse(at=0, error=lambda: SinkFailed("down")))
    assert empty(stage, reader) == (ONE,)
    assert [one.closed for one in stage.operations.values()] == [Close.CURRENT]


@pytest.mark.parametrize("adopt", [False, True])
def test_an_entry_serves_one_reader(stage, reader, adopt):
    """Two readers would take it from each other with every renewal, and revoking one would leave the other without."""
    bootstrap(stage, reader)
    second = replace(reader, name="second-reader")
    with pytest.raises(NotOurs, match=f"the credential of {reader.id}") as caught:
        bootstrap(stage, second, adopt=adopt)
    assert ("sinks.remove one" in caught.value.hint, sorted(stage.keys), stage.pulls(ONE)) == (True, ["key-1"], True)
    empty(stage, reader, ONE)
    empty(stage, reader, TWO)
    bootstrap(stage, second)
    assert (stage.pulls(ONE), stage.pulls(TWO)) == (True, True)


def test_an_entry_of_a_reader_that_was_interrupted_is_its_own(stage, reader):
    """Its recovery would deliver over what another reader put there meanwhile."""
    stage.broken_sinks.add("two")
    with pytest.raises(SinkFailed):
        bootstrap(stage, reader)
    with pytest.raises(NotOurs, match=reader.id):
        bootstrap(stage, replace(reader, name="second-reader"), adopt=True)


def test_what_a_slot_holds_is_compared_for_readers_only(stage, reader):
    """A slot that was overwritten would look sound, or a foreign one be called wrong."""
    bootstrap(stage, reader)
    ports = stage.ports(reader)
    assert inspect(reader.id, ONE, ports.ledger, ports.sinks["one"]).finding == ""
    del stage.slots[ONE]
    assert inspect(reader.id, ONE, ports.ledger, ports.sinks["one"]).finding == "holds no credential any more"
    assert inspect("", ONE, ports.ledger, ports.sinks["one"]).finding == ""
