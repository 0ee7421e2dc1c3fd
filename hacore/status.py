"""What a daemon tells about itself: the status snapshot, one line of JSON, `"format": "xenha-daemon/1"`.

The control socket answers with it, `xenhad status` and `xenha serve` read it. Times are seconds and relative
to the moment of the snapshot: one host's monotonic clock means nothing to another. Hosts are named by their
UUIDs. Decides nothing about membership; must never open a socket, nor read a clock.

A snapshot is believed whole or not at all, with one sentence why. Keys nobody here knows are passed over: in
a rolling upgrade an older exporter must go on watching newer daemons. What changes the meaning of a key takes
another format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from typing import Any

from hacore.core.timing import NS, Timing
from hacore.records import MAX_HOSTS, Cause, State

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
_COUNT_MAX = (1 << 64) - 1
_LISTED_MAX = 1024
_TEXT_MAX = 4096


class StatusError(ValueError):
    """Something is no status snapshot; one sentence says where and what was expected."""


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


def intervals_of(timing: Timing) -> Intervals:
    """Return the intervals in seconds."""
    names = (field.name.removesuffix("_seconds") for field in fields(Intervals))
    return Intervals(*(getattr(timing, f"{name}_ns") / NS for name in names))


# Writing


def encode(status: Status) -> bytes:
    """Return the snapshot as one line of JSON, line feed included."""
    text = json.dumps({"format": FORMAT, **_plain(status)}, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


# Reading


def decode(line: bytes) -> Status:
    """Return the snapshot in a line of JSON. Raise StatusError with what is wrong and where."""
    if len(line) > SNAPSHOT_BYTES_MAX:
        raise StatusError(f"expected at most {SNAPSHOT_BYTES_MAX} bytes, got {len(line)}")
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StatusError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise StatusError(f"expected an object, got {_shown(found)}")
    if "format" not in found and isinstance(found.get("error"), str):
        raise StatusError(f"the daemon refuses: {_shown(found['error'])}")
    if found.get("format") != FORMAT:
        raise StatusError(f'format: expected "{FORMAT}", got {_shown(found.get("format"))}')
    status: Status = _object(Status, found, "")
    _check_names(status)
    return status


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _object(kind: type, found: Any, path: str) -> Any:
    if not isinstance(found, dict):
        raise _wrong(path, "an object", found)
    values = {}
    for field in fields(kind):
        name = f"{path}.{field.name}" if path else field.name
        if field.name not in found:
            raise StatusError(f"{name}: required key is missing")
        values[field.name] = _READERS[str(field.type)](found[field.name], name)
    made = kind(**values)
    _check(made, path)
    return made


def _text(found: Any, path: str) -> str:
    if not isinstance(found, str) or len(found) > _TEXT_MAX:
        raise _wrong(path, f"a text of at most {_TEXT_MAX} letters", found)
    return found


def _flag(found: Any, path: str) -> bool:
    if not isinstance(found, bool):
        raise _wrong(path, "true or false", found)
    return found


def _count(found: Any, path: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= _COUNT_MAX:
        raise _wrong(path, "a whole number from 0 on", found)
    return found


def _seconds(found: Any, path: str) -> float:
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or abs(found) > _COUNT_MAX or not isfinite(found):
        raise _wrong(path, "seconds", found)
    return float(found)


def _counts(found: Any, path: str) -> dict[str, int]:
    if not isinstance(found, dict) or len(found) > _LISTED_MAX:
        raise _wrong(path, "an object of counts", found)
    return {_text(name, path): _count(value, f"{path}.{name}") for name, value in found.items()}


def _or_none(reader: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda found, path: None if found is None else reader(found, path)


def _list_of(reader: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def read(found: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(found, list) or len(found) > _LISTED_MAX:
            raise _wrong(path, f"a list of at most {_LISTED_MAX}", found)
        return tuple(reader(each, f"{path}[{i}]") for i, each in enumerate(found))

    return read


def _one(kind: type) -> Callable[[Any, str], Any]:
    return lambda found, path: _object(kind, found, path)


_PLAIN = {"str": _text, "bool": _flag, "int": _count, "float": _seconds}
_PARTS: tuple[type, ...] = (
    Histogram,
    Host,
    Intervals,
    Watchdog,
    Storage,
    Network,
    Channel,
    Peer,
    Evidence,
    Fences,
)
_SINGLE: dict[str, Callable[[Any, str], Any]] = {**_PLAIN, **{kind.__name__: _one(kind) for kind in _PARTS}}
_READERS: dict[str, Callable[[Any, str], Any]] = {
    **_SINGLE,
    **{f"{name} | None": _or_none(reader) for name, reader in _PLAIN.items()},
    **{f"tuple[{name}, ...]": _list_of(reader) for name, reader in _SINGLE.items()},
    "Mapping[str, int]": _counts,
}
"""By the annotation of a field: the classes above are the one description of the format."""


def _check(made: Any, path: str) -> None:
    """Refuse values that are of the right type and still mean nothing."""
    match made:
        case Histogram(bounds_seconds=bounds, counts=counts):
            if len(counts) != len(bounds) + 1 or list(bounds) != sorted(set(bounds)):
                raise StatusError(f"{path}: expected rising bounds and one count more than bounds")
        case Channel(warning_percent=percent) if percent not in WARNINGS_PERCENT:
            raise _wrong(f"{path}.warning_percent", "0, 25 or 50", percent)
        case Peer(state=state) if state is not None and state not in STATES:
            raise _wrong(f"{path}.state", f"one of {', '.join(STATES)}", state)
        case Status(state=state) if state not in STATES:
            raise _wrong("state", f"one of {', '.join(STATES)}", state)
        case Status(mode=mode) if mode not in MODES:
            raise _wrong("mode", f"one of {', '.join(MODES)}", mode)
        case Status(cause=cause) if cause not in CAUSES:
            raise _wrong("cause", f"one of {', '.join(CAUSES)}", cause)


def _check_names(status: Status) -> None:
    """Refuse two of a name: they would be one series with two values."""
    hosts = [status.host.uuid, *(peer.uuid for peer in status.peers)]
    _check_unique("host and peers", hosts)
    _check_unique("networks", [network.name for network in status.networks])
    for peer in status.peers:
        _check_unique(f"channels of {peer.uuid}", [channel.name for channel in peer.channels])
    if len(hosts) > MAX_HOSTS:
        raise StatusError(f"expected at most {MAX_HOSTS} hosts, got {len(hosts)}")
    for host in (*status.liveset, *status.dead, *status.condemned, *filter(None, [status.leader])):
        if host not in hosts:
            raise StatusError(f"{_shown(host)}: expected the uuid of the host or of a peer")


def _check_unique(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise StatusError(f"{what}: expected each name once")


def _wrong(path: str, expected: str, found: Any) -> StatusError:
    return StatusError(f"{path}: expected {expected}, got {_shown(found)}")


def _shown(found: Any) -> str:
    text = json.dumps(found, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
