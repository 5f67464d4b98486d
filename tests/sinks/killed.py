"""What a sink that writes files keeps to when its process is killed in the middle of it."""

from __future__ import annotations

from kit.killer import dies_at
from pullgrant.testing.sink_contract import make_credential

USER, FIRST, SECOND = "reader", "first-secret", "second-secret"
MOST_STEPS = 400


class KilledContract:
    """For subclasses of SinkContract that give the fixture `file`."""

    def test_killed_at_every_step_of_the_first_delivery(self, sink, slot, file, read_back):
        """A platform would be given half a credential, or a file that cannot be read."""
        before = file.read_bytes() if file.exists() else None

        def again():
            for path in file.parent.iterdir():
                path.unlink()
            if before is not None:
                file.write_bytes(before)

        seen = self.killed(sink, slot, read_back, again, FIRST)
        assert seen == {None, (USER, FIRST)}

    def test_killed_at_every_step_of_a_replacement(self, sink, slot, file, read_back):
        """A credential that pulls would be lost before the new one is there."""
        seen = self.killed(sink, slot, read_back, lambda: sink.deliver(slot, make_credential(slot.server, FIRST)), SECOND)
        assert seen == {(USER, FIRST), (USER, SECOND)}

    def killed(self, sink, slot, read_back, before, secret):
        """Kill a delivery at each of its steps; return what the slot held afterwards. The next delivery always succeeds."""
        seen = set()
        for step in range(1, MOST_STEPS):
            before()
            died = dies_at(step, lambda: sink.deliver(slot, make_credential(slot.server, secret)))
            seen.add(read_back(slot))
            sink.deliver(slot, make_credential(slot.server, secret))
            assert read_back(slot) == (USER, secret)
            if not died:
                assert step > 15
                return seen
        raise AssertionError("the delivery never came to its end")
