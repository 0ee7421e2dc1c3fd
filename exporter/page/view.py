"""What the page shows of a pool: its state turned into plain values, ready for the template.

Pure: no HTTP, no clock. Nothing that is unknown, stale or unreachable may come out in the colours of "fine".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from exporter.facts import Facts
from exporter.names import called, host_names, natural, vm_name
from exporter.page import words
from exporter.page.hosts import HostView, LegendEntry, host_views, legend
from exporter.page.recovery import longest
from exporter.page.tone import Tone
from exporter.state import Figures, PoolState
from planner.constraints.rules import NO_RULES
from planner.results import Reject, Tolerance

STALE_AFTER_SECONDS = 180.0
"""A source that answers is seen far more often than this."""
LAG_AFTER_SECONDS = 15.0
MAX_PIPS = 12
MAX_NAMES = 12
MAX_REJECTS = 100


@dataclass(frozen=True, slots=True)
class Pip:
    """One failure, as a dot: survived, wanted but not survived, or open."""

    kind: Literal["kept", "missed", "open"]


@dataclass(frozen=True, slots=True)
class Banner:
    """Something that must be seen before any figure."""

    tone: Tone
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The figure and what to think of it."""

    figure: str
    tone: Tone
    state: str
    """The verdict in two or three words, e.g. "target met"."""
    symbol: str
    verdict: str
    target: str
    pips: tuple[Pip, ...]
    current: bool
    """False: what is shown was true once."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line beside the figure."""

    name: str
    value: str
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class WitnessView:
    """Why the figure is not one higher."""

    question: str
    text: str
    names: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class PoolView:
    """Everything on a pool's page but its VM table."""

    key: str
    name: str
    source: str
    seen_at_seconds: float | None
    age: str
    headline: Headline
    banners: tuple[Banner, ...]
    facts: tuple[Fact, ...]
    witness: WitnessView | None
    hosts: tuple[HostView, ...]
    legend: tuple[LegendEntry, ...]
    rejects: tuple[Reject, ...]
    more_rejects: int


@dataclass(frozen=True, slots=True)
class PoolLink:
    """A pool in the list of pools."""

    key: str
    name: str
    headline: Headline
    hosts: str
    protected: str


def key_of(state: PoolState, position: int) -> str:
    """Return what names a pool in the page's address: its UUID, or its place while that is not known."""
    return state.pool_uuid or f"source-{position + 1}"


def keys_of(state: PoolState, position: int) -> tuple[str, str]:
    """Return all that names a pool in an address: an open page must survive the first sight of its pool."""
    return key_of(state, position), f"source-{position + 1}"


def name_of(state: PoolState) -> str:
    """Return the best name there is for a pool."""
    if state.pool is None or state.duplicate_of:
        return state.source
    return called(state.pool)


def link_view(state: PoolState, position: int, now_seconds: float) -> PoolLink:
    """Return a pool's line in the list of pools."""
    pool = state.pool
    return PoolLink(
        key=key_of(state, position),
        name=name_of(state),
        headline=headline(state, now_seconds),
        hosts=f"{len(pool.hosts_in_service)} of {len(pool.hosts)}" if pool else "–",
        protected=str(len(pool.protected_vms)) if pool else "–",
    )


def pool_view(
    state: PoolState, position: int, now_seconds: float, alarms: Sequence[tuple[str, str]] = ()
) -> PoolView:
    """Return what the page shows of a pool at a moment (seconds since the epoch).

    `alarms`: title and text of what its daemons cry out.
    """
    age = state.age_seconds(now_seconds)
    counted = _counted(state)
    rejects = state.snapshot.rejects if state.snapshot else ()
    losses = state.figures.host_losses if state.figures else {}
    times = state.figures.recoveries if state.figures else {}
    rooms = dict(state.figures.headroom.per_host) if state.figures and state.figures.headroom else {}
    return PoolView(
        key=key_of(state, position),
        name=name_of(state),
        source=state.source,
        seen_at_seconds=state.seen_at_seconds,
        age="never" if age is None else f"{words.age(age)} ago",
        headline=headline(state, now_seconds),
        banners=(
            *(Banner("bad", title, text) for title, text in alarms),
            *_banners(state, now_seconds),
        ),
        facts=tuple(_facts(counted, state)) if counted else (),
        witness=_witness(state.figures),
        hosts=host_views(counted, losses, rooms, times, current=is_current(state, now_seconds))
        if counted
        else (),
        legend=legend(counted) if counted else (),
        rejects=rejects[:MAX_REJECTS],
        more_rejects=max(0, len(rejects) - MAX_REJECTS),
    )


# The figure


def is_current(state: PoolState, now_seconds: float) -> bool:
    """Tell whether the figures speak of the pool as it is: source up, seen lately, no planning overdue."""
    age = state.age_seconds(now_seconds)
    return (
        state.up
        and not state.duplicate_of
        and age is not None
        and age <= STALE_AFTER_SECONDS
        and state.lag_seconds(now_seconds) <= LAG_AFTER_SECONDS
    )


def headline(state: PoolState, now_seconds: float) -> Headline:
    """Return the figure with its verdict; green only if proven, wanted and current."""
    if state.figures is None or state.duplicate_of:
        return _no_figure(state)
    tolerance = state.figures.tolerance
    current = is_current(state, now_seconds)
    tone, symbol, text = _judgement(tolerance)
    if not current:
        tone, symbol, text = "unknown", "!", f"last known: {text}"
    return Headline(
        figure=words.figure(tolerance.simultaneous),
        tone=tone,
        state=text,
        symbol=symbol,
        verdict=("" if current else "When last seen: ") + words.verdict(tolerance),
        target=words.target(tolerance) if current else "",
        pips=_pips(tolerance),
        current=current,
    )


def _no_figure(state: PoolState) -> Headline:
    if state.duplicate_of:
        text = "Another source serves this pool; its figures stand there."
    elif state.plan_problem:
        text = "The tolerance could not be worked out."
    elif state.problem:
        text = "The pool was never reached."
    else:
        text = "The first look at the pool is under way."
    return Headline("?", "unknown", "unknown", "?", text, "", (), False)


def _judgement(tolerance: Tolerance) -> tuple[Tone, str, str]:
    if tolerance.overcommitted:
        return "bad", "✕", "overcommitted"
    if tolerance.protected_vms == 0:
        return "plain", "–", "nothing protected"
    if tolerance.target is None:
        return "plain", "–", "no target"
    if tolerance.overcommitted is None:
        return "unknown", "?", "undecided"
    if tolerance.target == 0:
        return "plain", "–", "target is 0"
    return "good", "✓", "target met"


def _pips(tolerance: Tolerance) -> tuple[Pip, ...]:
    """Return one dot a failure, up to what is asked for or may be survived; none if they were too many."""
    bounds = tolerance.simultaneous
    length = max(bounds.upper, tolerance.target or 0)
    if not 0 < length <= MAX_PIPS:
        return ()
    return tuple(
        Pip("kept" if i < bounds.lower else "open" if i < bounds.upper else "missed") for i in range(length)
    )


# What must be seen first


def _banners(state: PoolState, now_seconds: float) -> list[Banner]:
    if state.duplicate_of:
        return [Banner("unknown", "Shown elsewhere.", f"{state.duplicate_of} serves the same pool.")]
    found = []
    age = state.age_seconds(now_seconds)
    if not state.up and (state.problem or age is not None):
        text = state.problem or "It does not answer."
        if age is not None:
            text += f" — Everything below was last seen {words.age(age)} ago."
        found.append(Banner("bad", "The pool cannot be reached.", text))
    elif age is not None and age > STALE_AFTER_SECONDS:
        found.append(Banner("unknown", "Old data.", f"The pool was last seen {words.age(age)} ago."))
    if state.plan_problem:
        found.append(Banner("bad", "Planning failed; the figures are older ones.", state.plan_problem))
    lag = state.lag_seconds(now_seconds)
    if lag > LAG_AFTER_SECONDS:
        text = f"The pool changed {words.age(lag)} ago; the figures speak of what was before."
        found.append(Banner("unknown", "The figures lag behind.", text))
    if state.snapshot and state.snapshot.rejects:
        count = words.plural(len(state.snapshot.rejects), "record")
        found.append(Banner("unknown", f"{count} could not be read.", "Left out of all figures; see below."))
    unread = state.facts.boot_tag_problems if state.facts else ()
    if unread:
        more = f" And {len(unread) - 1} more." if len(unread) > 1 else ""
        found.append(Banner("unknown", "A boot time could not be read.", f"{unread[0]}.{more}"))
    return found


# Beside the figure


def _counted(state: PoolState) -> Facts | None:
    """Return what is counted in the pool as last seen, as the metrics count it."""
    if state.facts is None and state.pool is not None:
        return Facts(state.pool)
    return state.facts


def _facts(counted: Facts, state: PoolState) -> list[Fact]:
    pool, down = counted.pool, counted.protected_down
    in_service = len(pool.hosts_in_service)
    facts = [
        Fact(
            "Hosts in service",
            f"{in_service} of {len(pool.hosts)}",
            tone="plain" if in_service == len(pool.hosts) else "unknown",
        ),
        Fact(
            "Protected VMs",
            str(len(pool.protected_vms)),
            f"{down} down" if down else "",
            tone="bad" if down else "plain",
        ),
    ]
    if pool.target is None:
        facts.insert(0, Fact("Target", "none", "HA is off"))
    else:
        facts.insert(0, Fact("Target", str(pool.target)))
    if state.figures:
        facts += _figure_facts(state.figures, state.recovery_objective_seconds)
    if state.rules != NO_RULES:
        facts.append(Fact("Figures also count", "", words.rules(state.rules)))
    return facts


def _figure_facts(figures: Figures, objective_seconds: float | None) -> list[Fact]:
    tolerance = figures.tolerance
    facts = []
    xapi = figures.snapshot.xapi
    if xapi is not None:
        note = words.xapi(xapi.ha_plan_exists_for, tolerance)
        says = f"{xapi.ha_plan_exists_for}{', overcommitted' if xapi.ha_overcommitted else ''}"
        facts.append(Fact("xapi's own figure", says, note, tone="bad" if "promises" in note else "plain"))
    facts.append(Fact("One after another", words.figure(tolerance.sequential), words.in_turn(tolerance)))
    for domain, bounds in tolerance.domains.items():
        facts.append(
            Fact(f"{domain}: failures at once", words.figure(bounds), f"all hosts of a {domain} together")
        )
    if figures.headroom is not None:
        room = figures.headroom
        facts.append(Fact("Largest VM that can start", words.room(room.largest), words.kept(room.target)))
    lasts = longest(figures.snapshot.pool, figures.recoveries, objective_seconds)
    if lasts is not None:
        facts.append(Fact("Longest host failure", lasts.value, lasts.note, lasts.tone))
    solver = f", {words.plural(tolerance.solver.calls, 'solver call')}" if tolerance.solver.calls else ""
    worked = f"in {words.duration(tolerance.elapsed_seconds)}{solver}"
    proof = words.method(tolerance.simultaneous.method)
    note = proof if tolerance.simultaneous.proven else f"lower bound {proof}"
    facts.append(Fact("Worked out", worked, note))
    return facts


def _witness(figures: Figures | None) -> WitnessView | None:
    """Return the proof of the upper bound, in the names of the pool it was made for."""
    if figures is None or figures.tolerance.simultaneous.witness is None:
        return None
    bounds, pool = figures.tolerance.simultaneous, figures.snapshot.pool
    witness = bounds.witness
    assert witness is not None
    hosts = host_names(pool, witness.hosts)
    names = sorted((vm_name(pool, uuid) for uuid in witness.vms), key=natural)
    return WitnessView(
        question=words.witness_question(bounds),
        text=words.witness_head(witness, hosts),
        names=tuple(names[:MAX_NAMES]),
        more=max(0, len(names) - MAX_NAMES),
    )
