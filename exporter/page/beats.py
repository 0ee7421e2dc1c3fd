"""The heartbeats on the page: a matrix a channel, how fresh each host's news of each other host is.

Pure. A cell is the age of the newest news as a share of the timeout; colour and text say the same. What was
late lately stays marked for a while, and a host outside the liveset alarms nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from exporter.daemons.state import DaemonState
from exporter.names import called
from exporter.page import words
from exporter.page.tone import Tone
from hacore.status import DISK, Channel, Peer

DENSE_FROM_HOSTS = 9
"""From so many hosts on the columns carry numbers instead of names."""
TONES: Mapping[int, Tone] = {0: "good", 25: "unknown", 50: "bad"}
"""Colours of warnings, by the share of a timeout that has passed."""
Hosts = Sequence[tuple[str, str]]
"""UUID and name of every host, in the order of the host table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A short text with its colour, and a long one for who wants to know."""

    text: str
    tone: Tone
    title: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """How fresh one host's news of all others is."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One channel: who hears whom."""

    name: str
    timeout: str
    columns: tuple[tuple[str, str], ...]
    """Short text and full name."""
    rows: tuple[MatrixRow, ...]
    dense: bool


def matrices(hosts: Hosts, states: Mapping[str, DaemonState], liveset: Set[str]) -> tuple[Matrix, ...]:
    """Return one matrix a channel, the disk first. `states`: by host UUID, as far as daemons are watched."""
    timeouts: dict[str, float] = {}
    for status in filter(None, (state.shown for state in states.values())):
        for peer in status.peers:
            timeouts |= {channel.name: channel.timeout_seconds for channel in peer.channels}
    names = sorted(timeouts, key=lambda name: (name != DISK, name))
    return tuple(_matrix(name, timeouts[name], hosts, states, liveset) for name in names)


def _matrix(
    channel: str, timeout_seconds: float, hosts: Hosts, states: Mapping[str, DaemonState], liveset: Set[str]
) -> Matrix:
    dense = len(hosts) >= DENSE_FROM_HOSTS
    rows = []
    for number, (uuid, name) in enumerate(hosts, 1):
        cells = _cells(states.get(uuid), uuid, channel, hosts, liveset)
        rows.append(MatrixRow(f"{number} {name}" if dense else name, cells))
    return Matrix(
        name=channel,
        timeout=f"{timeout_seconds:g} s",
        columns=tuple((str(i) if dense else name, name) for i, (_, name) in enumerate(hosts, 1)),
        rows=tuple(rows),
        dense=dense,
    )


def _cells(
    state: DaemonState | None, uuid: str, channel: str, hosts: Hosts, liveset: Set[str]
) -> tuple[Cell, ...]:
    """Return what the daemon of host `uuid` says of each host."""
    if state is None or state.shown is None:
        return tuple(Cell("" if other == uuid else "?", "plain") for other, _ in hosts)
    peers = {peer.uuid: peer for peer in state.shown.peers}
    return tuple(
        _Look(state, peers[other], channel, liveset).cell() if other in peers else Cell("", "plain")
        for other, _ in hosts
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One host looks at one peer over one channel."""

    state: DaemonState
    peer: Peer
    channel: str
    liveset: Set[str]

    def cell(self) -> Cell:
        """Return the age of the newest news as a share of the timeout."""
        channel = next((each for each in self.peer.channels if each.name == self.channel), None)
        if channel is None or channel.age_seconds is None:
            return Cell("–", "unknown" if self.peer.uuid in self.liveset else "plain", "never heard")
        percent = 100 * channel.age_seconds / channel.timeout_seconds if channel.timeout_seconds else 0
        if self.peer.uuid not in self.liveset:
            return Cell("out" if percent >= 100 else f"{percent:.0f}", "plain", "not in the liveset")
        worst = max(channel.warning_percent, self.state.late_percent((self.peer.uuid, channel.name)))
        tone = "bad" if percent >= 100 else TONES[channel.warning_percent]
        if tone == "good" and worst:
            tone = "unknown"
        return Cell(">999" if percent > 999 else f"{percent:.0f}", tone, self._told(channel, worst))

    def _told(self, channel: Channel, worst: int) -> str:
        """Return the sentence behind a cell."""
        assert self.state.status is not None, "only what was said is shown"
        who, whom = self.state.status.host, self.peer
        way = "reads" if channel.name == DISK else "hears"
        at = f" at {channel.address}" if channel.address else ""
        lately = f"; more than {worst} % of the timeout lately" if worst > channel.warning_percent else ""
        beats = words.plural(channel.missed_intervals, "beat")
        missed = f"; {beats} missed" if channel.missed_intervals else ""
        told = f"{called(who)} {way} {called(whom)}{at}"
        return f"{told}: {channel.age_seconds:.1f} s ago{lately}{missed}"
