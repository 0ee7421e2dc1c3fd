"""What may be relied on at the door `Pump`: the native pump and the simulator's fake keep one contract.

Each test runs on both. A site is two hosts that are members, each with a pump, over one disk and one network.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

import pytest

from hacore.core.events import DiskCycle, Heard
from hacore.core.timing import NS, timing
from hacore.kernel.native import SlotDevice
from hacore.testing.clock import FakeClock
from hacore.testing.disk import FakeDisk
from hacore.testing.network import Air
from hacore.testing.port import Port, Trouble
from hacore.testing.pump import FakePump
from hacore.testing.twins import TWINS
from hacore.testing.watchdog import FakeWatchdog

TIMING = timing(NS, 0, lab=True)
BEATS = 200
"""How long the fakes are waited for: they have no haste."""


@dataclass
class Seen:
    """What a fake pump has shown so far; of native ones the rig knows it."""

    pump: FakePump
    cycles: list[DiskCycle] = field(default_factory=list)
    heard: Heard | None = None

    def look(self) -> None:
        cycle = self.pump.cycle()
        if cycle is not None:
            self.cycles.append(cycle)
        self.heard = self.pump.heard()

    @property
    def cycle(self) -> DiskCycle:
        return self.cycles[-1]


# --- the native side --------------------------------------------------------------------------------------


class NativeSite:
    """Native pumps over a file and loopback sockets."""

    def __init__(self, rig) -> None:
        self._rig = rig
        self.hosts = [rig.host(me) for me in range(2)]
        rig.connect()
        self._ends = [socket.socketpair() for _ in range(2)]
        self._pings = [0, 0]

    def watchdog(self, host: int) -> int:
        return self._ends[host][0].fileno()

    def pings(self, host: int) -> int:
        end = self._ends[host][1]
        end.setblocking(False)
        with suppress(BlockingIOError):
            self._pings[host] += len(end.recv(4096))
        return self._pings[host]

    def break_writes(self, host: int) -> None:
        with SlotDevice(str(self._rig.path), writable=False, lab=True) as device:
            self.hosts[host].pump.set_device(device.fileno())

    def mend_writes(self, host: int) -> None:
        with SlotDevice(str(self._rig.path), lab=True) as device:
            self.hosts[host].pump.set_device(device.fileno())

    def until(self, what: Callable[[], bool]) -> None:
        self._rig.wait(what)

    def close(self) -> None:
        self._rig.unwatch()
        for ends in self._ends:
            for end in ends:
                end.close()


# --- the fake side ----------------------------------------------------------------------------------------


class Life:
    """What a fake pump knows of its machine: a queue of events in place of a world."""

    def __init__(self, site: FakeSite, me: int) -> None:
        self.site, self.me, self.incarnation = site, me, 100 + me
        self.clock = FakeClock(0, 7 * NS, 1000 * me)
        self.timing, self.twins = TIMING, TWINS
        self.port = Port(site.rng, TIMING.timeout_ns)
        self.disk, self.air = site.disk, site.air

    def now(self) -> int:
        return self.site.now_ns

    def floor(self) -> int:
        return self.site.now_ns

    def chance(self) -> float:
        return self.site.rng.random()

    def overdue(self) -> bool:
        """Nobody sleeps here."""
        return False

    def after(self, delay_ns: int, act: Callable[..., None], *values: object) -> None:
        self.site.at(self.site.now_ns + delay_ns, act, *values)

    def land(self, landing, copy, content) -> None:
        def lands() -> None:
            self.disk.land(self.site.now_ns, self.me, copy, None if landing.torn else content)

        self.after(landing.after_ns, lands)

    def cycle_ended(self) -> None:
        """Nobody waits for news here."""

    def news(self) -> None:
        """Nobody waits for news here."""


class FakeSite:
    """The simulator's pumps over its disk and network."""

    def __init__(self) -> None:
        self.rng, self.now_ns = Random(1), 1
        self._queue: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._numbered = 0
        self.disk = FakeDisk(3, 10 * NS)
        self.air = Air(3, self.rng, self.at, lambda: self.now_ns)
        self._lives = [Life(self, me) for me in range(2)]
        self.hosts = [Seen(FakePump(life)) for life in self._lives]
        self._watchdogs = [FakeWatchdog(lambda: self.now_ns, NS, lambda: None) for _ in range(2)]

    def at(self, when_ns: int, act: Callable[..., None], *values: object) -> None:
        self._numbered += 1
        heappush(self._queue, (when_ns, self._numbered, act, values))

    def watchdog(self, host: int) -> FakeWatchdog:
        return self._watchdogs[host]

    def pings(self, host: int) -> int:
        return self._watchdogs[host].pings

    def break_writes(self, host: int) -> None:
        self._lives[host].port.begin(Trouble.WRITE_ERROR)

    def mend_writes(self, host: int) -> None:
        self._lives[host].port.end(Trouble.WRITE_ERROR)

    def until(self, what: Callable[[], bool]) -> None:
        end_ns = self.now_ns + BEATS * TIMING.beat_ns
        while True:
            for host in self.hosts:
                host.look()
            if what():
                return
            assert self.now_ns < end_ns, "waited for too long"
            self.now_ns, _, act, values = heappop(self._queue)
            act(*values)

    def close(self) -> None:
        """Nothing is open."""


# --- the contract -----------------------------------------------------------------------------------------


@pytest.fixture(params=["native", "fake"])
def site(request) -> Iterator[NativeSite | FakeSite]:
    """Return two hosts whose pumps run and have nothing to say yet."""
    made = NativeSite(request.getfixturevalue("rig")) if request.param == "native" else FakeSite()
    for host in made.hosts:
        host.pump.start()
    made.until(lambda: all(host.cycles for host in made.hosts))
    yield made
    made.close()


def join(site, rig) -> None:
    """Let both hosts be members, one and two of epoch 2, for whom the brain has checked in."""
    for me, host in enumerate(site.hosts):
        host.pump.publish(1, rig.slot_body(me, rig.decision(2, [100, 101, 0])), True)
        host.pump.say(rig.packet_body(me), True)
        host.pump.lease(True, 0)
    site.until(
        lambda: all(
            host.cycle.written and host.cycle.bodies[1 - me].incarnation for me, host in enumerate(site.hosts)
        )
    )


def test_before_anything_is_published_a_pump_reads(site):
    for host in site.hosts:
        site.until(lambda host=host: len(host.cycles) >= 3)
        for cycle in host.cycles:
            assert (cycle.version, cycle.written, cycle.read, cycle.copies_left) == (0, False, True, 7)
            assert [body.incarnation for body in cycle.bodies] == [0, 0, 0]


def test_a_publication_is_written_and_seen_by_all(site, rig):
    join(site, rig)
    one, two = site.hosts
    for version in range(2, 6):
        body = rig.slot_body(0, rig.decision(2, [100, 101, 0]), weight=version)
        one.pump.publish(version, body, version % 2 == 0)
        site.until(lambda version=version: one.cycle.version == version and one.cycle.written)
        assert one.cycle.read
        assert one.cycle.bodies[0] == body
        site.until(lambda body=body: two.cycle.bodies[0] == body)
    assert [cycle.version for cycle in one.cycles] == sorted(cycle.version for cycle in one.cycles)


def test_a_cycle_is_told_once(site, rig):
    join(site, rig)
    for host in site.hosts:
        site.until(lambda host=host: len(host.cycles) >= 6)
        started = [cycle.started_ns for cycle in host.cycles]
        assert started == sorted(set(started))
        for cycle in host.cycles:
            assert cycle.started_ns <= cycle.read_started_ns <= cycle.completed_ns


def test_sequences_rise_and_unchanged_bodies_stay(site, rig):
    join(site, rig)
    one = site.hosts[0]
    before = one.cycle
    site.until(lambda: one.cycle.sequences[1] > before.sequences[1] + 2)
    assert one.cycle.bodies[1] is before.bodies[1]
    assert one.cycle.bodies[2] is before.bodies[2]


def test_words_are_heard_and_echoed(site, rig):
    join(site, rig)
    one, two = site.hosts
    site.until(lambda: one.heard.echoes_ns[1] > 0 and two.heard.echoes_ns[0] > 0)
    assert one.heard.bodies[1] == rig.packet_body(1)
    assert one.heard.echoes_ns[1] <= one.heard.heard_ns[1]
    assert one.heard.bodies[2] is None
    assert one.heard.heard_ns[2] == one.heard.echoes_ns[2] == 0
    two.pump.say(rig.packet_body(1, weight=5), True)
    site.until(lambda: one.heard.bodies[1].weight == 5)


def test_when_grants_were_last_given(site, rig):
    join(site, rig)
    one, two = site.hosts
    assert one.pump.heard().granted_ns == 0
    one.pump.say(rig.packet_body(0, grants=0b010), True)
    site.until(lambda: two.heard.bodies[0].grants == 0b010)
    one.pump.say(rig.packet_body(0), True)
    granted_ns = one.pump.heard().granted_ns
    assert granted_ns > 0
    heard_ns = two.heard.heard_ns[0]
    site.until(lambda: two.heard.heard_ns[0] > heard_ns + 3 * TIMING.beat_ns)
    assert one.pump.heard().granted_ns == granted_ns


def test_pings_need_lease_check_in_and_a_watchdog(site, rig):
    join(site, rig)
    one, two = site.hosts

    def checking_in(what: Callable[[], bool]) -> Callable[[], bool]:
        def look() -> bool:
            one.pump.check_in()
            return what()

        return look

    two.pump.watch(site.watchdog(1))
    one.pump.watch(site.watchdog(0))
    site.until(checking_in(lambda: site.pings(0) >= 3))
    assert site.pings(1) == 0, "its brain never checked in"
    one.pump.watch(None)
    pings, seen = site.pings(0), len(one.cycles)
    site.until(checking_in(lambda: len(one.cycles) > seen + 5))
    assert site.pings(0) == pings
    one.pump.lease(False, 0)
    one.pump.watch(site.watchdog(0))
    site.until(checking_in(lambda: len(one.cycles) > seen + 10))
    assert site.pings(0) == pings
    one.pump.lease(True, 0)
    site.until(checking_in(lambda: site.pings(0) > pings))


def test_an_outage_costs_one_copy(site, rig):
    join(site, rig)
    one = site.hosts[0]
    site.break_writes(0)
    site.until(lambda: not one.cycle.written)
    failed, seen = one.cycle, len(one.cycles)
    site.until(lambda: len(one.cycles) > seen + 3)
    assert (one.cycle.written, one.cycle.read, one.cycle.copies_left) == (False, False, 6)
    assert list(one.cycle.sequences) == list(failed.sequences)
    site.mend_writes(0)
    site.until(lambda: one.cycle.written and one.cycle.read)
    assert one.cycle.copies_left == 6
    assert one.cycle.sequences[0] > failed.sequences[0]
