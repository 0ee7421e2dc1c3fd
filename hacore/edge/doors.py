"""Doors between the daemon and the world: what it needs of a pump, real or simulated. Decides nothing.

Behind `Pump` stand the native threads (hacore.edge.pump) and the simulator's fake; one contract test runs on
both (tests/hacore/edge/test_pump_contract.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hacore.core.events import DiskCycle, Heard
from hacore.core.numbering import Finished
from hacore.records import PacketBody, SlotBody

_MS = 1_000_000
BUCKETS_NS = tuple(
    ms * _MS for ms in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000)
)
"""Upper bounds (inclusive) of every histogram of the pump; one more bucket has no bound."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often something took how long, over BUCKETS_NS and one bucket without a bound; not cumulated."""

    counts: tuple[int, ...]
    sum_ns: int


@dataclass(frozen=True, slots=True)
class BeatMeter:
    """How a thread keeps its beat."""

    beats: int
    missed: int
    lateness: Histogram  # of those that were waited for
    realtime: bool  # SCHED_RR was granted


@dataclass(frozen=True, slots=True)
class DiskMeter:
    """The disk channel. Latencies are of calls that worked."""

    write: Histogram
    read: Histogram
    cycle: Histogram
    failed_writes: int
    failed_reads: int
    write_errno: int  # of the last failed call; 0: never failed
    read_errno: int
    running_ns: int  # how long the call that is out has been out; 0: none is
    good_since_ns: int  # the disk's S: start of the last cycle that extends the lease; 0: never
    sequence: int
    burnt: int  # mask of copies
    foreign_writes: int  # reads in which the own slot showed something other than what was just written
    refused: tuple[tuple[str, int], ...]  # why, how many copies came to be not believed since the start


@dataclass(frozen=True, slots=True)
class NetMeter:
    """One heartbeat network."""

    sent: int
    received: int  # and believed
    send_errors: tuple[tuple[int, int], ...]  # errno, how often
    receive_errors: tuple[tuple[int, int], ...]
    refused: tuple[tuple[str, int], ...]  # why, how many packets
    heard_ns: tuple[int, ...]  # by host: when anything new came this way; 0: never
    addresses: tuple[tuple[str, int] | None, ...]  # by host: where it is sent to


@dataclass(frozen=True, slots=True)
class DogMeter:
    """The watchdog's feeder."""

    watching: bool
    pings: int
    failed_pings: int
    last_ping_ns: int  # 0: never
    since_ns: int  # S as the lease has it; the deadline is S + T
    checked_in_ns: int


@dataclass(frozen=True, slots=True)
class Meters:
    """What the pump measured; counters start with it."""

    disk_beat: BeatMeter
    net_beat: BeatMeter
    dog_beat: BeatMeter
    disk: DiskMeter
    networks: tuple[NetMeter, ...]
    dog: DogMeter
    memory_locked: bool
    warnings: tuple[str, ...]  # what was asked for and not granted, as sentences


class Pump(Protocol):
    """Heartbeats, slots and watchdog, run apart from the brain. No call waits for disk or network."""

    def start(self) -> tuple[str, ...]:
        """Start; return what was not granted (real-time priority, locked memory), as sentences."""
        ...

    def stop(self) -> bool:
        """Stop without pinging; return whether nothing is left running (a hung I/O cannot be stopped)."""
        ...

    def left(self) -> Finished:
        """Return what its writes leave to a successor; call it only once `stop` has returned True."""
        ...

    def fileno(self) -> int:
        """Return a descriptor that is readable when `cycle` or `heard` have news; `cycle` clears it."""
        ...

    def publish(self, version: int, body: SlotBody, at_once: bool) -> None:
        """Write this body in every cycle that starts from now on; `at_once`: start one now.

        Until the first call the pump only reads (cycles of version 0, never `written`).
        """
        ...

    def say(self, body: PacketBody, at_once: bool) -> None:
        """Send this body from now on. Once it returns, `heard().granted_ns` covers every earlier body."""
        ...

    def lease(self, disk: bool, granted_ns: int) -> None:
        """Set what the watchdog is pinged by (MEMBERSHIP §2): nothing before the first call."""
        ...

    def watch(self, watchdog: int | None) -> None:
        """Ping this descriptor while the lease allows; None: stop at once, without a last ping."""
        ...

    def check_in(self) -> None:
        """Say that the brain works; without it no ping after T/4."""
        ...

    def cycle(self) -> DiskCycle | None:
        """Return the newest disk cycle that ended and was not yet returned. Takes the news away.

        An older one is dropped: whoever waits for a version is served by any later cycle that wrote it or a
        newer one.
        """
        ...

    def heard(self) -> Heard:
        """Return the newest state of the network. Unchanged bodies are the same objects."""
        ...

    def meters(self) -> Meters:
        """Return what was measured."""
        ...

    def set_address(self, peer: int, network: int, address: tuple[str, int] | None) -> None:
        """Send to this numeric address from now on; None: to nobody. A peer that moves is followed anyway."""
        ...

    def set_socket(self, network: int, socket: int | None) -> None:
        """Use this UDP socket from now on; None: the network's interface is gone."""
        ...

    def set_device(self, device: int | None) -> None:
        """Use this open statefile from now on; None: it is gone. What is burnt stays burnt."""
        ...
