"""Drain hosts for maintenance: where each VM goes, what blocks it, and what the pool survives meanwhile.

Every running VM of the hosts has to go to a host that stays in service; nobody else is moved, and nothing is
stopped (DESIGN §5.5, REQUIREMENTS R19). If not all can go, as many as possible do, protected ones first, and
each of the others says why. The moves are judged by the independent verifier before anybody sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hacore.clock import Clock, Deadline, Stopwatch
from planner.agility import Reach
from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.resource import Resources
from planner.constraints.rules import NO_RULES, Rules
from planner.errors import PlanRejected
from planner.model import VM, Pool
from planner.placement.places import lacking, pieces_of, room_of
from planner.placement.recovery import Recovery, recover
from planner.placement.shortage import left_down
from planner.placement.spread import NOWHERE
from planner.placement.verify_moves import verify_moves
from planner.placement.wishes import Wish
from planner.results import Drain, Move, Unplaced
from planner.tolerance.answer import tolerance

OTHERS = "the others have moved"


def drain(
    pool: Pool,
    hosts: Sequence[str],
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> Drain:
    """Return how `hosts` (uuids) are emptied; search and figure may each take `limit_seconds`.

    `target` None: the pool's own. `rules`: what counts beside memory, reach and enforced groups. Raises
    PlanRejected if the verifier refuses the moves: a bug.
    """
    watch = Stopwatch.start(clock)
    leaving = frozenset(hosts)
    original = without(pool, leaving)
    left, rules_left = applied(original, rules)
    resources = resources_of(left, rules_left)
    vms = sorted((vm for vm in left.vms if _must_go(vm, leaving)), key=lambda vm: vm.uuid)
    room = room_of(left, resources)
    recovery = recover(_wishes(left, vms, resources), room, Deadline.after(clock, limit_seconds))
    moves = _moves(left, vms, recovery, leaving)
    blocked = _blocked(left, vms, recovery, resources)
    violations = verify_moves(original, moves, rules)
    if violations:
        raise PlanRejected(violations)
    return Drain(
        hosts=tuple(sorted(leaving)),
        possible=True if not blocked else False if _certain(blocked, recovery) else None,
        moves=moves,
        blocked=blocked,
        tolerance_after=tolerance(
            pool_after(original, moves),
            target=pool.target if target is None else target,
            limit_seconds=limit_seconds,
            clock=clock,
            rules=rules,
        ),
        elapsed_seconds=watch.seconds(),
    )


def without(pool: Pool, leaving: frozenset[str]) -> Pool:
    """Return the pool with these hosts disabled: VMs may leave them, none may come."""
    hosts = tuple(replace(host, enabled=False) if host.uuid in leaving else host for host in pool.hosts)
    return replace(pool, hosts=hosts)


def pool_after(pool: Pool, moves: Sequence[Move]) -> Pool:
    """Return the pool once the moves are made."""
    to = {move.vm: move.to_host for move in moves}
    return replace(
        pool,
        vms=tuple(
            replace(vm, resident_on=to[vm.uuid], scheduled_to_be_resident_on=None) if vm.uuid in to else vm
            for vm in pool.vms
        ),
    )


def _must_go(vm: VM, leaving: frozenset[str]) -> bool:
    """Tell whether a VM would stay on these hosts; one that is on its way to another leaves by itself."""
    runs = vm.power_state in ("Running", "Paused") and not vm.is_control_domain
    return runs and (vm.scheduled_to_be_resident_on or vm.resident_on) in leaving


def _wishes(left: Pool, vms: Sequence[VM], resources: Resources) -> list[Wish]:
    pieces = pieces_of(left, vms, resources)
    return [Wish(piece, 0 if vm.protected else 1, True) for vm, piece in zip(vms, pieces, strict=True)]


def _moves(left: Pool, vms: Sequence[VM], recovery: Recovery, leaving: frozenset[str]) -> tuple[Move, ...]:
    """Return the moves by need, biggest first: nobody leaves the hosts that stay, so any order works."""
    hosts = left.hosts_in_service
    placed = [(vm, hosts[to].uuid) for vm, to in zip(vms, recovery.to, strict=True) if to != NOWHERE]
    placed.sort(key=lambda pair: (-pair[0].need_bytes, pair[0].uuid))
    return tuple(Move(vm.uuid, min(vm.occupies & leaving), to) for vm, to in placed)


def _blocked(left: Pool, vms: Sequence[VM], recovery: Recovery, resources: Resources) -> tuple[Unplaced, ...]:
    hosts = left.hosts_in_service
    before = {host.uuid: left.free_bytes(host.uuid) for host in hosts}
    after = dict(before)
    placed = [(vm, to) for vm, to in zip(vms, recovery.to, strict=True) if to != NOWHERE]
    for vm, to in placed:
        after[hosts[to].uuid] -= vm.need_bytes
    reach = Reach(left)
    lacks = lacking(resources, hosts, ()), lacking(resources, hosts, placed)
    return tuple(
        left_down(
            left,
            vm,
            [host for i, host in enumerate(hosts) if reach.candidates(vm) >> i & 1],
            hosts,
            before,
            after,
            proven=recovery.proven,
            others=OTHERS,
            lacks_before=lacks[0],
            lacks_after=lacks[1],
        )
        for vm, to in zip(vms, recovery.to, strict=True)
        if to == NOWHERE
    )


def _certain(blocked: Sequence[Unplaced], recovery: Recovery) -> bool:
    """Tell whether it is proven that not all can go: a VM without any place, or the best part is known."""
    return recovery.proven or any(vm.reason != "unknown" for vm in blocked)
