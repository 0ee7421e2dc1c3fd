"""The fake pump: what stands behind the daemon's door `Pump` in a simulated world. Decides nothing itself."""

from __future__ import annotations

from hacore.core.events import DiskCycle, Heard
from hacore.records import PacketBody, SlotBody
from hacore.testing.channels import DiskChannel, Dog, Life, NetChannel
from hacore.testing.watchdog import FakeWatchdog


class FakePump:
    """Three channels of one daemon; `predecessor_finished`: it was handed over, not killed (burnt copies)."""

    def __init__(self, life: Life, predecessor_finished: bool = False) -> None:
        self.disk = DiskChannel(life, predecessor_finished)
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
        return True

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
