"""The restart plan: which VMs start where, and when, after given hosts failed (DESIGN §5.4).

Restarted are the protected VMs of the failed hosts and those that are down, then the best-effort VMs that
ran on the failed hosts. Order classes start one after the other: 0 first, ascending, negative ones last; each
is a wave, counted from 1; best-effort VMs have waves of their own at the end. Running VMs are never moved.
Every plan is judged by the independent verifier before anybody sees it. Equal pools and failed hosts give
equal plans, whatever the order of anything in them, unless the limit ends a search (`optimal` is False).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from operator import attrgetter

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.preferences import Ties
from planner.constraints.resource import Resources
from planner.constraints.rules import NO_RULES, Rules
from planner.errors import PlanRejected, UnknownHostError
from planner.inventory.poolfile import dump_pool
from planner.model import VM, Host, Pool
from planner.placement.places import lacking, pieces_of, room_of
from planner.placement.prefer import prefer
from planner.placement.recovery import Recovery, recover
from planner.placement.shortage import left_down
from planner.placement.spread import NOWHERE
from planner.placement.verify import verify_plan
from planner.placement.wishes import Wish
from planner.results import Gap, Placement, Plan, Tolerance, Unplaced
from planner.schedule.pace import USUAL_PACE, Pace
from planner.schedule.predict import predict
from planner.schedule.prediction import RecoveryTime

Turn = tuple[bool, float]
"""(best-effort?, order; infinite for a negative one): who starts before whom."""


def plan(
    pool: Pool,
    failed: Sequence[str],
    *,
    limit_seconds: float = 10.0,
    clock: Clock,
    pace: Pace = USUAL_PACE,
    rules: Rules = NO_RULES,
) -> Plan:
    """Return the restart plan after the hosts `failed` (uuids or unique names) failed.

    Where everybody restarts, the plan is one after which more failures are survived, if there is one
    (`tolerance/foresight.py`). Search, figure and foresight may each take `limit_seconds`.
    `pace` is what the prediction of the times rests on; it changes no placement.
    `rules`: what counts beside memory, reach and enforced groups.
    Raises UnknownHostError; PlanRejected if the verifier refuses the plan: a bug.
    """
    watch = Stopwatch.start(clock)
    case = _Case(_sorted(pool), resolve(pool, failed), rules)
    recovery = recover(case.wishes, case.room, Deadline.after(clock, limit_seconds))
    after = _tolerance_after(case, _plan_of(case, recovery), limit_seconds, clock)
    recovery, after = _with_foresight(case, recovery, after, limit_seconds, clock)
    recovery, after = _with_preferences(case, recovery, after, limit_seconds, clock)
    result = _identified(case, replace(_plan_of(case, recovery), tolerance_after=after))
    prediction = predict(case.pool, case.failed, result.placements, complete=result.complete, pace=pace)
    result = replace(result, prediction=prediction, elapsed_seconds=watch.seconds())
    violations = verify_plan(case.original, result, rules)
    if violations:
        raise PlanRejected(violations)
    return result


class SingleLosses:
    """What each single host failure would leave down in one pool; what they share is worked out once."""

    def __init__(self, pool: Pool, rules: Rules = NO_RULES) -> None:
        pool, rules = applied(pool, rules)
        resources = resources_of(pool, rules)
        self.pool = pool
        self._index = {host.uuid: i for i, host in enumerate(pool.hosts_in_service)}
        self._room = room_of(pool, resources)
        concerned = [vm for vm in pool.protected_vms if vm.power_state != "Suspended"]
        wishes = _wishes_of(pool, concerned, resources)
        self._down = [wish for vm, wish in zip(concerned, wishes, strict=True) if pool.is_down(vm)]
        self._at: dict[str | None, list[Wish]] = defaultdict(list)
        for vm, wish in zip(concerned, wishes, strict=True):
            if not pool.is_down(vm):
                self._at[vm.home].append(wish)

    def unplaced(self, host: str, *, limit_seconds: float = 10.0, clock: Clock) -> tuple[int, bool]:
        """Return how many protected VMs the plan would leave down if `host` failed, and whether it is proven.

        Those that are down already count if they stay down. Raises UnknownHostError.
        """
        (uuid,) = resolve(self.pool, [host])
        lost = 1 << self._index[uuid] if uuid in self._index else 0
        wishes = [_without(wish, lost) for wish in (*self._down, *self._at.get(uuid, ()))]
        recovery = recover(wishes, self._room, Deadline.after(clock, limit_seconds), numbers_only=True)
        return recovery.to.count(NOWHERE), recovery.proven


class SingleRecoveries:
    """When each single host failure would be over in one pool; what they share is worked out once."""

    def __init__(self, pool: Pool, pace: Pace, rules: Rules = NO_RULES) -> None:
        self.pool = pool
        self.pace = pace
        self.rules = rules
        self._sorted = _sorted(pool)

    def recovery(self, host: str, *, limit_seconds: float = 10.0, clock: Clock) -> RecoveryTime:
        """Return when all protected VMs would serve again if `host` failed, by the places found first.

        A plan that looks ahead may choose others; it starts the same VMs in the same waves. Raises
        UnknownHostError.
        """
        case = _Case(self._sorted, resolve(self.pool, [host]), self.rules)
        recovery = recover(case.wishes, case.room, Deadline.after(clock, limit_seconds))
        made = _plan_of(case, recovery)
        told = predict(case.pool, case.failed, made.placements, complete=made.complete, pace=self.pace)
        return RecoveryTime(told.recovery_seconds, made.complete or made.optimal)


def unplaced_if_failed(
    pool: Pool, host: str, *, limit_seconds: float = 10.0, clock: Clock
) -> tuple[int, bool]:
    """Return `SingleLosses.unplaced` of one host: for several hosts of a pool make the object once."""
    return SingleLosses(pool).unplaced(host, limit_seconds=limit_seconds, clock=clock)


def _without(wish: Wish, lost: int) -> Wish:
    piece = wish.piece
    return replace(wish, piece=replace(piece, hosts=piece.hosts & ~lost)) if piece.hosts & lost else wish


def resolve(pool: Pool, hosts: Sequence[str], *, option: str = "--fail") -> tuple[str, ...]:
    """Return the uuids, sorted and each once, of hosts given by uuid or unique name.

    `option` is how they were given. Raises UnknownHostError.
    """
    return tuple(sorted({_resolve(pool, host, option) for host in hosts}))


def _resolve(pool: Pool, host: str, option: str) -> str:
    if host in pool.host_by_uuid:
        return host
    named = tuple(sorted(candidate.uuid for candidate in pool.hosts if candidate.name == host))
    if len(named) != 1:
        raise UnknownHostError(host, pool.name or pool.uuid, candidates=named, option=option)
    return named[0]


def turn_of(vm: VM) -> Turn:
    """Return when a VM's turn is: protected before best-effort, orders ascending, negative ones last."""
    return (not vm.protected, vm.order if vm.order >= 0 else inf)


def _sorted(pool: Pool) -> Pool:
    """Return `pool` in the order of uuids: the order of an inventory must not show in a plan."""
    by_uuid = attrgetter("uuid")
    return replace(
        pool,
        hosts=tuple(sorted(pool.hosts, key=by_uuid)),
        srs=tuple(sorted(pool.srs, key=by_uuid)),
        networks=tuple(sorted(pool.networks, key=by_uuid)),
        groups=tuple(sorted(pool.groups, key=by_uuid)),
        vms=tuple(sorted(pool.vms, key=by_uuid)),
    )


class _Case:
    """A pool and its failed hosts as the question for `recover`; hosts by index into hosts_in_service.

    `pool` is the pool as memory rules show it.
    """

    def __init__(self, original: Pool, failed: tuple[str, ...], rules: Rules) -> None:
        self.original = original
        self.rules = rules
        pool, self.rules_left = applied(original, rules)
        self.resources = resources_of(pool, self.rules_left)
        self.pool = pool
        self.failed = failed
        self.hosts = pool.hosts_in_service
        self.alive = sum(1 << i for i, host in enumerate(self.hosts) if host.uuid not in failed)
        self.vms = [vm for vm in pool.vms if _restarts(pool, vm, failed)]
        self.room = room_of(pool, self.resources)
        lost = (1 << len(self.hosts)) - 1 & ~self.alive
        self.wishes = [_without(wish, lost) for wish in _wishes_of(pool, self.vms, self.resources)]

    def survivors(self, mask: int) -> list[Host]:
        """Return the surviving hosts in `mask`."""
        return [host for i, host in enumerate(self.hosts) if (mask & self.alive) >> i & 1]


def _wishes_of(pool: Pool, vms: Sequence[VM], resources: Resources) -> list[Wish]:
    """Return the wishes of VMs, as if every host in service took them; turns count among these VMs."""
    turns = {turn: i for i, turn in enumerate(sorted({turn_of(vm) for vm in vms}))}
    pieces = pieces_of(pool, vms, resources)
    return [Wish(piece, turns[turn_of(vm)], vm.protected) for vm, piece in zip(vms, pieces, strict=True)]


def _restarts(pool: Pool, vm: VM, failed: tuple[str, ...]) -> bool:
    if vm.protected:
        return pool.is_down(vm) or (vm.home in failed and vm.power_state != "Suspended")
    ran = vm.home in failed and vm.power_state in ("Running", "Paused")
    return ran and vm.best_effort and not vm.is_control_domain


def _plan_of(case: _Case, recovery: Recovery) -> Plan:
    complete = all(
        to != NOWHERE or not wish.protected for to, wish in zip(recovery.to, case.wishes, strict=True)
    )
    return Plan(
        plan_id="",
        failed_hosts=case.failed,
        complete=complete,
        optimal=complete or recovery.proven,
        placements=_placements(case, recovery),
        unplaced=_unplaced(case, recovery),
        elapsed_seconds=0.0,
        solver=recovery.solver,
        gap=_gap_of(case, recovery),
    )


def _gap_of(case: _Case, recovery: Recovery) -> Gap | None:
    gap = recovery.gap
    if gap is None:
        return None
    orders = (vm.order for vm, wish in zip(case.vms, case.wishes, strict=True) if wish.turn == gap.turn)
    return Gap(None if gap.turn is None else max(-1, next(orders)), gap.placed, gap.at_most)


def _placements(case: _Case, recovery: Recovery) -> tuple[Placement, ...]:
    """Return the placements by wave, then uuid."""
    placed = [
        (vm, case.hosts[to].uuid) for vm, to in zip(case.vms, recovery.to, strict=True) if to != NOWHERE
    ]
    turns = sorted({turn_of(vm) for vm, _ in placed})
    wave = {turn: i for i, turn in enumerate(turns, start=1)}
    return tuple(
        Placement(
            vm=vm.uuid,
            from_host=None if case.pool.is_down(vm) else vm.home,
            to_host=host,
            priority=vm.ha_restart_priority,
            order=vm.order,
            wave=wave[turn_of(vm)],
            start_delay_seconds=vm.start_delay_seconds,
        )
        for vm, host in sorted(placed, key=lambda pair: (turn_of(pair[0]), pair[0].uuid))
    )


def _unplaced(case: _Case, recovery: Recovery) -> tuple[Unplaced, ...]:
    """Return the VMs left down by turn, then uuid, each with its reason."""
    before = {host.uuid: free for host, free in zip(case.hosts, case.room.free_bytes, strict=True)}
    after = dict(before)
    placed = [(vm, to) for vm, to in zip(case.vms, recovery.to, strict=True) if to != NOWHERE]
    for vm, to in placed:
        after[case.hosts[to].uuid] -= vm.need_bytes
    left = [
        (vm, case.survivors(wish.piece.hosts))
        for vm, wish, to in zip(case.vms, case.wishes, recovery.to, strict=True)
        if to == NOWHERE
    ]
    survivors = case.survivors(case.alive)
    lacks = lacking(case.resources, case.hosts, ()), lacking(case.resources, case.hosts, placed)
    return tuple(
        left_down(
            case.pool,
            vm,
            candidates,
            survivors,
            before,
            after,
            proven=recovery.proven,
            lacks_before=lacks[0],
            lacks_after=lacks[1],
        )
        for vm, candidates in sorted(left, key=lambda pair: (turn_of(pair[0]), pair[0].uuid))
    )


_TOLD = (
    "plan_id",
    "elapsed_seconds",
    "tolerance_after",
    "predicted_recovery_seconds",
    "prediction",
    "gap",
)


def _identified(case: _Case, result: Plan) -> Plan:
    """Return `result` with its id: what is shown, checked and carried out under one id is one plan.

    Hashed are the pool file (everything in the order of uuids) and the answer without times and without what
    is told about a plan but is no part of it.
    """
    answer = result.to_json()
    for key in _TOLD:
        del answer[key]
    answer["placements"] = [placement.to_json() for placement in result.placements]
    text = _canonical({"plan": answer, "pool": json.loads(dump_pool(case.original))})
    return replace(result, plan_id=hashlib.sha256(text.encode()).hexdigest())


def _canonical(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _tolerance_after(case: _Case, result: Plan, limit_seconds: float, clock: Clock) -> Tolerance:
    from planner.tolerance.answer import tolerance

    after = pool_after(case.original, result)
    return tolerance(after, limit_seconds=limit_seconds, clock=clock, rules=case.rules)


def _with_foresight(
    case: _Case, recovery: Recovery, after: Tolerance, limit_seconds: float, clock: Clock
) -> tuple[Recovery, Tolerance]:
    """Return places after which more failures are survived than `after` the given ones, if some are found."""
    from planner.placement.problem import problem_of
    from planner.tolerance.foresight import keep_more

    def judge(to: Sequence[int], left_seconds: float) -> Tolerance:
        return _tolerance_after(case, _plan_of(case, replace(recovery, to=tuple(to))), left_seconds, clock)

    problem = problem_of(case.pool, case.rules_left, all_resources=True)
    failed, deadline = problem.everywhere & ~case.alive, Deadline.after(clock, limit_seconds)
    to, kept = keep_more(problem, failed, case.wishes, (recovery.to, after), judge, deadline)
    return replace(recovery, to=to), kept


def _with_preferences(
    case: _Case, recovery: Recovery, after: Tolerance, limit_seconds: float, clock: Clock
) -> tuple[Recovery, Tolerance]:
    """Return places that groups prefer, if as many failures are survived afterwards as `after` the given."""
    ties = Ties.of(case.pool, case.vms, [host.uuid for host in case.hosts])
    to = tuple(prefer([wish.piece for wish in case.wishes], recovery.to, case.room, ties))
    if to == recovery.to:
        return recovery, after
    preferred = replace(recovery, to=to)
    kept = _tolerance_after(case, _plan_of(case, preferred), limit_seconds, clock)
    if kept.simultaneous.lower < after.simultaneous.lower or kept.sequential.lower < after.sequential.lower:
        return recovery, after
    return preferred, kept


def pool_after(pool: Pool, result: Plan) -> Pool:
    """Return `pool` once `result` has been carried out: failed hosts dead, what is left down halted."""
    to = {placement.vm: placement.to_host for placement in result.placements}
    lost = {left.vm for left in result.unplaced}
    dead = frozenset(result.failed_hosts)
    return replace(
        pool,
        hosts=tuple(replace(host, live=False) if host.uuid in dead else host for host in pool.hosts),
        vms=tuple(_vm_after(vm, to.get(vm.uuid), lost, dead) for vm in pool.vms),
    )


def _vm_after(vm: VM, to: str | None, lost: set[str], dead: frozenset[str]) -> VM:
    if to is not None:
        return replace(vm, power_state="Running", resident_on=to, scheduled_to_be_resident_on=None)
    if vm.uuid in lost or vm.home in dead:
        state = vm.power_state if vm.power_state == "Suspended" else "Halted"
        return replace(vm, power_state=state, resident_on=None, scheduled_to_be_resident_on=None)
    if vm.scheduled_to_be_resident_on in dead:
        return replace(vm, scheduled_to_be_resident_on=None)
    return vm
