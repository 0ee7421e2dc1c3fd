"""The independent judge of packings and plans.

Decides whether what a solver said is true, from the question alone: it recomputes memory, candidates, waves
and who had to restart from the raw fields, and shares no helper with any solver, packer or planner module.
It repairs nothing and must never import them. An empty tuple of violations means: accepted.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planner.constraints.rules import NO_RULES, Rules
from planner.model import VM, Host, Pool
from planner.placement.packing import Instance, Packed
from planner.placement.verify_rules import Others
from planner.results import Placement, Plan, Unplaced

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LAST = math.inf

_Class = tuple[bool, float]
_Restrictions = tuple[tuple[str, ...] | None, tuple[str, ...] | None, tuple[str, ...] | None]


def verify_packing(instance: Instance, packed: Packed) -> tuple[str, ...]:
    """Return every way in which `packed` is no packing of `instance`; empty if it is one."""
    shape = tuple(_shape_violations(instance, packed))
    return shape or tuple(_packing_violations(instance, packed))


def _shape_violations(instance: Instance, packed: Packed) -> Iterator[str]:
    if len(packed.counts) != len(instance.items):
        yield f"{len(packed.counts)} rows for {len(instance.items)} items"
    for i, row in enumerate(packed.counts):
        if len(row) != len(instance.capacities):
            yield f"item {i}: {len(row)} counts for {len(instance.capacities)} bins"
        if any(type(count) is not int or count < 0 for count in row):
            yield f"item {i}: a count is no integer ≥ 0"


def _packing_violations(instance: Instance, packed: Packed) -> Iterator[str]:
    for i, (item, row) in enumerate(zip(instance.items, packed.counts, strict=True)):
        if sum(row) != item.count:
            yield f"item {i}: {sum(row)} placed of {item.count}"
        for b, count in enumerate(row):
            if count and not item.bins >> b & 1:
                yield f"item {i}: bin {b} is not allowed"
    for b, capacity in enumerate(instance.capacities):
        load = sum(item.size * row[b] for item, row in zip(instance.items, packed.counts, strict=True))
        if load > capacity:
            yield f"bin {b}: load {load} exceeds {capacity}"
    for r, room in enumerate(instance.rooms):
        taken = [0] * len(room)
        for item, row in zip(instance.items, packed.counts, strict=True):
            amount = sum(each for resource, each in item.uses if resource == r)
            taken = [so_far + amount * count for so_far, count in zip(taken, row, strict=True)]
        for b, (there, used) in enumerate(zip(room, taken, strict=True)):
            if used > there:
                yield f"bin {b}: {used} of resource {r} exceed {there}"


def verify_plan(pool: Pool, plan: Plan, rules: Rules = NO_RULES) -> tuple[str, ...]:
    """Return every rule of DESIGN §5.4 that `plan` breaks for `pool`; empty for a plan that may be shown.

    `rules`: what counts beside memory, reach and enforced groups; `pool` is the pool before them.
    """
    known = {host.uuid for host in pool.hosts}
    strangers = [f"failed host {uuid} is not in the pool" for uuid in plan.failed_hosts if uuid not in known]
    if strangers:
        return tuple(strangers)
    case = _Case.of(pool, plan, rules)
    return (
        *_twice("failed host", plan.failed_hosts),
        *_partition(case),
        *(text for placement in plan.placements for text in _placement_violations(case, placement)),
        *_memory(case),
        *_others(case),
        *_waves(case),
        *(text for left in plan.unplaced for text in _unplaced_violations(case, left)),
        *_verdict(case),
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A pool and a plan with what the judge worked out itself."""

    pool: Pool
    plan: Plan
    failed: frozenset[str]
    hosts: dict[str, Host]
    vms: dict[str, VM]
    room: dict[str, int]
    """Bytes free on every host before the plan; below 0 if it is overfull."""
    had_to: frozenset[str]
    """VMs that had to restart: protected ones and best-effort ones."""
    load: dict[str, Counter[_Class]]
    """Bytes that the plan puts on a host, by class."""
    others: Others
    """What counts beside memory."""
    guests: dict[str, list[VM]]
    """VMs that the plan puts on a host."""
    reach: dict[_Restrictions, frozenset[str]]
    """Survivors that VMs with these restrictions may run on; filled when asked for."""

    @classmethod
    def of(cls, pool: Pool, plan: Plan, rules: Rules) -> _Case:
        failed = frozenset(plan.failed_hosts)
        hosts = {host.uuid: host for host in pool.hosts}
        others = Others(pool, rules)
        had_to = frozenset(vm.uuid for vm in pool.vms if _had_to_restart(vm, failed, hosts))
        vms = {vm.uuid: vm for vm in pool.vms}
        load: dict[str, Counter[_Class]] = defaultdict(Counter)
        guests: dict[str, list[VM]] = defaultdict(list)
        for placement in plan.placements:
            if placement.vm in vms:
                vm = vms[placement.vm]
                load[placement.to_host][_class_of(vm)] += others.need(vm)
                guests[placement.to_host].append(vm)
        return cls(pool, plan, failed, hosts, vms, others.free_bytes(), had_to, load, others, guests, {})

    def survives(self, uuid: str) -> bool:
        """Tell whether VMs can be started on a host of the pool now."""
        host = self.hosts[uuid]
        return host.live and host.enabled and uuid not in self.failed

    def candidates(self, vm: VM) -> frozenset[str]:
        """Return the survivors that `vm` may run on, memory aside."""
        restrictions = (vm.srs, vm.networks, vm.candidate_hosts)
        if restrictions not in self.reach:
            reached = (uuid for uuid in self.hosts if self.survives(uuid) and reaches(self.pool, vm, uuid))
            self.reach[restrictions] = frozenset(reached)
        return self.reach[restrictions]


def _is_protected(vm: VM) -> bool:
    return vm.ha_restart_priority == "restart" and vm.ha_always_run


def _home(vm: VM) -> str | None:
    return vm.resident_on if vm.resident_on is not None else vm.scheduled_to_be_resident_on


def _was_down(vm: VM, hosts: dict[str, Host]) -> bool:
    if not _is_protected(vm) or vm.power_state == "Suspended":
        return False
    home = _home(vm)
    return vm.power_state == "Halted" or home is None or not (hosts[home].live and hosts[home].enabled)


def _had_to_restart(vm: VM, failed: frozenset[str], hosts: dict[str, Host]) -> bool:
    if _is_protected(vm):
        return vm.power_state != "Suspended" and (_was_down(vm, hosts) or _home(vm) in failed)
    if vm.ha_restart_priority != "best-effort" or vm.is_control_domain:
        return False
    return vm.power_state in ("Running", "Paused") and _home(vm) in failed


def _twice(what: str, uuids: Iterable[str]) -> Iterator[str]:
    for uuid, count in Counter(uuids).items():
        if count > 1:
            yield f"{what} {uuid} appears {count} times"


def _partition(case: _Case) -> Iterator[str]:
    named = [p.vm for p in case.plan.placements] + [u.vm for u in case.plan.unplaced]
    yield from _twice("VM", named)
    for uuid in sorted(set(named) - case.had_to):
        yield f"VM {uuid} had no reason to restart" if uuid in case.vms else f"VM {uuid} is not in the pool"
    for uuid in sorted(case.had_to - set(named)):
        yield f"VM {uuid} had to restart and is forgotten"


def _placement_violations(case: _Case, placement: Placement) -> Iterator[str]:
    vm = case.vms.get(placement.vm)
    if vm is None:
        return
    yield from _target_violations(case, vm, placement.to_host)
    expected = {
        "from": None if _was_down(vm, case.hosts) else _home(vm),
        "priority": vm.ha_restart_priority,
        "order": vm.order,
        "start_delay_seconds": vm.start_delay_seconds,
    }
    said = placement.to_json()
    for key, value in expected.items():
        if said[key] != value:
            yield f"VM {vm.uuid}: {key} is {said[key]!r}, expected {value!r}"


def _target_violations(case: _Case, vm: VM, target: str) -> Iterator[str]:
    if target not in case.hosts:
        yield f"VM {vm.uuid}: target {target} is not in the pool"
    elif not case.survives(target):
        yield f"VM {vm.uuid}: target {target} failed or is not in service"
    elif target not in case.candidates(vm):
        yield f"VM {vm.uuid}: target {target} is not one of its candidate hosts"


def reaches(pool: Pool, vm: VM, host: str) -> bool:
    """Tell whether the host has all that the VM needs, memory aside."""
    for sr in pool.srs:
        if vm.srs and sr.uuid in vm.srs and sr.hosts is not None and host not in sr.hosts:
            return False
    for network in pool.networks:
        restricts = network.hosts is not None and host not in network.hosts
        if vm.networks and network.uuid in vm.networks and restricts:
            return False
    return vm.candidate_hosts is None or host in vm.candidate_hosts


def _memory(case: _Case) -> Iterator[str]:
    for host, load in sorted(case.load.items()):
        if host in case.hosts and load.total() > case.room[host]:
            yield f"host {host}: {load.total()} bytes placed, {max(0, case.room[host])} free"


def _others(case: _Case) -> Iterator[str]:
    for host, guests in sorted(case.guests.items()):
        if host in case.hosts:
            yield from (f"host {host}: {problem}" for problem in case.others.exceeded(host, guests))


def _class_of(vm: VM) -> _Class:
    """Return when a VM's turn is: protected before best-effort, orders ascending, negative ones last."""
    return (not _is_protected(vm), vm.order if vm.order >= 0 else _LAST)


def _waves(case: _Case) -> Iterator[str]:
    """Waves count from 1 without a gap: one for each class that has a VM placed, in the order of classes."""
    placed = [(p, case.vms[p.vm]) for p in case.plan.placements if p.vm in case.vms]
    wave = {key: i for i, key in enumerate(sorted({_class_of(vm) for _, vm in placed}), start=1)}
    for placement, vm in placed:
        if placement.wave != wave[_class_of(vm)]:
            yield f"VM {vm.uuid}: wave is {placement.wave}, expected {wave[_class_of(vm)]}"
    if [p.wave for p, _ in placed] != sorted(p.wave for p, _ in placed):
        yield "placements are not in the order of their waves"


def _unplaced_violations(case: _Case, left: Unplaced) -> Iterator[str]:
    vm = case.vms.get(left.vm)
    if vm is None:
        return
    if not left.detail:
        yield f"VM {vm.uuid}: no detail says why it is left"
    candidates = case.candidates(vm)
    if (left.reason == "reach") != (not candidates):
        yield f"VM {vm.uuid}: reason is {left.reason!r} with {len(candidates)} candidate hosts"
    for host in sorted(candidates):
        earlier = [other for other in case.guests.get(host, ()) if _class_of(other) <= _class_of(vm)]
        if any(case.others.exceeded(host, [*earlier, vm])):
            continue
        if case.others.need(vm) <= _room_for(case, vm, host):
            yield f"VM {vm.uuid} is left although host {host} has room once those of later turns step back"


def _room_for(case: _Case, vm: VM, host: str) -> int:
    """Return the bytes `vm` would find on `host` if no VM of a later turn were placed there."""
    turn = _class_of(vm)
    return case.room[host] - sum(n for other, n in case.load.get(host, Counter()).items() if other <= turn)


def _verdict(case: _Case) -> Iterator[str]:
    plan = case.plan
    lost = [u.vm for u in plan.unplaced if u.vm in case.vms and _is_protected(case.vms[u.vm])]
    if plan.complete != (not lost):
        yield f"complete is {plan.complete} with {len(lost)} protected VMs left"
    if plan.complete and not plan.optimal:
        yield "a complete plan cannot be bettered, yet it is not called optimal"
    if not _SHA256.fullmatch(plan.plan_id):
        yield f"plan_id {plan.plan_id!r} is no sha256"
    if not (math.isfinite(plan.elapsed_seconds) and plan.elapsed_seconds >= 0):
        yield f"elapsed_seconds is {plan.elapsed_seconds}"
