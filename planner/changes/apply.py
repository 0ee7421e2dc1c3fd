"""The pool as it would be after a change. Never in place; never half.

What xapi does by itself is done here, too: a VM that is started with the priority "restart" is kept running
from then on, one that is shut down through the API no longer is (REQUIREMENTS R25). A change that could not
be made (no room, no reach, wrong state) is refused with a reason; what is room, `room` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from planner.agility import obstacles
from planner.changes.change import Change, Verb
from planner.changes.errors import ChangeError
from planner.changes.find import find
from planner.changes.room import expect_room
from planner.constraints.rules import NO_RULES, Rules
from planner.model import SR, VM, Host, Network, Pool

_TAKES_ROOM: frozenset[Verb] = frozenset({"start", "migrate", "memory", "new"})


def apply(pool: Pool, change: Change, rules: Rules = NO_RULES) -> Pool:
    """Return `pool` after `change`; `rules` say what is room for a VM. Errors: ChangeError."""
    after = _VERBS[change.verb](pool, change)
    if change.verb in _TAKES_ROOM:
        expect_room(pool, after, _vm(after, change).uuid, change, rules)
    return after


def _start(pool: Pool, change: Change) -> Pool:
    vm, host = _vm(pool, change), _host(pool, change.host, change)
    if vm.power_state not in ("Halted", "Suspended"):
        raise ChangeError(change.text, f"{_called(vm)} is {vm.power_state} already")
    return _with_vm(pool, _started(pool, vm, host, change))


def _stop(pool: Pool, change: Change) -> Pool:
    vm = _vm(pool, change)
    if vm.power_state == "Halted" and not vm.ha_always_run:
        raise ChangeError(change.text, f"{_called(vm)} is halted already")
    return _with_vm(pool, replace(_nowhere(vm), power_state="Halted", ha_always_run=False))


def _migrate(pool: Pool, change: Change) -> Pool:
    vm, host = _vm(pool, change), _host(pool, change.host, change)
    if vm.power_state not in ("Running", "Paused") or vm.home is None:
        raise ChangeError(change.text, f"{_called(vm)} does not run anywhere")
    if vm.home == host.uuid:
        raise ChangeError(change.text, f"{_called(vm)} is on {_called(host)} already")
    _expect_place(pool, vm, host, change)
    return _with_vm(pool, replace(vm, resident_on=host.uuid, scheduled_to_be_resident_on=None))


def _memory(pool: Pool, change: Change) -> Pool:
    vm = _vm(pool, change)
    smallest = vm.memory_dynamic_min_bytes
    resized = replace(
        vm,
        memory_static_max_bytes=change.size_bytes,
        memory_dynamic_min_bytes=None if smallest is None else min(smallest, change.size_bytes),
    )
    return _with_vm(pool, resized)


def _priority(pool: Pool, change: Change) -> Pool:
    vm = _vm(pool, change)
    if vm.is_control_domain and change.priority:
        raise ChangeError(change.text, f"{_called(vm)} is a control domain; HA restarts none")
    keep = change.priority == "restart" and vm.power_state != "Halted"
    return _with_vm(pool, replace(vm, ha_restart_priority=change.priority, ha_always_run=keep))


def _new(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.host, change)
    if any(change.subject in (vm.uuid, vm.name) for vm in pool.vms):
        raise ChangeError(change.text, f"there is a VM {change.subject} already")
    vm = VM(change.subject, change.size_bytes, change.subject, ha_restart_priority=change.priority)
    return replace(pool, vms=(*pool.vms, _started(pool, vm, host, change)))


def _disable(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.subject, change)
    if not host.enabled:
        raise ChangeError(change.text, f"{_called(host)} is disabled already")
    return _with_host(pool, replace(host, enabled=False))


def _enable(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.subject, change)
    if host.in_service:
        raise ChangeError(change.text, f"{_called(host)} is enabled already")
    return _with_host(pool, replace(host, enabled=True, live=True))


def _add_host(pool: Pool, change: Change) -> Pool:
    """What every host reaches, the new one reaches, too: a pool plugs its shared SRs and networks in."""
    if any(change.subject in (host.uuid, host.name) for host in pool.hosts):
        raise ChangeError(change.text, f"there is a host {change.subject} already")
    all_hosts = frozenset(pool.host_by_uuid)
    host = Host(change.subject, change.size_bytes, change.subject)
    return replace(
        pool,
        hosts=(*pool.hosts, host),
        srs=tuple(
            replace(sr, hosts=_plugged(sr.hosts, all_hosts, host)) if sr.shared else sr for sr in pool.srs
        ),
        networks=tuple(
            replace(network, hosts=_plugged(network.hosts, all_hosts, host)) for network in pool.networks
        ),
    )


def _remove_host(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.subject, change)
    there = [vm for vm in pool.vms if host.uuid in vm.occupies and not vm.is_control_domain]
    if there and host.live:
        vms = f"{len(there)} VM{'s' if len(there) > 1 else ''}"
        raise ChangeError(change.text, f"{vms} of {_called(host)} would have to move first")
    gone = host.uuid
    return replace(
        pool,
        master=None if pool.master == gone else pool.master,
        hosts=tuple(other for other in pool.hosts if other.uuid != gone),
        srs=tuple(replace(sr, hosts=_without(sr.hosts, gone)) for sr in pool.srs),
        networks=tuple(replace(network, hosts=_without(network.hosts, gone)) for network in pool.networks),
        vms=tuple(_forgetting(vm, gone) for vm in pool.vms if not (vm.is_control_domain and vm.home == gone)),
    )


def _unplug_sr(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.host, change)
    sr = find(pool.srs, change.subject, "SR", change.text)
    left = replace(sr, hosts=_unplugged(pool, sr, host, change))
    return replace(pool, srs=tuple(left if other.uuid == sr.uuid else other for other in pool.srs))


def _unplug_network(pool: Pool, change: Change) -> Pool:
    host = _host(pool, change.host, change)
    network = find(pool.networks, change.subject, "network", change.text)
    left = replace(network, hosts=_unplugged(pool, network, host, change))
    return replace(
        pool, networks=tuple(left if other.uuid == network.uuid else other for other in pool.networks)
    )


_VERBS: dict[Verb, Callable[[Pool, Change], Pool]] = {
    "start": _start,
    "stop": _stop,
    "migrate": _migrate,
    "memory": _memory,
    "priority": _priority,
    "new": _new,
    "disable": _disable,
    "enable": _enable,
    "add-host": _add_host,
    "remove-host": _remove_host,
    "unplug-sr": _unplug_sr,
    "unplug-network": _unplug_network,
}


def _vm(pool: Pool, change: Change) -> VM:
    return find(pool.vms, change.subject, "VM", change.text)


def _host(pool: Pool, wanted: str, change: Change) -> Host:
    return find(pool.hosts, wanted, "host", change.text)


def _called(thing: VM | Host) -> str:
    return thing.name or thing.uuid


def _with_vm(pool: Pool, vm: VM) -> Pool:
    return replace(pool, vms=tuple(vm if other.uuid == vm.uuid else other for other in pool.vms))


def _with_host(pool: Pool, host: Host) -> Pool:
    return replace(pool, hosts=tuple(host if other.uuid == host.uuid else other for other in pool.hosts))


def _nowhere(vm: VM) -> VM:
    return replace(vm, resident_on=None, scheduled_to_be_resident_on=None)


def _started(pool: Pool, vm: VM, host: Host, change: Change) -> VM:
    _expect_place(pool, vm, host, change)
    return replace(
        vm,
        power_state="Running",
        resident_on=host.uuid,
        scheduled_to_be_resident_on=None,
        ha_always_run=vm.ha_restart_priority == "restart",
    )


def _expect_place(pool: Pool, vm: VM, host: Host, change: Change) -> None:
    if not host.in_service:
        state = "is disabled" if host.live else "is not live"
        raise ChangeError(change.text, f"{_called(host)} {state}")
    for obstacle in obstacles(pool, vm, host):
        what = f"{obstacle.kind} {obstacle.uuid}".strip()
        raise ChangeError(change.text, f"{_called(host)} does not reach what {_called(vm)} needs: {what}")


def _plugged(hosts: tuple[str, ...] | None, all_hosts: frozenset[str], host: Host) -> tuple[str, ...] | None:
    return (*hosts, host.uuid) if hosts is not None and all_hosts <= set(hosts) else hosts


def _unplugged(pool: Pool, thing: SR | Network, host: Host, change: Change) -> tuple[str, ...]:
    hosts = tuple(pool.host_by_uuid) if thing.hosts is None else thing.hosts
    if host.uuid not in hosts:
        raise ChangeError(change.text, f"{thing.name or thing.uuid} is not plugged on {_called(host)}")
    return tuple(uuid for uuid in hosts if uuid != host.uuid)


def _without(hosts: tuple[str, ...] | None, gone: str) -> tuple[str, ...] | None:
    return None if hosts is None else tuple(uuid for uuid in hosts if uuid != gone)


def _forgetting(vm: VM, gone: str) -> VM:
    """Return a VM that no longer knows the removed host; one that was lost with it is halted."""
    left = replace(vm, candidate_hosts=_without(vm.candidate_hosts, gone))
    if gone not in vm.occupies:
        return left
    state = vm.power_state if vm.power_state == "Suspended" else "Halted"
    return replace(_nowhere(left), power_state=state)
