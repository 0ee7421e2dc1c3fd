"""What is known of one daemon at one moment, and how a look at its socket changes it.

Values are frozen, transitions pure. Warnings are held for a while: a heartbeat may be late between two
scrapes, and on time at both. Must never read a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from exporter.daemons.client import Answer
from hacore.status import WARNINGS_PERCENT, Status

HOLD_SECONDS = 60.0
"""How long a warning is shown at least: the longest usual time between two scrapes."""
DEADLINE = "deadline"
"""Names the host's own deadline among the channels that can be late."""

LateKey = tuple[str, str]
"""UUID of the peer and name of the channel; the host's own UUID and `DEADLINE`."""


@dataclass(frozen=True, slots=True)
class Late:
    """The worst warning lately, and when it was seen last."""

    percent: int
    at_seconds: float


@dataclass(frozen=True, slots=True)
class DaemonState:
    """One watched socket. `status` stays when the daemon falls silent: the last thing it said."""

    socket: str
    up: bool = False
    problem: str = ""
    """Why it does not answer: one line; empty while it does or has not been asked yet."""
    status: Status | None = None
    seen_at_seconds: float | None = None
    """When it answered last."""
    late: Mapping[LateKey, Late] = field(default_factory=dict)
    duplicate_of: str = ""
    """Another socket that leads to the same host; this one is then not shown."""

    @property
    def host_uuid(self) -> str:
        """Return the host's UUID; empty while it is not known or another socket leads to it."""
        return "" if self.status is None or self.duplicate_of else self.status.host.uuid

    @property
    def shown(self) -> Status | None:
        """Return what the daemon says now; None if it is silent or shown elsewhere."""
        return self.status if self.up and not self.duplicate_of else None

    def late_percent(self, key: LateKey) -> int:
        """Return the worst warning of a channel, or of the deadline, lately: 0, 25 or 50."""
        late = self.late.get(key)
        return late.percent if late else 0


def looked(state: DaemonState, answer: Answer, now_seconds: float) -> DaemonState:
    """Return the state after a look; `now_seconds` since the Unix epoch."""
    if isinstance(answer, str):
        return replace(state, up=False, problem=answer)
    late = _held(state.late, _lateness(answer), now_seconds)
    return replace(state, up=True, problem="", status=answer, seen_at_seconds=now_seconds, late=late)


def deadline_percent(status: Status) -> int:
    """Return which share of T has passed since the lease was last good, as a warning: 0, 25 or 50."""
    left_seconds = status.watchdog.deadline_in_seconds
    if left_seconds is None or not status.armed:
        return 0
    used_percent = 100 * (1 - left_seconds / status.intervals.timeout_seconds)
    return max(percent for percent in WARNINGS_PERCENT if percent <= max(0, used_percent))


def _lateness(status: Status) -> dict[LateKey, int]:
    percents = {(status.host.uuid, DEADLINE): deadline_percent(status)}
    for peer in status.peers:
        percents |= {(peer.uuid, channel.name): channel.warning_percent for channel in peer.channels}
    return percents


def _held(
    before: Mapping[LateKey, Late], percents: Mapping[LateKey, int], now_seconds: float
) -> dict[LateKey, Late]:
    """Return the warnings to show: those of now, and worse ones not yet `HOLD_SECONDS` old."""
    held = {key: Late(percent, now_seconds) for key, percent in percents.items() if percent}
    for key, late in before.items():
        worse = key in percents and late.percent > percents[key]
        if worse and 0 <= now_seconds - late.at_seconds < HOLD_SECONDS:
            held[key] = late
    return held


def with_duplicates(states: Sequence[DaemonState]) -> tuple[DaemonState, ...]:
    """Return the states in the same order; of several sockets of a host one that answers keeps it."""
    owners: dict[str, str] = {}
    for state in sorted(states, key=lambda state: not state.up):
        if state.status is not None:
            owners.setdefault(state.status.host.uuid, state.socket)
    return tuple(replace(state, duplicate_of=_elsewhere(state, owners)) for state in states)


def _elsewhere(state: DaemonState, owners: Mapping[str, str]) -> str:
    owner = state.socket if state.status is None else owners[state.status.host.uuid]
    return "" if owner == state.socket else owner
