"""Pumps of a small pool over one file and loopback sockets, and a way to wait for them without sleeping."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hacore.clock import Deadline, SystemClock
from hacore.core.events import DiskCycle, Heard
from hacore.core.numbering import UNFINISHED, Finished
from hacore.core.timing import NS, Timing, timing
from hacore.edge.pump import NativePump, PumpSetup
from hacore.kernel.native import PoolIdentity, Slot, SlotDevice, blank_body
from hacore.records import Cause, Decision, PacketBody, SlotBody, State
from hacore.statefile import SLOTS_AT, Header, dump, format_statefile, read_image

HOSTS = 3
BRIEF_NS, LONG_NS = 3 * NS, 60 * NS
"""T where a test waits for it, and where none may pass: who slept for T beside a watchdog writes no more."""
PATIENCE_SECONDS = 60
"""Nothing takes nearly so long; whatever is waited for ends the wait."""
GENERATION = "00112233-4455-6677-8899-aabbccddeeff"
UUIDS = tuple(f"{host:08x}-0000-0000-0000-000000000000" for host in range(1, HOSTS + 1))
KEY = bytes(range(32))


def decision(epoch: int, members: Sequence[int]) -> Decision:
    """Return an epoch with these incarnations, 0 for those that are no members."""
    liveset = sum(1 << host for host, who in enumerate(members) if who)
    return Decision(epoch, liveset, tuple(members), 0, Cause.FORMED)


def slot_body(me: int, decided: Decision, **changes: object) -> SlotBody:
    body = replace(blank_body(decided), incarnation=100 + me, state=State.MEMBER, row=1 << me)
    return replace(body, **changes)


def packet_body(me: int, **changes: object) -> PacketBody:
    body = PacketBody(100 + me, State.MEMBER, 2, 1 << me, True, True, 0, 1, 0, 0, 0)
    return replace(body, **changes)


def udp(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Return a socket on a port of the loopback that the system chose."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    made.setblocking(False)
    return made


@dataclass
class Host:
    """A pump with its sockets, and what it has shown so far."""

    me: int
    pump: NativePump
    device: SlotDevice
    sockets: list[socket.socket]
    cycles: list[DiskCycle] = field(default_factory=list)
    heard: Heard | None = None

    def look(self) -> None:
        cycle = self.pump.cycle()
        if cycle is not None:
            self.cycles.append(cycle)
        self.heard = self.pump.heard()

    @property
    def cycle(self) -> DiskCycle:
        """The newest cycle that was seen."""
        return self.cycles[-1]

    def hears(self, peer: int) -> bool:
        return self.heard is not None and self.heard.bodies[peer] is not None

    def close(self) -> bool:
        ended = self.pump.stop()
        for each in self.sockets:
            each.close()
        self.device.close()
        return ended


@dataclass
class Rig:
    """One statefile, and the pumps on it."""

    path: Path
    timing: Timing
    hosts: list[Host] = field(default_factory=list)

    decision = staticmethod(decision)
    slot_body = staticmethod(slot_body)
    packet_body = staticmethod(packet_body)
    udp = staticmethod(udp)

    def host(
        self,
        me: int,
        *,
        key: bytes = KEY,
        incarnation: int = 0,
        families: Sequence[socket.AddressFamily] = (socket.AF_INET,),
        writable: bool = True,
        since_ns: int = 0,
        finished: Finished = UNFINISHED,
        wall_ns: int = 0,
    ) -> Host:
        """Return a host whose pump has not started; nobody knows its addresses yet."""
        device = SlotDevice(str(self.path), writable=writable, lab=True)
        sockets = [udp(family) for family in families]
        setup = PumpSetup(
            self._pool(key),
            me,
            incarnation or 100 + me,
            self.timing,
            SLOTS_AT,
            device.fileno(),
            tuple(each.fileno() for each in sockets),
            since_ns,
            finished,
            wall_ns,
        )
        made = Host(me, NativePump(setup), device, sockets)
        self.hosts.append(made)
        return made

    def _pool(self, key: bytes) -> PoolIdentity:
        return Header(GENERATION, UUIDS, NS).identity(key)

    @property
    def pool(self) -> PoolIdentity:
        return self._pool(KEY)

    def connect(self) -> None:
        """Tell every pump where the others are."""
        for host in self.hosts:
            for peer in self.hosts:
                for network, there in enumerate(peer.sockets):
                    if peer is not host:
                        host.pump.set_address(peer.me, network, there.getsockname()[:2])

    def members(self, count: int, **options: object) -> list[Host]:
        """Return hosts that run as members of epoch 2, know each other and are being watched by nobody."""
        made = [self.host(me, **options) for me in range(count)]
        self.connect()
        decided = decision(2, [100 + me if me < count else 0 for me in range(HOSTS)])
        for host in made:
            host.pump.start()
            host.pump.publish(1, slot_body(host.me, decided), True)
            host.pump.say(packet_body(host.me), True)
            host.pump.lease(True, 0)
            host.pump.check_in()
        self.wait(lambda: all(host.cycles for host in made))
        return made

    def wait(self, what: Callable[[], bool], *others: Callable[[], None]) -> None:
        """Look at every host whenever there are news until `what` holds; do `others` each time."""
        deadline = Deadline.after(SystemClock(), PATIENCE_SECONDS)
        while True:
            for host in self.hosts:
                host.look()
            for other in others:
                other()
            if what():
                return
            assert not deadline.passed(), f"waited for too long\n{self._told()}"
            select.select([host.pump for host in self.hosts], [], [], 0.05)

    def _told(self) -> str:
        """Return what every host showed last."""
        return "\n".join(
            f"host {host.me}: {host.cycles[-1:]}\n{host.heard}\n{host.pump.meters()}" for host in self.hosts
        )

    def cycles(self, host: Host, count: int = 1) -> None:
        """Wait for so many more cycles of a host."""
        seen = len(host.cycles)
        self.wait(lambda: len(host.cycles) >= seen + count)

    def unwatch(self) -> None:
        """Take the watchdogs away: none is pinged once this returns, and its descriptor may be closed."""
        for host in self.hosts:
            host.pump.watch(None)

    def slot(self, host: int) -> Slot:
        """Return what is on the disk."""
        return dump(read_image(str(self.path)), KEY).slots[host]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Return a rig with a beat of 0.1 s and a T that nobody waits for over a newly formatted statefile."""
    path = tmp_path / "statefile"
    path.write_bytes(bytes(4 << 20))
    made = Rig(path, replace(timing(NS, 0, lab=True), timeout_ns=LONG_NS))
    with SlotDevice(str(path), lab=True) as device:
        format_statefile(device, Header(GENERATION, UUIDS, NS), KEY)
    yield made
    for host in made.hosts:
        assert host.close(), f"a thread of host {host.me} has not ended"


@pytest.fixture
def brief(rig: Rig) -> Rig:
    """Return a rig whose leases run out while a test waits."""
    rig.timing = replace(rig.timing, timeout_ns=BRIEF_NS)
    return rig
