"""The built-in pool: five hosts of a middling company, some sixty VMs, a target of two host failures.

It survives the loss of any two hosts, which xapi's own rule does not see: its greedy packer gives up on sets
for which a placement exists. Starting `reporting-db`, Halted and of restart priority, overcommits it; hence
overcommitting is allowed. `licence-server` is tied to host-3 by a USB dongle. It is best-effort, not
protected: a running protected VM with no other candidate would make the tolerance of any pool 0.

Everything follows from the tables below; the same pool is made every time.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.xapi.database import stable_uuid
from lab.xapi.placement import hvm_overhead_bytes
from planner.model import SR, VM, Host, Network, Pool, RestartPriority, VMGroup

GIB = 1 << 30
MIB = 1 << 20

HOST_MEMORY_BYTES = 512 * GIB
HOST_OVERHEAD_BYTES = 1_561 * MIB
"""What the hypervisor keeps for itself, as seen on hosts of that size."""

CONTROL_DOMAIN_BYTES = 8 * GIB
RACKS = ("r1", "r1", "r2", "r2", "r3")
SECONDS_AFTER_DATABASES = 60

_VMS = """
dc-1                8   4  restart      0  vm
dc-2                8   4  restart      0  vm
dns-1               4   2  restart      0  vm
dns-2               4   2  restart      0  vm
vault-1             8   4  restart      0  vm
postgres-primary  128  16  restart      1  vm storage
postgres-replica  128  16  restart      1  vm storage
mysql-erp          96  12  restart      1  vm storage
mssql-crm          96  12  restart      1  vm storage
oracle-billing    160  16  restart      1  vm storage
redis-1            16   4  restart      1  vm
redis-2            16   4  restart      1  vm
redis-3            16   4  restart      1  vm
rabbitmq           12   4  restart      1  vm
elastic-1          64   8  restart      1  vm
elastic-2          64   8  restart      1  vm
elastic-3          64   8  restart      1  vm
erp-app-1          24   8  restart      2  vm
erp-app-2          24   8  restart      2  vm
crm-app-1          24   8  restart      2  vm
crm-app-2          24   8  restart      2  vm
k8s-master-1       12   4  restart      2  vm
k8s-master-2       12   4  restart      2  vm
k8s-master-3       12   4  restart      2  vm
k8s-worker-1       40  16  restart      2  vm
k8s-worker-2       40  16  restart      2  vm
k8s-worker-3       40  16  restart      2  vm
k8s-worker-4       40  16  restart      2  vm
web-1               8   4  restart      3  vm dmz
web-2               8   4  restart      3  vm dmz
web-3               8   4  restart      3  vm dmz
proxy-1             4   2  restart      3  vm dmz
proxy-2             4   2  restart      3  vm dmz
mail               24   8  restart      3  vm dmz
gitlab             32   8  restart      3  vm
nextcloud          16   4  restart      3  vm dmz
monitoring         16   4  best-effort  0  vm management
logs               24   4  best-effort  0  vm
ci-runner-1        16   8  best-effort  0  vm
ci-runner-2        16   8  best-effort  0  vm
wiki                8   2  best-effort  0  vm
jira               16   4  best-effort  0  vm
licence-server      4   2  best-effort  0  vm
print-server        4   2  best-effort  0  vm
staging-db         32   8  -            0  vm
staging-web         8   4  -            0  vm
sandbox-1          12   4  -            0  vm
sandbox-2          12   4  -            0  vm
desktops-1         24   8  -            0  vm
desktops-2         24   8  -            0  vm
training           16   4  -            0  vm
reporting-db       96  12  restart      4  vm storage
win-2022-master     8   4  -            0  vm
old-intranet        8   2  -            0  vm
"""
"""Name, GiB, vCPUs, HA restart priority, order, networks."""

_HALTED = frozenset({"reporting-db", "win-2022-master", "old-intranet"})

_PLACEMENT = """
mysql-erp rabbitmq elastic-3 crm-app-1 crm-app-2 k8s-worker-3 ci-runner-2 desktops-1
dc-2 dns-2 postgres-replica redis-2 erp-app-1 erp-app-2 k8s-worker-1 k8s-worker-4 proxy-2 monitoring training
postgres-primary elastic-1 k8s-master-1 web-1 mail gitlab jira licence-server sandbox-1
vault-1 oracle-billing redis-1 k8s-master-2 web-2 proxy-1 logs ci-runner-1 staging-web sandbox-2 desktops-2
dc-1 dns-1 mssql-crm redis-3 elastic-2 k8s-master-3 k8s-worker-2 web-3 nextcloud wiki print-server staging-db
"""
"""One line a host: what runs there."""


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    memory_bytes: int
    vcpus: int
    priority: RestartPriority
    order: int
    networks: tuple[str, ...]


def _uuid(kind: str, name: str) -> str:
    return stable_uuid("demo", kind, name)


def _row(line: str) -> _Row:
    name, gib, vcpus, priority, order, *networks = line.split()
    priorities: dict[str, RestartPriority] = {"restart": "restart", "best-effort": "best-effort", "-": ""}
    return _Row(name, int(gib) * GIB, int(vcpus), priorities[priority], int(order), tuple(networks))


ROWS = tuple(_row(line) for line in _VMS.strip().splitlines())


def _homes() -> dict[str, str]:
    lines = _PLACEMENT.strip().splitlines()
    return {name: f"host-{i + 1}" for i, line in enumerate(lines) for name in line.split()}


_HOMES = _homes()

_APART = {
    "domain controllers": ("dc-1", "dc-2"),
    "postgres": ("postgres-primary", "postgres-replica"),
    "elastic": ("elastic-1", "elastic-2", "elastic-3"),
    "k8s masters": ("k8s-master-1", "k8s-master-2", "k8s-master-3"),
}
"""VMs that should not share a host, by the name of their group."""


def demo_pool() -> Pool:
    """Return the built-in pool."""
    hosts = tuple(_host(i) for i in range(len(RACKS)))
    everywhere = tuple(host.uuid for host in hosts)
    san = _uuid("sr", "san")
    return Pool(
        uuid=_uuid("pool", "demo"),
        name="demo",
        master=everywhere[0],
        ha_host_failures_to_tolerate=2,
        ha_allow_overcommit=True,
        heartbeat_srs=(san,),
        hosts=hosts,
        srs=(
            SR(san, "SAN volumes", "lvmoiscsi", hosts=everywhere),
            SR(_uuid("sr", "iso"), "Installation media", "iso", hosts=everywhere),
            *(
                SR(
                    _uuid("sr", host.name),
                    f"Local storage on {host.name}",
                    "ext",
                    shared=False,
                    hosts=(host.uuid,),
                )
                for host in hosts
            ),
        ),
        networks=tuple(
            Network(_uuid("network", name), name, hosts=everywhere)
            for name in ("management", "vm", "storage", "dmz")
        ),
        groups=tuple(VMGroup(_uuid("group", name), "anti_affinity", name) for name in _APART),
        vms=(*(_control_domain(host) for host in hosts), *(_guest(row) for row in ROWS)),
    )


def _host(index: int) -> Host:
    return Host(
        uuid=_uuid("host", f"host-{index + 1}"),
        name=f"host-{index + 1}",
        memory_total_bytes=HOST_MEMORY_BYTES,
        memory_overhead_bytes=HOST_OVERHEAD_BYTES,
        cpus=64,
        failure_domains=(("rack", RACKS[index]),),
    )


def _control_domain(host: Host) -> VM:
    return VM(
        uuid=_uuid("vm", f"dom0 of {host.name}"),
        name=f"Control domain on host: {host.name}",
        memory_static_max_bytes=CONTROL_DOMAIN_BYTES,
        memory_dynamic_min_bytes=CONTROL_DOMAIN_BYTES,
        vcpus=16,
        power_state="Running",
        resident_on=host.uuid,
        srs=(),
        networks=(),
        is_control_domain=True,
    )


def _guest(row: _Row) -> VM:
    home = None if row.name in _HALTED else _uuid("host", _HOMES[row.name])
    tied = row.name == "licence-server"
    return VM(
        uuid=_uuid("vm", row.name),
        name=row.name,
        memory_static_max_bytes=row.memory_bytes,
        memory_dynamic_min_bytes=row.memory_bytes,
        memory_overhead_bytes=hvm_overhead_bytes(row.memory_bytes, row.vcpus),
        vcpus=row.vcpus,
        power_state="Running" if home else "Halted",
        resident_on=home,
        ha_restart_priority=row.priority,
        ha_always_run=row.priority == "restart" and home is not None,
        order=row.order,
        start_delay_seconds=SECONDS_AFTER_DATABASES if row.order == 1 and row.vcpus >= 12 else 0,
        srs=(_uuid("sr", "san"),),
        networks=tuple(_uuid("network", name) for name in row.networks),
        candidate_hosts=(home,) if tied and home else None,
        unagile_because=("VM_HAS_VUSBS",) if tied else (),
        groups=tuple(_uuid("group", group) for group, members in _APART.items() if row.name in members),
    )
