"""Reads the external cases (tests/external) as pools: other people's data, with answers.

The encodings are described in tests/external/README.md. VMs get a number before their id: some share one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.model import SR, VM, Host, Network, Pool, PowerState

MIB = 1 << 20
Case = dict[str, Any]


def cases(folder: Path) -> list[Case]:
    """Return the cases of one set, in its order."""
    loaded: list[Case] = json.loads((folder / "cases.json").read_text(encoding="utf-8"))["cases"]
    return loaded


def pool_of(case: Case, *, agile: bool = False) -> Pool:
    """Return the pool of a case in the encodings `pool` or `cpool`; `agile`: forget where VMs are bound."""
    return _compact(case) if "cpool" in case else _full(case, agile)


def _compact(case: Case) -> Pool:
    hosts = tuple(Host(f"h{i:02}", memory * MIB) for i, memory in enumerate(case["cpool"]["hosts"]))
    vms = tuple(
        _protected(f"v{i:04}", memory * MIB, hosts[home].uuid, None)
        for i, (memory, home) in enumerate(case["cpool"]["vms"])
    )
    return Pool(uuid=case["id"], name=case["id"], hosts=hosts, vms=vms)


def _full(case: Case, agile: bool) -> Pool:
    unit = MIB if case.get("unit") == "MiB" else 1
    hosts = tuple(
        Host(host["id"], host["memory"] * unit, enabled=host["enabled"], live=host.get("live", True))
        for host in case["pool"]["hosts"]
    )
    vms = tuple(
        _protected(f"{i:03} {vm['id']}", vm["memory"] * unit, vm["home"], None if agile else vm["allowed"])
        for i, vm in enumerate(case["pool"]["vms"])
        if vm.get("power_state", "Running") == "Running"
    )
    return Pool(uuid=case["id"], name=case["id"], hosts=hosts, vms=vms)


def _protected(uuid: str, size: int, home: str, allowed: list[str] | None) -> VM:
    return VM(
        uuid=uuid,
        memory_static_max_bytes=size,
        power_state="Running",
        resident_on=home,
        ha_restart_priority="restart",
        ha_always_run=True,
        candidate_hosts=None if allowed is None else tuple(allowed),
    )


def database_pool(case: Case) -> Pool:
    """Return the pool of a xapi database as it was: reach by SRs and networks, priorities as they stood.

    Networks without a PIF are internal to a host and bind nobody here.
    """
    hosts, vms = case["pool"]["hosts"], case["pool"]["vms"]
    internal = {name for vm in vms for name in vm["internal_networks"]}
    networks = {name for vm in vms for name in vm["networks"]} | {
        n for host in hosts for n in host["networks"]
    }
    srs = {name for vm in vms for name in vm["srs"]} | {sr for host in hosts for sr in host["srs_attached"]}
    return Pool(
        uuid=case["id"],
        name=case["id"],
        hosts=tuple(
            Host(host["id"], host["memory"], enabled=host["enabled"], live=host["live"]) for host in hosts
        ),
        srs=tuple(SR(sr, hosts=_having(hosts, "srs_attached", sr)) for sr in sorted(srs)),
        networks=tuple(
            Network(n, hosts=None if n.rsplit("/", 1)[0] in internal else _having(hosts, "networks", n))
            for n in sorted(networks)
        ),
        vms=tuple(_database_vm(vm) for vm in vms),
    )


def _having(hosts: list[Case], key: str, name: str) -> tuple[str, ...]:
    return tuple(host["id"] for host in hosts if name in host[key])


def _database_vm(vm: Case) -> VM:
    state: PowerState = vm["power_state"]
    return VM(
        uuid=vm["uuid"],
        memory_static_max_bytes=vm["static_max"],
        name=vm["id"],
        memory_overhead_bytes=vm["memory"] - vm["static_max"],
        power_state=state,
        resident_on=vm["home"],
        ha_restart_priority=vm["ha_restart_priority"] if vm["ha_restart_priority"] == "best-effort" else "",
        ha_always_run=vm["ha_always_run"],
        srs=tuple(vm["srs"]),
        networks=tuple(vm["networks"]),
    )
