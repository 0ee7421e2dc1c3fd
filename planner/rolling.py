"""Rolling maintenance: an order in which every host in service is emptied, taken out and brought back once.

A host comes back empty, and the VMs stay where they went: bringing them home would double the migrations, and
the empty host is what the next one needs. While a host is out, what remains must survive `floor` failures at
once: that level is asked for and no other figure. Where places found first leave less, others are looked for,
and further migrations may repair it (DESIGN §5.5, REQUIREMENTS B6). Of the hosts left, the emptiest that
works is next. That is one order, not all of them: if it gets stuck, "impossible" is said only with a proof
that holds in any order. Nothing is stopped: a VM that can run on one host only makes its maintenance
impossible, unless that host is skipped. Every step's moves are judged by the independent verifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from hacore.clock import Clock, Deadline, Stopwatch
from planner.agility import Reach
from planner.constraints.memory import applied
from planner.constraints.preferences import worsened
from planner.constraints.rules import NO_RULES, Rules
from planner.drain import Leaving, pool_after
from planner.errors import PlanRejected
from planner.model import VM, Pool
from planner.placement.prefer import prefer
from planner.placement.problem import problem_of
from planner.placement.spread import NOWHERE
from planner.placement.verify_moves import verify_moves
from planner.repair.answer import repair
from planner.repair.judge import Judge
from planner.results import Move, Unplaced
from planner.tolerance.foresight import FORESEEN
from planner.tolerance.lookahead import look_ahead

STEP_SECONDS = 2.0
"""Time for one host, at most."""
JUDGE_SHARE = 1 / 2
"""Of what is left of it, for whether the floor holds with one choice of places."""


@dataclass(frozen=True, slots=True)
class Step:
    """One maintenance: `moves` empty `host` and may be made in their order; then it is out, then back."""

    host: str
    moves: tuple[Move, ...]
    breaks_groups: tuple[str, ...] = ()
    """Groups (uuids) whose preference is kept less well afterwards: nothing better was found."""

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "moves": [move.to_json() for move in self.moves],
            "breaks_groups": list(self.breaks_groups),
        }


@dataclass(frozen=True, slots=True)
class Stuck:
    """The step that cannot work: what cannot leave, or how much memory is missing whatever moves."""

    host: str
    lacking_bytes: int | None
    """None: not known, or not a matter of memory."""
    blocked: tuple[Unplaced, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "lacking_bytes": self.lacking_bytes,
            "blocked": [vm.to_json() for vm in self.blocked],
        }


@dataclass(frozen=True, slots=True)
class Rolling:
    """The order; `possible` None: none was found, and none is refuted. `steps` are those that work."""

    floor: int
    possible: bool | None
    steps: tuple[Step, ...]
    stuck: Stuck | None
    elapsed_seconds: float

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-rolling/1",
            "floor": self.floor,
            "possible": self.possible,
            "steps": [step.to_json() for step in self.steps],
            "stuck": None if self.stuck is None else self.stuck.to_json(),
            "elapsed_seconds": self.elapsed_seconds,
        }


def rolling(
    pool: Pool,
    *,
    floor: int | None = None,
    skip: Sequence[str] = (),
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> Rolling:
    """Return an order of maintenance for all hosts in service, or the step at which none was found.

    `floor` None: one below the pool's target, at least 0. Hosts in `skip` (uuids) stay in service throughout.
    `rules`: what counts beside memory, reach and enforced groups.
    Raises PlanRejected if the verifier refuses moves: a bug.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    kept = max(0, (pool.target or 0) - 1) if floor is None else floor
    left = [host.uuid for host in pool.hosts_in_service if host.uuid not in skip]
    refuted = _refuted(pool, rules, left, kept, clock)
    if refuted is not None:
        return Rolling(kept, False, (), refuted, watch.seconds())
    steps: list[Step] = []
    while left:
        step, stuck = _next(pool, rules, left, kept, deadline)
        if step is None:
            return Rolling(kept, None, tuple(steps), stuck, watch.seconds())
        steps.append(step)
        pool = pool_after(pool, step.moves)
        left.remove(step.host)
    return Rolling(kept, True, tuple(steps), None, watch.seconds())


def _next(
    pool: Pool, rules: Rules, left: Sequence[str], floor: int, deadline: Deadline
) -> tuple[Step | None, Stuck | None]:
    """Return the emptiest host that can be maintained now, else the first that could not."""
    first: Stuck | None = None
    for host in sorted(left, key=lambda uuid: (_used(pool, uuid), uuid)):
        within_seconds = min(STEP_SECONDS, deadline.left_seconds())
        moves, blocked = _emptied(pool, rules, host, floor, Deadline.after(deadline.clock, within_seconds))
        if moves is not None:
            return Step(host, moves, worsened(pool, pool_after(pool, moves))), None
        first = first or Stuck(host, None, blocked)
        if deadline.passed():
            break
    return None, first


def _emptied(
    pool: Pool, rules: Rules, host: str, floor: int, deadline: Deadline
) -> tuple[tuple[Move, ...] | None, tuple[Unplaced, ...]]:
    """Return moves that empty a host and keep the floor, or None and what cannot leave, if it is that."""
    leaving = Leaving(pool, [host], rules)
    recovery = leaving.recover(deadline)
    if NOWHERE in recovery.to:
        return None, leaving.blocked(recovery)
    for moves in _ways(leaving, recovery.to, rules, floor, deadline):
        out = pool_after(leaving.original, moves)
        if Judge(deadline, share=JUDGE_SHARE).holds(problem_of(*applied(out, rules)), floor):
            violations = verify_moves(leaving.original, moves, rules)
            if violations:
                raise PlanRejected(violations)
            return moves, ()
    return None, ()


def _ways(
    leaving: Leaving, places: Sequence[int], rules: Rules, floor: int, deadline: Deadline
) -> Iterator[tuple[Move, ...]]:
    """Yield moves that empty a host: as groups prefer, as found, looking ahead, and with a repair."""
    preferred = prefer([wish.piece for wish in leaving.wishes], places, leaving.room, leaving.ties)
    yield leaving.moves(preferred)
    moves = leaving.moves(places)
    if preferred != list(places):
        yield moves
    ahead = None
    if 0 < floor <= FORESEEN:
        ahead = look_ahead(leaving.problem(), 0, leaving.wishes_ahead, floor, deadline)
    if ahead is not None:
        yield leaving.moves(ahead)
    out, left_seconds = pool_after(leaving.original, moves), deadline.left_seconds()
    more = repair(out, target=floor, limit_seconds=left_seconds, clock=deadline.clock, rules=rules).moves
    if more:
        yield (*moves, *more)


def _used(pool: Pool, host: str) -> int:
    return pool.host_by_uuid[host].memory_total_bytes - pool.free_unclamped_bytes[host]


def _refuted(original: Pool, rules: Rules, hosts: Sequence[str], floor: int, clock: Clock) -> Stuck | None:
    """Return a host whose maintenance works in no order, with the proof; the one that lacks most memory."""
    pool, _ = applied(original, rules)
    for host in _with_bound_vms(pool, hosts):
        leaving = Leaving(original, [host], rules)
        blocked = leaving.blocked(leaving.recover(Deadline.after(clock, STEP_SECONDS)))
        return Stuck(host, None, tuple(vm for vm in blocked if vm.reason == "reach"))
    lacking = _lacking(pool, hosts, floor)
    worst = max(hosts, key=lambda host: lacking[host], default=None)
    return Stuck(worst, lacking[worst], ()) if worst is not None and lacking[worst] > 0 else None


def _with_bound_vms(pool: Pool, hosts: Sequence[str]) -> list[str]:
    """Return those of the hosts with a running VM that no other host in service could take, ever."""
    bit = {host.uuid: 1 << i for i, host in enumerate(pool.hosts_in_service)}
    vms = [vm for vm in pool.vms if _runs(vm) and vm.home in hosts and vm.occupies <= {vm.home}]
    masks = Reach(pool).masks(vms)
    return sorted(
        {vm.home for vm, mask in zip(vms, masks, strict=True) if vm.home and not mask & ~bit[vm.home]}
    )


def _lacking(pool: Pool, hosts: Sequence[str], floor: int) -> dict[str, int]:
    """Return how much memory is missing without each host, whatever goes where; ≤ 0: none, by volume.

    All that runs must fit on the others, and all that is protected on those that the largest `floor` failures
    leave.
    """
    rooms = _rooms(pool)
    places, whole = frozenset(rooms), sum(rooms.values())
    running = sum(vm.need_bytes for vm in pool.vms if _runs(vm) and vm.occupies and vm.occupies <= places)
    protected = sum(vm.need_bytes for vm in pool.protected_vms if vm.power_state != "Suspended")
    lacking = {}
    for host in hosts:
        left = whole - rooms[host]
        survivors = left - sum(nlargest(floor, (room for uuid, room in rooms.items() if uuid != host)))
        lacking[host] = max(running - left, protected - survivors)
    return lacking


def _rooms(pool: Pool) -> dict[str, int]:
    """Return the memory for VMs of each host in service: all but its overhead and control domains.

    An overfull host has as much as it holds: what runs there may stay.
    """
    rooms = {h.uuid: h.memory_total_bytes - h.memory_overhead_bytes for h in pool.hosts_in_service}
    for vm in pool.vms:
        if vm.is_control_domain and vm.resident_on in rooms:
            rooms[vm.resident_on] -= vm.need_bytes
    return {uuid: max(0, room - min(0, pool.free_unclamped_bytes[uuid])) for uuid, room in rooms.items()}


def _runs(vm: VM) -> bool:
    return vm.power_state in ("Running", "Paused") and not vm.is_control_domain
