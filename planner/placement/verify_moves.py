"""The independent judge of migrations: each must be possible when its turn comes.

Recomputes memory and candidates from the raw fields, as `verify` does for plans, and shares nothing with any
solver or packer. It repairs nothing. An empty tuple of violations means: accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.model import VM, Pool
from planner.placement.verify import reaches
from planner.results import Move


def verify_moves(pool: Pool, moves: Sequence[Move]) -> tuple[str, ...]:
    """Return every way in which `moves` cannot be made one after the other; empty if all can."""
    state = _State(pool)
    violations = []
    for number, move in enumerate(moves, start=1):
        problems = list(_problems(state, move))
        violations += [f"move {number}: {problem}" for problem in problems]
        if not problems:
            state.make(move)
    return tuple(violations)


@dataclass(slots=True)
class _State:
    """Who takes memory where, while moves are made."""

    pool: Pool
    vms: dict[str, VM]
    hosts: set[str]
    in_service: set[str]
    taken: dict[str, set[str]]
    free: dict[str, int]

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.vms = {vm.uuid: vm for vm in pool.vms}
        self.hosts = {host.uuid for host in pool.hosts}
        self.in_service = {host.uuid for host in pool.hosts if host.live and host.enabled}
        self.taken = {
            vm.uuid: {host for host in (vm.resident_on, vm.scheduled_to_be_resident_on) if host}
            for vm in pool.vms
        }
        self.free = {host.uuid: host.memory_total_bytes - host.memory_overhead_bytes for host in pool.hosts}
        for vm in pool.vms:
            for host in self.taken[vm.uuid]:
                self.free[host] -= _need(vm)

    def make(self, move: Move) -> None:
        need = _need(self.vms[move.vm])
        for host in self.taken[move.vm]:
            self.free[host] += need
        self.free[move.to_host] -= need
        self.taken[move.vm] = {move.to_host}


def _need(vm: VM) -> int:
    return vm.memory_static_max_bytes + vm.memory_overhead_bytes


def _problems(state: _State, move: Move) -> Iterator[str]:
    vm = state.vms.get(move.vm)
    if vm is None or move.to_host not in state.hosts:
        yield f"{move.vm} to {move.to_host}: not in the pool"
        return
    if vm.power_state not in ("Running", "Paused") or vm.is_control_domain:
        yield f"{move.vm} does not run, or is a control domain"
    if move.from_host not in state.taken[vm.uuid]:
        yield f"{move.vm} is not on {move.from_host}"
    if move.to_host not in state.in_service:
        yield f"{move.to_host} is not in service"
    if not reaches(state.pool, vm, move.to_host):
        yield f"{move.to_host} is no candidate of {move.vm}"
    room = state.free[move.to_host]
    if move.to_host not in state.taken[vm.uuid] and room < _need(vm):
        yield f"{move.to_host} has {room} bytes free, {move.vm} needs {_need(vm)}"
