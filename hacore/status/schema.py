"""What a daemon tells about itself: the status snapshot, one line of JSON, `"format": "xenha-daemon/1"`.

The control socket answers with it, `xenhad status` and `xenha serve` read it. Times are seconds and relative
to the moment of the snapshot: one host's monotonic clock means nothing to another. Hosts are named by their
UUIDs. Decides nothing; must never open a socket, nor read a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import accumulate
from math import inf

from hacore.core.timing import NS, Timing
from hacore.records import Cause, State

FORMAT = "xenha-daemon/1"
STATUS_REQUEST = b'{"request": "status"}\n'
"""What the control socket is asked; it answers with a snapshot, or with one line `{"error": sentence}`."""
SNAPSHOT_BYTES_MAX = 1 << 20
"""64 hosts on three networks take about 60 KiB; nobody needs to read more than this."""
DISK = "disk"
"""The channel of the shared disk; all others are networks, by their configured names."""
STATES = tuple(state.name.lower() for state in State)
CAUSES = tuple(cause.name.lower() for cause in Cause)
"""Of an epoch."""
MODES = ("disk", "grants", "majority")
"""What a member lives on: the shared disk, grants while nobody has storage, grants of more than half."""
WARNINGS_PERCENT = (0, 25, 50)
LATENCY_BOUNDS_SECONDS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Of every histogram of the daemon; one more bucket counts what took longer."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long things took. `counts` are not cumulative and hold one bucket more, for what is above all."""

    bounds_seconds: tuple[float, ...]
    counts: tuple[int, ...]
    sum_seconds: float

    @property
    def count(self) -> int:
        """Return how many things were measured."""
        return sum(self.counts)

    def bound_seconds(self, share: float) -> float:
        """Return a bound that this share of the measured things kept, 0 if nothing was measured, else inf."""
        wanted = share * self.count
        within = accumulate(self.counts[:-1])
        bounds = zip(self.bounds_seconds, within, strict=True)
        return next((bound for bound, so_far in bounds if so_far >= wanted), inf) if self.count else 0.0


NOTHING_MEASURED = Histogram(LATENCY_BOUNDS_SECONDS, (0,) * (len(LATENCY_BOUNDS_SECONDS) + 1), 0.0)


@dataclass(frozen=True, slots=True)
class Host:
    """The host that speaks; `index` is its place in the host table."""

    uuid: str
    name: str
    index: int


@dataclass(frozen=True, slots=True)
class Intervals:
    """T and what follows from it (`hacore.core.timing`)."""

    timeout_seconds: float
    beat_seconds: float
    watchdog_seconds: float
    granularity_seconds: float
    silence_seconds: float
    check_in_seconds: float
    storage_lost_seconds: float
    unheard_seconds: float
    stable_seconds: float
    cold_start_seconds: float


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The device that reboots the host when nobody pings it."""

    driver: str
    timeout_seconds: float
    deadline_in_seconds: float | None  # until S + T; negative: passed; None: no lease. Fires up to 2W earlier
    last_ping_age_seconds: float | None  # None: not pinged since the daemon started


@dataclass(frozen=True, slots=True)
class Storage:
    """The disk channel: writing the own slot, reading those of all."""

    works: bool  # the storage flag: writes and reads work
    good_cycle_age_seconds: float | None  # since the start of the last good one; None: none yet
    running_io_age_seconds: float | None  # how long the I/O under way has been out; None: none is
    copies_left: int  # copies of the own slot that no failed write may still reach
    missed_intervals: int
    failed_writes: int
    failed_reads: int
    write: Histogram
    read: Histogram
    cycle: Histogram
    lateness: Histogram  # how late the beats of the disk channel began


@dataclass(frozen=True, slots=True)
class Network:
    """One heartbeat network, seen from this host."""

    name: str
    interface: str  # empty: not bound to one
    carrier: bool | None  # None: not known
    sent_packets: int
    received_packets: int  # authentic ones
    failed_sends: int
    missed_intervals: int
    lateness: Histogram  # how late its beats began


@dataclass(frozen=True, slots=True)
class Channel:
    """How news of one peer arrive: "disk" or a network."""

    name: str
    age_seconds: float | None  # of the newest news; None: never any
    timeout_seconds: float  # at this age the peer is silent on disk, or unheard on the network
    missed_intervals: int
    warning_percent: int  # 0, 25 or 50: the share of the timeout that has passed without news
    address: str  # where the peer speaks from; empty for the disk and for peers never heard

    @property
    def left_seconds(self) -> float | None:
        """Return the time until the timeout; negative when it has passed, None if nothing ever came."""
        return None if self.age_seconds is None else self.timeout_seconds - self.age_seconds


@dataclass(frozen=True, slots=True)
class Peer:
    """Another configured host, as it speaks of itself; None where it never spoke."""

    uuid: str
    name: str
    index: int
    state: str | None
    armed: bool | None
    epoch: int | None
    storage: bool | None
    carrier: bool | None
    arbiters: int | None
    weight: int | None
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What this host sees of its own links."""

    carrier: bool | None  # None: not known
    arbiters: int  # that answered lately
    arbiters_configured: int


@dataclass(frozen=True, slots=True)
class Fences:
    """Reboots of this host by its own hand, as far as its journal remembers."""

    last_cause: str  # a FenceCause in lower case; "none"
    last_at_seconds: float | None  # since the Unix epoch
    by_cause: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Status:
    """A daemon at one moment. Order of `liveset`, `dead` and `condemned`: that of the host table."""

    version: str  # of the program
    at_seconds: float  # since the Unix epoch
    uptime_seconds: float  # of the daemon
    host: Host
    generation: str
    intervals: Intervals
    isolation: str
    quorum: str
    weight: int
    state: str
    state_age_seconds: float
    armed: bool
    watchdog: Watchdog
    epoch: int
    liveset: tuple[str, ...]
    leader: str | None
    cause: str  # of the epoch: a Cause in lower case
    dead: tuple[str, ...]
    condemned: tuple[str, ...]  # left out of the newest epoch, not certainly dead yet
    mode: str
    network_degraded: bool
    unresolved: bool  # a proposal of this host may have been decided
    waiting: str  # for what the daemon waits, in words; empty: for nothing
    check_in_age_seconds: float  # since the brain told the pump that it thinks
    storage: Storage
    networks: tuple[Network, ...]
    peers: tuple[Peer, ...]
    evidence: Evidence
    fences: Fences
    warnings: tuple[str, ...]  # sentences
    refused_packets: Mapping[str, int]  # by reason
    disbelieved_slots: Mapping[str, int]  # copies of slots read and not believed, by reason


def waits(waiting: str) -> str:
    """Return for what a daemon waits (`Status.waiting`) as a verb and its object: waits for storage."""
    return f"waits {waiting}" if waiting.startswith("to ") else f"waits for {waiting}"


def intervals_of(timing: Timing) -> Intervals:
    """Return the intervals in seconds."""
    names = (field.name.removesuffix("_seconds") for field in fields(Intervals))
    return Intervals(*(getattr(timing, f"{name}_ns") / NS for name in names))
