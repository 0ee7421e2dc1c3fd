"""The restart plan: which VMs start where, and when, after given hosts failed (DESIGN §5.4).

Restarted are the protected VMs of the failed hosts and those that are down, then the best-effort VMs that
ran on the failed hosts (`restarting`). Of the places found, those are kept after which more failures are
survived, then those that groups prefer. Every plan is judged by the independent verifier before anybody sees
it. Equal pools and failed hosts give equal plans, whatever the order of anything in them, unless the limit
ends a search (`limit_reached`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.preferences import Ties
from planner.constraints.rules import NO_RULES, Rules
from planner.errors import PlanRejected
from planner.inventory.poolfile import dump_pool
from planner.model import VM, Pool
from planner.placement.problem import problem_of
from planner.placement.recovery import Recovery, recover
from planner.placement.verify import verify_plan
from planner.restarting import Case, in_order, plan_of, resolve
from planner.results import Plan, Tolerance
from planner.schedule.pace import USUAL_PACE, Pace
from planner.schedule.predict import predict
from planner.tolerance.answer import tolerance
from planner.tolerance.foresight import FIGURE_SHARE, SEARCH_SHARE, keep_more, keep_preferred

__all__ = ["Plans", "plan", "pool_after", "resolve"]


def plan(
    pool: Pool,
    failed: Sequence[str],
    *,
    limit_seconds: float = 10.0,
    clock: Clock,
    pace: Pace = USUAL_PACE,
    rules: Rules = NO_RULES,
) -> Plan:
    """Return the restart plan after the hosts `failed` (uuids or unique names) failed: see `Plans.after`."""
    return Plans(pool, pace, rules).after(failed, limit_seconds=limit_seconds, clock=clock)


class Plans:
    """The restart plans of one pool; what they share is worked out once.

    `pace` is what the prediction of the times rests on; it changes no placement.
    `rules`: what counts beside memory, reach and enforced groups.
    """

    def __init__(self, pool: Pool, pace: Pace = USUAL_PACE, rules: Rules = NO_RULES) -> None:
        self.pool = pool
        self.pace = pace
        self.rules = rules
        self._sorted = in_order(pool)

    def after(self, failed: Sequence[str], *, limit_seconds: float = 10.0, clock: Clock) -> Plan:
        """Return the plan after the hosts `failed` (uuids or unique names) failed.

        Where everybody restarts, it is one after which more failures are survived, if there is one
        (`tolerance/foresight.py`). All of it takes about `limit_seconds` at most.
        Raises UnknownHostError; PlanRejected if the verifier refuses the plan: a bug.
        """
        watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
        case = Case(self._sorted, resolve(self.pool, failed), self.rules)
        recovery = recover(case.wishes, case.room, deadline.part(SEARCH_SHARE))
        after = _tolerance_after(case, recovery, deadline.left_seconds() * FIGURE_SHARE, clock)
        recovery, after = _bettered(case, recovery, after, deadline)
        made = plan_of(case, recovery)
        told = predict(case.pool, case.failed, made.placements, complete=made.complete, pace=self.pace)
        result = replace(
            made,
            plan_id=self._id(made),
            tolerance_after=after,
            prediction=told,
            limit_reached=deadline.cuts.any,
            elapsed_seconds=watch.seconds(),
        )
        violations = verify_plan(self._sorted, result, self.rules)
        if violations:
            raise PlanRejected(violations)
        return result

    def _id(self, made: Plan) -> str:
        """Return the id of a plan: what is shown, checked and carried out under one id is one plan.

        Hashed is {"plan": …, "pool": …}: the answer without times and without what is told about a plan but
        is no part of it, and the pool file, everything in the order of uuids.
        """
        answer = made.to_json()
        for key in _TOLD:
            del answer[key]
        answer["placements"] = [placement.to_json() for placement in made.placements]
        text = f'{{"plan":{_canonical(answer)},"pool":{self._pool_text}}}'
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _pool_text(self) -> str:
        return _canonical(json.loads(dump_pool(self._sorted)))


_TOLD = (
    "plan_id",
    "elapsed_seconds",
    "tolerance_after",
    "predicted_recovery_seconds",
    "prediction",
    "gap",
    "limit_reached",
)


def _canonical(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _tolerance_after(case: Case, recovery: Recovery, limit_seconds: float, clock: Clock) -> Tolerance:
    after = pool_after(case.original, plan_of(case, recovery))
    return tolerance(after, limit_seconds=limit_seconds, clock=clock, rules=case.rules)


def _bettered(
    case: Case, recovery: Recovery, after: Tolerance, deadline: Deadline
) -> tuple[Recovery, Tolerance]:
    """Return places after which more failures are survived than `after` those, or that groups prefer."""

    def judge(to: Sequence[int], within_seconds: float) -> Tolerance:
        return _tolerance_after(case, replace(recovery, to=tuple(to)), within_seconds, deadline.clock)

    problem = problem_of(case.pool, case.rules_left, all_resources=True)
    failed = problem.everywhere & ~case.alive
    ties = Ties.of(case.pool, case.vms, problem.hosts)
    found = keep_more(problem, failed, case.wishes, (recovery.to, after), judge, deadline)
    to, kept = keep_preferred(case.wishes, case.room, ties, found, judge, deadline)
    return replace(recovery, to=to), kept


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
