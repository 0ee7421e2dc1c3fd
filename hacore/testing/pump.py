"""The fake pump: what stands behind the daemon's door `Pump` in a simulated world. Decides nothing itself."""

from __future__ import annotations

from hacore.core.events import DiskCycle, Heard
from hacore.core.numbering import UNFINISHED, Finished
from hacore.records import PacketBody, SlotBody
from hacore.testing.channels import DiskChannel, Dog, Life, NetChannel
from hacore.testing.watchdog import FakeWatchdog


class FakePump:
    """Three channels of one daemon; `before`: what its predecessor says of its writes."""

    def __init__(self, life: Life, before: Finished = UNFINISHED) -> None:
        self.disk = DiskChannel(life, before)
        self._before = before
        self.net = NetChannel(life)
        self.dog = Dog(life, self.disk)
        self._life = life

    def start(self) -> tuple[str, ...]:
        self.disk.start()
        self.net.start()
        self.dog.start()
        return ()

    def stop(self) -> bool:
        """Stop without pinging; the world drops what its threads would still do."""
        self._life.air.detach(self._life.me)
        self.dog.watchdog = None
        return not self.disk.busy

    def left(self) -> Finished:
        turn = self.disk.turn
        return Finished(self.disk.sequence, tuple(turn.failed_ns), turn.returned_ns)

    def finished(self) -> Finished:
        """Stop, and return what a successor may believe, as `hacore.edge.start` does."""
        ended = self.stop()
        if self.disk.body is None:
            return self._before
        last = self.disk.last
        return self.left() if self._life.twins.nothing_out(last, ended=ended) else UNFINISHED

    def publish(self, version: int, body: SlotBody, at_once: bool) -> None:
        self.disk.version, self.disk.body = version, body
        if at_once:
            self.disk.kick()

    def say(self, body: PacketBody, at_once: bool) -> None:
        self.net.say(body, at_once)

    def lease(self, disk: bool, granted_ns: int) -> None:
        self.dog.lease_disk, self.dog.granted_ns = disk, granted_ns

    def watch(self, watchdog: FakeWatchdog | None) -> None:
        self.dog.watchdog = watchdog

    def check_in(self) -> None:
        life = self._life
        self.dog.checked_in_ns = life.clock.at(life.now())

    def cycle(self) -> DiskCycle | None:
        ended, self.disk.ended = self.disk.ended, None
        return ended

    def heard(self) -> Heard:
        return self.net.heard()
