"""Are k failures one after the other survived, whatever their order? (TOLERANCE §6)

From a state in which nobody waits: for each host that fails there must be a placement of its VMs after which
k − 1 more are survived. Packers propose placements; what shows a placement to be bad is feared from then on,
and a program looks for a placement that survives all that is feared. None: lost, and the fears are the proof.
A limit that comes first leaves the question open. Must never call a placement good that it did not follow to
the last failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hacore.clock import Deadline
from hacore.kernel.planning import pack
from planner.placement.packing import Refuted
from planner.placement.vector import keeps_rooms, pack_all
from planner.tolerance.scenarios import Fears, survive
from planner.tolerance.state import State, lost_hosts, settle

PACKERS = (5, 0, 4, 2, 3, 1)
"""Strategies of the kernel: worst fit first, then best fit, first fit, subset sums."""
MOST_LOST = 4
"""Hosts that one bad placement teaches us to fear: few make a program that stays small."""
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Doomed:
    """No strategy of ours survives all of these orders; empty: those who wait have no place at all."""

    fears: Fears


def holds(state: State, failures: int, deadline: Deadline) -> bool | Doomed:
    """Tell whether so many failures in any order are survived with nobody waiting; False: open."""
    if failures == 0:
        return True
    if deadline.passed():
        return False
    if failures == 1:
        lost, undecided = lost_hosts(state, deadline, MOST_LOST)
        return Doomed({host: {} for host in lost}) if lost else not undecided
    settled = True
    for host in sorted(state.hosts, key=lambda h: (-_weight(state, h), h)):
        if deadline.passed():
            return False
        found = place(state.fail(host), failures - 1, deadline)
        if isinstance(found, Doomed):
            return Doomed({host: found.fears})
        settled = settled and found is not None
    return settled


def _weight(state: State, host: int) -> int:
    return state.free[host] + sum(map(int.__mul__, state.held[host], state.needs))


def place(state: State, failures: int, deadline: Deadline) -> State | Doomed | None:
    """Return a state with those who wait placed, after which so many failures are survived; None: open."""
    if not any(state.waiting):
        return _judged(state, holds(state, failures, deadline))
    fears: Fears = {}
    for candidate in _packed(state):
        if deadline.passed():
            return None
        verdict = holds(candidate, failures, deadline)
        if verdict is True:
            return candidate
        if isinstance(verdict, Doomed):
            _learn(fears, verdict.fears)
    if not fears:
        first = settle(state, deadline)
        if not isinstance(first, State):
            return Doomed({}) if isinstance(first, Refuted) else None
    return _search(state, failures, fears, deadline)


def _judged(state: State, verdict: bool | Doomed) -> State | Doomed | None:
    return verdict if isinstance(verdict, Doomed) else state if verdict else None


def _packed(state: State) -> Iterator[State]:
    """Return the different placements of the packers."""
    instance, kinds = state.question()
    items = instance.items
    columns = [item.size for item in items], [item.bins for item in items], [item.count for item in items]
    seen = set()
    for strategy in PACKERS:
        rows = pack(instance.capacities, *columns, strategy=strategy)
        if rows is None or rows in seen or not keeps_rooms(instance, rows):
            continue
        seen.add(rows)
        yield state.with_packed(rows, kinds)
    more = pack_all(instance) if state.rooms else None
    if more is not None and more not in seen:
        yield state.with_packed(more, kinds)


def _search(state: State, failures: int, fears: Fears, deadline: Deadline) -> State | Doomed | None:
    """Look for a placement that survives all that is feared, and fear what it does not survive."""
    for _ in range(ROUNDS):
        if deadline.passed():
            return None
        answer, candidate = survive(state, fears, deadline)
        if answer == "infeasible":
            return Doomed(fears)
        if candidate is None:
            return None
        verdict = holds(candidate, failures, deadline)
        if verdict is True:
            return candidate
        if not isinstance(verdict, Doomed):
            return None
        assert _learn(fears, verdict.fears), "the program let pass what was feared"
    return None


def _learn(fears: Fears, more: Fears) -> bool:
    """Add orders to a tree of orders; tell whether any was new."""
    new = False
    for host, then in more.items():
        new |= host not in fears
        new |= _learn(fears.setdefault(host, {}), then)
    return new
