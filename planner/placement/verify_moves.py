"""The independent judge of migrations: each must be possible when its turn comes.

Recomputes memory and candidates from the raw fields, as `verify` does for plans, and shares nothing with any
solver or packer. It repairs nothing. An empty tuple of violations means: accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.constraints.rules import NO_RULES, Rules
from planner.model import VM, Pool
from planner.placement.verify import reaches
from planner.placement.verify_rules import Others
from planner.results import Move


def verify_moves(pool: Pool, moves: Sequence[Move], rules: Rules = NO_RULES) -> tuple[str, ...]:
    """Return every way in which `moves` cannot be made one after the other; empty if all can.

    `rules`: what counts beside memory, reach and enforced groups; `pool` is the pool before them.
    """
    state = _State(pool, rules)
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
    others: Others
    free: dict[str, int]

    def __init__(self, pool: Pool, rules: Rules) -> None:
        self.pool = pool
        self.vms = {vm.uuid: vm for vm in pool.vms}
        self.hosts = {host.uuid for host in pool.hosts}
        self.in_service = {host.uuid for host in pool.hosts if host.live and host.enabled}
        self.taken = {
            vm.uuid: {host for host in (vm.resident_on, vm.scheduled_to_be_resident_on) if host}
            for vm in pool.vms
        }
        self.others = Others(pool, rules)
        self.free = self.others.free_bytes()

    def make(self, move: Move) -> None:
        vm = self.vms[move.vm]
        need = self.others.need(vm)
        for host in self.taken[move.vm]:
            self.free[host] += need
        self.free[move.to_host] -= need
        self.others.move(vm, self.taken[move.vm], move.to_host)
        self.taken[move.vm] = {move.to_host}


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
    if move.to_host in state.taken[vm.uuid]:
        return
    room, need = state.free[move.to_host], state.others.need(vm)
    if room < need:
        yield f"{move.to_host} has {room} bytes free, {move.vm} needs {need}"
    yield from (f"{move.to_host}: {problem}" for problem in state.others.exceeded(move.to_host, [vm]))
