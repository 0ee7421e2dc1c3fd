"""The daemons on the page: who is a member, how long each may still live, what its storage does.

Pure, from states to plain values. A host whose daemon cannot be asked is shown as the others tell of it, and
nothing that is silent, late or unarmed comes out in the colours of "fine".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from exporter.daemons.state import DaemonState, deadline_percent
from exporter.page import words
from exporter.page.beats import TONES, Cell, Matrix, matrices
from exporter.page.tone import Tone
from exporter.state import PoolState
from hacore.status import Peer, Status, waits

FEW_COPIES = 3
"""Below two copies a host proposes nothing; without any it has no storage (MEMBERSHIP §3)."""
_SYMBOLS: dict[Tone, str] = {"good": "✓", "bad": "✕", "unknown": "!", "plain": "–"}
_CAUSES = {
    "none": "nothing was decided yet",
    "formed": "the pool was formed",
    "joined": "a host joined",
    "dead": "a host was silent on disk",
    "isolated": "hosts were cut off",
    "left": "a host left",
    "rebooted": "a host had rebooted",
    "leader": "the leader changed",
    "operator": "an operator forced it",
}
_MODES = {
    "disk": "the shared disk",
    "grants": "grants of the others",
    "majority": "grants of more than half",
}
_FENCES = {
    "left_out": "it was left out of the liveset",
    "storage_lost": "its storage was lost",
    "quorum_lost": "more than half were out of reach",
    "no_copy_left": "failed writes had used up its slot",
    "operator": "an operator asked for it",
    "brain": "its daemon broke a rule of its own",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One host: what it is, how long it may live unless its lease is renewed, its storage."""

    uuid: str
    name: str
    badges: tuple[tuple[str, Tone], ...]
    state: Cell
    deadline: Cell
    left_percent: float
    """Of T, for the bar; 0: none is drawn."""
    storage: Cell
    note: str


@dataclass(frozen=True, slots=True)
class DaemonsView:
    """The daemons of one pool."""

    key: str
    verdict: Cell
    symbol: str
    summary: str
    members: tuple[Member, ...]
    matrices: tuple[Matrix, ...]
    warnings: tuple[tuple[str, str], ...]
    silent: tuple[tuple[str, str], ...]
    """Sockets that never answered, with the reason."""


def daemons_views(
    states: Sequence[DaemonState], now_seconds: float, pools: Sequence[PoolState] | None = None
) -> tuple[DaemonsView, ...]:
    """Return what is shown of daemons: those of one generation of a pool together.

    `pools`: all that are watched, to tell of hosts that are in none of them.
    """
    known = None if pools is None else _hosts_of(pools)
    groups: dict[str, list[DaemonState]] = {}
    for state in states:
        if state.status is not None and not state.duplicate_of:
            groups.setdefault(state.status.generation, []).append(state)
    silent = tuple((state.socket, state.problem) for state in states if state.status is None)
    if not groups:
        return (_nobody(silent),) if silent else ()
    views = [_Group(group, now_seconds, known).view() for group in groups.values()]
    return (*views, _nobody(silent)) if silent else tuple(views)


def of_pool(
    daemons: Sequence[DaemonState], state: PoolState | None, states: Sequence[PoolState]
) -> list[DaemonState]:
    """Return the daemons to show with a pool (None: with the list of pools): its own, and nobody's."""
    ours = _hosts_of([state] if state else [])
    others = _hosts_of(states) - ours
    return [daemon for daemon in daemons if daemon.host_uuid not in others]


def _hosts_of(states: Sequence[PoolState]) -> set[str]:
    return {host.uuid for state in states if state.pool_uuid and state.pool for host in state.pool.hosts}


def alarms(views: Sequence[DaemonsView]) -> Iterator[tuple[str, str]]:
    """Yield title and text of what must be seen before anything else on the page."""
    for view in views:
        if view.verdict.tone == "bad":
            yield f"Heartbeats: {view.verdict.text}.", view.verdict.title


def _nobody(silent: tuple[tuple[str, str], ...]) -> DaemonsView:
    count = words.plural(len(silent), "daemon")
    verdict = Cell(f"{count} never answered", "unknown")
    return DaemonsView("silent", verdict, "?", "", (), (), (), silent)


class _Group:
    """The daemons of one generation, at one moment."""

    def __init__(
        self, states: Sequence[DaemonState], now_seconds: float, known: set[str] | None = None
    ) -> None:
        self._now_seconds = now_seconds
        self._known = known
        self._by_host = {state.host_uuid: state for state in states}
        self._speaking = {uuid: state.shown for uuid, state in self._by_host.items() if state.shown}
        # Whoever knows most is believed: the newest epoch, and of it the leader.
        told = [state.status for state in states if state.status]
        self._newest = max(
            told, key=lambda s: (s.host.uuid in self._speaking, s.epoch, s.leader == s.host.uuid)
        )
        hosts = {peer.index: (peer.uuid, peer.name) for peer in self._newest.peers}
        hosts[self._newest.host.index] = (self._newest.host.uuid, self._newest.host.name)
        self._hosts = [(uuid, name or uuid) for _, (uuid, name) in sorted(hosts.items())]
        self._names = dict(self._hosts)

    def view(self) -> DaemonsView:
        verdict = self._verdict()
        return DaemonsView(
            key=self._newest.generation,
            verdict=verdict,
            symbol=_SYMBOLS[verdict.tone],
            summary=self._summary(),
            members=tuple(self._member(uuid, name) for uuid, name in self._hosts),
            matrices=matrices(self._hosts, self._by_host, set(self._newest.liveset)),
            warnings=tuple(
                (self._names.get(uuid, uuid), warning)
                for uuid, status in self._speaking.items()
                for warning in status.warnings
            ),
            silent=(),
        )

    # The whole

    def _summary(self) -> str:
        newest = self._newest
        members = f"{len(newest.liveset)} of {words.plural(len(self._hosts), 'host')} in the liveset"
        leader = f"{self._names[newest.leader]} leads" if newest.leader else "nobody leads"
        why = _CAUSES[newest.cause]
        timeout = f"T = {newest.intervals.timeout_seconds:g} s"
        foreign = self._known is not None and self._known.isdisjoint(self._names)
        note = " These hosts are in no watched pool." if foreign else ""
        return f"Epoch {newest.epoch}, decided because {why}: {members}, {leader}. {timeout}.{note}"

    def _verdict(self) -> Cell:
        """Return the gravest thing there is to say; "good" only if every host itself says so."""
        return next(self._findings(), Cell("all members, all armed", "good"))

    def _findings(self) -> Iterator[Cell]:
        speaking, newest = list(self._speaking.values()), self._newest
        if not speaking:
            yield Cell("no daemon answers", "unknown")
            return
        near = [s for s in speaking if s.state == "fencing" or deadline_percent(s) >= 50]
        if near:
            yield Cell(f"{self._listed(near)} near to fencing", "bad", "The lease was not renewed in time.")
        unarmed = [s for s in speaking if s.host.uuid in newest.liveset and not s.armed]
        if unarmed:
            text = "Should the host hang, its VMs must not be restarted elsewhere."
            yield Cell(f"{self._listed(unarmed)} not armed", "bad", text)
        lost = [s for s in speaking if s.host.uuid in newest.liveset and not s.storage.works]
        if lost:
            yield Cell(f"{self._listed(lost)} without storage", "bad", f"Alive on {_MODES[lost[0].mode]}.")
        if any(status.network_degraded for status in speaking):
            yield Cell("network degraded", "unknown")
        missing = len(self._hosts) - len(newest.liveset)
        if missing:
            yield Cell(f"{words.plural(missing, 'host')} not in the liveset", "unknown")
        if any(
            late.percent for state in self._by_host.values() if state.shown for late in state.late.values()
        ):
            yield Cell("late heartbeats", "unknown")
        quiet = len(self._hosts) - len(speaking)
        if quiet:
            yield Cell(f"{words.plural(quiet, 'daemon')} not asked or silent", "unknown")

    def _listed(self, statuses: Sequence[Status]) -> str:
        return words.listed([self._names.get(status.host.uuid, status.host.uuid) for status in statuses])

    # One host

    def _member(self, uuid: str, name: str) -> Member:
        status = self._speaking.get(uuid)
        if status is None:
            return self._untold(uuid, name)
        return Member(
            uuid=uuid,
            name=name,
            badges=tuple(self._badges(uuid)),
            state=_state(status.state, self._in_liveset(uuid)),
            deadline=_deadline(status),
            left_percent=_left_percent(status),
            storage=_storage(status),
            note=self._note(status),
        )

    def _untold(self, uuid: str, name: str) -> Member:
        """Return a host whose daemon does not answer here, by what the others heard of it."""
        told = next((peer for s in self._told_by() for peer in s.peers if peer.uuid == uuid), None)
        state = self._by_host.get(uuid)
        if state and state.seen_at_seconds is not None:
            silent_for = words.age(self._now_seconds - state.seen_at_seconds)
            note = f"Silent for {silent_for}: {state.problem}."
        else:
            note = "Its daemon is not asked from here."
        return Member(
            uuid=uuid,
            name=name,
            badges=tuple(self._badges(uuid)),
            state=self._heard(uuid, told),
            deadline=Cell("not known", "plain"),
            left_percent=0,
            storage=Cell("not known", "plain"),
            note=note,
        )

    def _told_by(self) -> list[Status]:
        """Return who may tell of others: the one that knows most first."""
        return sorted(self._speaking.values(), key=lambda status: status is not self._newest)

    def _heard(self, uuid: str, peer: Peer | None) -> Cell:
        if uuid in self._newest.dead:
            return Cell("dead", "bad", "It certainly runs no VM any more.")
        if uuid in self._newest.condemned:
            return Cell("left out", "bad", "Not certainly dead yet: its VMs wait.")
        if peer is None or peer.state is None:
            return Cell("never heard", "unknown")
        told = _state(peer.state, self._in_liveset(uuid))
        return Cell(told.text, "plain" if told.tone == "good" else told.tone, "As the others heard it.")

    def _badges(self, uuid: str) -> Iterator[tuple[str, Tone]]:
        if uuid == self._newest.leader:
            yield "leader", "plain"
        status = self._speaking.get(uuid)
        if status and not status.armed:
            yield "not armed", "bad" if self._in_liveset(uuid) else "plain"
        if status and status.mode != "disk":
            yield f"on {status.mode}", "unknown" if status.mode == "grants" else "plain"
        if status and status.network_degraded:
            yield "network degraded", "unknown"
        if status and status.watchdog.driver == "null":
            yield "no watchdog", "bad"

    def _in_liveset(self, uuid: str) -> bool:
        return uuid in self._newest.liveset

    def _note(self, status: Status) -> str:
        parts = []
        if status.waiting:
            parts.append(f"W{waits(status.waiting)[1:]}.")
        if status.fences.last_cause != "none":
            why = _FENCES.get(status.fences.last_cause, status.fences.last_cause)
            when = status.fences.last_at_seconds
            ago = "" if when is None else f" {words.age(self._now_seconds - when)} ago"
            parts.append(f"Fenced itself{ago}: {why}.")
        return " ".join(parts)


def _state(state: str, in_liveset: bool) -> Cell:
    match state:
        case "member" if in_liveset:
            return Cell("member", "good")
        case "member":
            return Cell("left out", "bad", "It does not know yet.")
        case "fencing":
            return Cell("fencing", "bad", "About to reboot itself.")
        case "joining" | "leaving":
            return Cell(state, "unknown")
        case "excluded":
            return Cell("excluded", "plain", "Left cleanly; nobody waits for it.")
        case _:
            return Cell(state, "unknown")


def _deadline(status: Status) -> Cell:
    """Return the time that is left until the host must have fenced itself."""
    left_seconds = status.watchdog.deadline_in_seconds
    if not status.armed:
        return Cell("none: not armed", "plain")
    if left_seconds is None:
        return Cell("no lease", "bad")
    if left_seconds < 0:
        return Cell(f"passed {-left_seconds:.1f} s ago", "bad")
    return Cell(f"{left_seconds:.1f} s left", TONES[deadline_percent(status)])


def _left_percent(status: Status) -> float:
    left_seconds = status.watchdog.deadline_in_seconds
    if left_seconds is None or not status.armed:
        return 0
    return round(min(100, max(0, 100 * left_seconds / status.intervals.timeout_seconds)), 1)


def _storage(status: Status) -> Cell:
    storage = status.storage
    running = storage.running_io_age_seconds
    if not storage.works:
        out = f", I/O out for {running:.0f} s" if running else ""
        return Cell(f"lost{out}", "bad")
    took_seconds = storage.cycle.bound_seconds(0.99)
    speed = f"works, 99 % within {_spoken(took_seconds)}" if 0 < took_seconds < inf else "works"
    if storage.copies_left <= FEW_COPIES:
        left = "1 copy" if storage.copies_left == 1 else f"{storage.copies_left} copies"
        return Cell(
            f"works, {left} of its slot left", "unknown", "Failed writes may still land on the others."
        )
    failed = (
        f"{words.plural(storage.failed_writes, 'write')} and {words.plural(storage.failed_reads, 'read')}"
    )
    return Cell(speed, "good", f"{failed} failed since the daemon started")


def _spoken(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
