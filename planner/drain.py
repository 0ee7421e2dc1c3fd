"""Drain hosts for maintenance: where each VM goes, what blocks it, and what the pool survives meanwhile.

Every running VM of the hosts has to go to a host that stays in service; nobody else is moved, and nothing is
stopped (DESIGN §5.5, REQUIREMENTS R19). If all can go, they go where more failures are survived then, and of
such places where groups prefer them. If not, as many as possible do, protected ones first, and each of the
others says why. The moves are judged by the independent verifier before anybody sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hacore.clock import Clock, Deadline, Stopwatch
from planner.agility import Reach
from planner.constraints.counted import resources_of
from planner.constraints.memory import applied
from planner.constraints.preferences import Ties, worsened
from planner.constraints.rules import NO_RULES, Rules
from planner.errors import PlanRejected
from planner.model import VM, Pool
from planner.placement.places import lacking, pieces_of, room_of
from planner.placement.problem import Problem, problem_of
from planner.placement.recovery import Recovery, recover
from planner.placement.shortage import left_down
from planner.placement.spread import NOWHERE
from planner.placement.verify_moves import verify_moves
from planner.placement.wishes import Wish
from planner.results import Drain, Move, Tolerance, Unplaced
from planner.tolerance.answer import tolerance
from planner.tolerance.foresight import FIGURE_SHARE, SEARCH_SHARE, keep_more, keep_preferred

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
    """Return how `hosts` (uuids) are emptied, within about `limit_seconds`.

    `target` None: the pool's own. `rules`: what counts beside memory, reach and enforced groups. Raises
    PlanRejected if the verifier refuses the moves: a bug.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    leaving = Leaving(pool, hosts, rules)
    wanted = pool.target if target is None else target

    def figure(places: Sequence[int], within_seconds: float) -> Tolerance:
        after = pool_after(leaving.original, leaving.moves(places))
        return tolerance(after, target=wanted, limit_seconds=within_seconds, clock=clock, rules=rules)

    recovery = leaving.recover(deadline)
    found = recovery.to, figure(recovery.to, deadline.left_seconds() * FIGURE_SHARE)
    found = keep_more(leaving.problem(), 0, leaving.wishes_ahead, found, figure, deadline)
    places, after = keep_preferred(leaving.wishes, leaving.room, leaving.ties, found, figure, deadline)
    moves, blocked = leaving.moves(places), leaving.blocked(replace(recovery, to=places))
    violations = verify_moves(leaving.original, moves, rules)
    if violations:
        raise PlanRejected(violations)
    return Drain(
        hosts=tuple(sorted(leaving.hosts)),
        possible=True if not blocked else False if _certain(blocked, recovery) else None,
        moves=moves,
        blocked=blocked,
        tolerance_after=after,
        breaks_groups=worsened(pool, pool_after(pool, moves)),
        elapsed_seconds=watch.seconds(),
    )


class Leaving:
    """Hosts (uuids) to be emptied, who must leave them, and the room elsewhere.

    `original` is the pool with these hosts disabled, `left` the same as memory rules show it. `vms` look for
    a place; `back` are those that only were to come here: they stay where they still take memory.
    """

    def __init__(self, pool: Pool, hosts: Sequence[str], rules: Rules) -> None:
        self.hosts = frozenset(hosts)
        self.original = without(pool, self.hosts)
        self.left, self.rules_left = applied(self.original, rules)
        self.resources = resources_of(self.left, self.rules_left)
        going = sorted((vm for vm in self.left.vms if _must_go(vm, self.hosts)), key=lambda vm: vm.uuid)
        self.back = [vm for vm in going if _may_stay(self.left, vm)]
        self.vms = [vm for vm in going if vm not in self.back]
        self.room = room_of(self.left, self.resources)
        pieces = pieces_of(self.left, self.vms, self.resources)
        self.wishes = [
            Wish(piece, 0 if vm.protected else 1, True) for vm, piece in zip(self.vms, pieces, strict=True)
        ]

    @property
    def wishes_ahead(self) -> list[Wish]:
        """Return the wishes as later failures see them: only protected VMs restart again."""
        return [replace(wish, protected=vm.protected) for vm, wish in zip(self.vms, self.wishes, strict=True)]

    @property
    def ties(self) -> Ties:
        """Return what groups prefer."""
        return Ties.of(self.left, self.vms, [host.uuid for host in self.left.hosts_in_service])

    def recover(self, deadline: Deadline) -> Recovery:
        """Return places for those who must leave, as many as can be found in a share of the time."""
        return recover(self.wishes, self.room, deadline.part(SEARCH_SHARE))

    def problem(self) -> Problem:
        """Return the pool without those who must leave."""
        return problem_of(self.left, self.rules_left, all_resources=True)

    def moves(self, places: Sequence[int]) -> tuple[Move, ...]:
        """Return the moves by need, biggest first: nobody leaves the hosts that stay, so any order works."""
        hosts = self.left.hosts_in_service
        placed = [(vm, hosts[to].uuid) for vm, to in zip(self.vms, places, strict=True) if to != NOWHERE]
        placed += [(vm, vm.resident_on) for vm in self.back if vm.resident_on]
        placed.sort(key=lambda pair: (-pair[0].need_bytes, pair[0].uuid))
        return tuple(Move(vm.uuid, min(vm.occupies & self.hosts), to) for vm, to in placed)

    def blocked(self, recovery: Recovery) -> tuple[Unplaced, ...]:
        """Return those who find no place, each with its reason."""
        hosts = self.left.hosts_in_service
        before = {host.uuid: self.left.free_bytes(host.uuid) for host in hosts}
        after = dict(before)
        placed = [(vm, to) for vm, to in zip(self.vms, recovery.to, strict=True) if to != NOWHERE]
        for vm, to in placed:
            after[hosts[to].uuid] -= vm.need_bytes
        lacks = lacking(self.resources, hosts, ()), lacking(self.resources, hosts, placed)
        return tuple(
            left_down(
                self.left,
                vm,
                [host for i, host in enumerate(hosts) if wish.piece.hosts >> i & 1],
                hosts,
                before,
                after,
                proven=recovery.proven,
                others=OTHERS,
                lacks_before=lacks[0],
                lacks_after=lacks[1],
            )
            for vm, wish, to in zip(self.vms, self.wishes, recovery.to, strict=True)
            if to == NOWHERE
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


def _may_stay(left: Pool, vm: VM) -> bool:
    """Tell whether a VM may as well run where it is, on a host in service."""
    hosts = [host.uuid for host in left.hosts_in_service]
    if vm.resident_on not in hosts:
        return False
    return bool(Reach(left).candidates(vm) >> hosts.index(vm.resident_on) & 1)


def _certain(blocked: Sequence[Unplaced], recovery: Recovery) -> bool:
    """Tell whether it is proven that not all can go: a VM without any place, or the best part is known."""
    return recovery.proven or any(vm.reason != "unknown" for vm in blocked)
