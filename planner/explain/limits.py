"""Which loss is not survived, in numbers: from the witness and the best restart after it.

The witness proves that not all restart; the plan says who is left in the best case, and where it comes
closest. Decides no placement itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hacore.clock import Deadline
from planner.agility import Reach
from planner.constraints.rules import Rules
from planner.explain.packable import packable
from planner.explain.result import LeftOver, Limits, total
from planner.model import VM, Pool
from planner.restart import plan
from planner.results import Plan, Span, Tolerance, Unplaced, Witness
from planner.tolerance.answer import tolerance

LEFT_MAX = 20
"""VMs left over that are told one by one."""
WITHOUT_MAX = 3
"""VMs for each of which the figure without it is worked out: some milliseconds each, mostly."""


def limits(pool: Pool, answer: Tolerance, deadline: Deadline, rules: Rules) -> Limits | None:
    """Return what limits the simultaneous figure; None where nothing is protected.

    `pool` and `rules` are those of `answer`. For a figure that is not proven it speaks of the upper bound.
    """
    witness = answer.simultaneous.witness
    if witness is None:
        return None
    limit_seconds = deadline.left_seconds()
    made = plan(pool, witness.hosts, limit_seconds=limit_seconds, clock=deadline.clock, rules=rules)
    loss = _Loss(pool, made)
    return Limits(
        hosts=witness.hosts,
        reason=witness.reason,
        vms=witness.vms,
        restart_vms=len(loss.restarting),
        restart_bytes=sum(vm.need_bytes for vm in loss.restarting),
        free_bytes=sum(loss.free.values()),
        packable_bytes=total(loss.packable(host) for host in loss.free),
        left_vms=len(loss.left),
        left=tuple(_left(loss, deadline, rules)) if _tells(witness) else (),
        proven=loss.made.optimal,
    )


def _tells(witness: Witness) -> bool:
    """Tell whether VMs without a place say why: not where no host, or no majority, would be left."""
    return witness.reason not in ("quorum", "all_hosts")


class _Loss:
    """The best restart after the loss, with what it leaves free."""

    def __init__(self, pool: Pool, made: Plan) -> None:
        self.pool = pool
        self.made = made
        uuids = [placement.vm for placement in made.placements] + [left.vm for left in made.unplaced]
        self.restarting = [vm for uuid in uuids if (vm := pool.vm_by_uuid[uuid]).protected]
        self.left = [vm for vm in made.unplaced if pool.vm_by_uuid[vm.vm].protected]
        """The protected VMs that stay down, the largest first."""
        self.left.sort(key=lambda vm: (-pool.vm_by_uuid[vm.vm].need_bytes, vm.vm))
        survivors = [host.uuid for host in pool.hosts_in_service if host.uuid not in made.failed_hosts]
        self.free = {uuid: pool.free_bytes(uuid) for uuid in survivors}
        self.free_after = dict(self.free)
        for placement in made.placements:
            self.free_after[placement.to_host] -= pool.vm_by_uuid[placement.vm].need_bytes
        self._reach = Reach(pool)
        self._index = {host.uuid: i for i, host in enumerate(pool.hosts_in_service)}
        self._alive = sum(1 << self._index[uuid] for uuid in survivors)

    def mask(self, vm: VM) -> int:
        """Return the survivors that a VM may run on, memory aside."""
        return self._reach.candidates(vm) & self._alive

    def among(self, mask: int) -> list[str]:
        """Return the survivors in a mask."""
        return [uuid for uuid in self.free if mask >> self._index[uuid] & 1]

    def packable(self, host: str) -> Span:
        """Return the most of a survivor's free memory that the restarting VMs can fill."""
        bit = 1 << self._index[host]
        return packable(self.free[host], [vm.need_bytes for vm in self.restarting if self.mask(vm) & bit])


def _left(loss: _Loss, deadline: Deadline, rules: Rules) -> Iterator[LeftOver]:
    """Yield the largest VMs that stay down."""
    for i, unplaced in enumerate(loss.left[:LEFT_MAX]):
        told = _left_over(loss, unplaced)
        if i < WITHOUT_MAX and not deadline.passed():
            told = replace(told, without=_without(loss.pool, told.vm, deadline, rules))
        yield told


def _left_over(loss: _Loss, unplaced: Unplaced) -> LeftOver:
    vm = loss.pool.vm_by_uuid[unplaced.vm]
    mask, need = loss.mask(vm), vm.need_bytes
    candidates = loss.among(mask)
    closest = min(candidates, key=lambda uuid: (-loss.free_after[uuid], uuid), default=None)
    room = 0 if closest is None else loss.free_after[closest]
    rivals = [one for one in loss.restarting if one.need_bytes >= need and not loss.mask(one) & ~mask]
    return LeftOver(
        vm=vm.uuid,
        need_bytes=need,
        reason=unplaced.reason,
        closest_host=closest,
        free_bytes=room,
        missing_bytes=max(0, need - room),
        places=sum(loss.free[uuid] // need for uuid in candidates),
        as_large_vms=len(rivals),
    )


def _without(pool: Pool, uuid: str, deadline: Deadline, rules: Rules) -> Span:
    """Return the figure if a VM were not protected; it still takes its memory where it runs."""
    vms = tuple(
        replace(vm, ha_restart_priority="", ha_always_run=False) if vm.uuid == uuid else vm for vm in pool.vms
    )
    demoted, limit_seconds = replace(pool, vms=vms), deadline.left_seconds()
    answer = tolerance(demoted, limit_seconds=limit_seconds, clock=deadline.clock, rules=rules)
    return Span(answer.simultaneous.lower, answer.simultaneous.upper)
