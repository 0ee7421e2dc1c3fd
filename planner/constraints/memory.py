"""Memory under an operator's rules: what is kept back on every host, and what a VM that balloons takes.

Both are changes of the pool's numbers and nothing else, made here once: a reserve is overhead of the host, a
VM that balloons has its dynamic minimum for a maximum. Whatever computes with the pool afterwards needs to
know of neither. Ballooned are only VMs whose guest can give memory back now: control domains, paused VMs and
VMs without a dynamic minimum keep their static maximum.
"""

from __future__ import annotations

from dataclasses import replace

from planner.constraints.rules import Rules
from planner.model import VM, Host, Pool


def applied(pool: Pool, rules: Rules) -> tuple[Pool, Rules]:
    """Return the pool as memory rules show it, and the rules that are left to be kept.

    To apply what is returned changes nothing.
    """
    left = replace(rules, memory="static-max", reserve_bytes=0)
    if left == rules:
        return pool, rules
    hosts, vms = pool.hosts, pool.vms
    if rules.reserve_bytes:
        hosts = tuple(_with_reserve(host, rules.reserve_bytes) for host in hosts)
    if rules.memory == "dynamic-min":
        vms = tuple(_ballooned(vm) for vm in vms)
    return replace(pool, hosts=hosts, vms=vms), left


def _with_reserve(host: Host, reserve_bytes: int) -> Host:
    return replace(host, memory_overhead_bytes=host.memory_overhead_bytes + reserve_bytes)


def _ballooned(vm: VM) -> VM:
    least = vm.memory_dynamic_min_bytes
    if not least or vm.is_control_domain or vm.power_state == "Paused":
        return vm
    return replace(vm, memory_static_max_bytes=least)
