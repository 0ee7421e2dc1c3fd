"""Who restarts after given hosts failed, whose turn is when, and how an answer reads as a plan.

Order classes start one after the other: 0 first, ascending, negative ones last; each is a wave, counted from
1; best-effort VMs have waves of their own at the end. Says what is asked of `placement/recovery.py` and reads
what it answers; decides no place, and must never move a VM that runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from operator import attrgetter

from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.resource import Resources
from planner.constraints.rules import Rules
from planner.errors import UnknownHostError
from planner.model import VM, Host, Pool
from planner.placement.places import lacking, pieces_of, room_of
from planner.placement.recovery import Recovery
from planner.placement.shortage import left_down
from planner.placement.spread import NOWHERE
from planner.placement.wishes import Wish
from planner.results import Gap, Placement, Plan, Unplaced

Turn = tuple[bool, float]
"""(best-effort?, order; infinite for a negative one): who starts before whom."""


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


def in_order(pool: Pool) -> Pool:
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


class Case:
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
        self.wishes = [without(wish, lost) for wish in wishes_of(pool, self.vms, self.resources)]

    def survivors(self, mask: int) -> list[Host]:
        """Return the surviving hosts in `mask`."""
        return [host for i, host in enumerate(self.hosts) if (mask & self.alive) >> i & 1]


def wishes_of(pool: Pool, vms: Sequence[VM], resources: Resources) -> list[Wish]:
    """Return the wishes of VMs, as if every host in service took them; turns count among these VMs."""
    turns = {turn: i for i, turn in enumerate(sorted({turn_of(vm) for vm in vms}))}
    pieces = pieces_of(pool, vms, resources)
    return [Wish(piece, turns[turn_of(vm)], vm.protected) for vm, piece in zip(vms, pieces, strict=True)]


def _restarts(pool: Pool, vm: VM, failed: tuple[str, ...]) -> bool:
    if vm.protected:
        return pool.is_down(vm) or (vm.home in failed and vm.power_state != "Suspended")
    ran = vm.home in failed and vm.power_state in ("Running", "Paused")
    return ran and vm.best_effort and not vm.is_control_domain


def plan_of(case: Case, recovery: Recovery) -> Plan:
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


def _gap_of(case: Case, recovery: Recovery) -> Gap | None:
    gap = recovery.gap
    if gap is None:
        return None
    orders = (vm.order for vm, wish in zip(case.vms, case.wishes, strict=True) if wish.turn == gap.turn)
    return Gap(None if gap.turn is None else max(-1, next(orders)), gap.placed, gap.at_most)


def _placements(case: Case, recovery: Recovery) -> tuple[Placement, ...]:
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


def _unplaced(case: Case, recovery: Recovery) -> tuple[Unplaced, ...]:
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


def without(wish: Wish, lost: int) -> Wish:
    piece = wish.piece
    return replace(wish, piece=replace(piece, hosts=piece.hosts & ~lost)) if piece.hosts & lost else wish
