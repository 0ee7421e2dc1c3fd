"""Records of an API → Pool (reference/xapi-ha.md §3, §5).

A record that cannot be read never stops the rest, and what is unknown is taken so that no figure gets better
by it; each such record is listed with its reason, for those who show the pool to count and alert on:

* a host stays in the pool but out of service: its protected VMs count as down, its memory as not there;
* a VM whose memory cannot be read is left out, and an overhead that cannot be read counts as 0: the two
  cases in which a figure can be too good;
* any other field of a VM takes its default, its priority that of a protected VM;
* devices, SRs and networks: see `devices` and `layout`.

Templates and snapshots are no VMs; control domains are. The order is that of uuids, whatever the API's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar, cast, get_args

from planner.inventory.devices import Devices
from planner.inventory.layout import Layout
from planner.inventory.poolshape import BYTES_MAX, CPUS_MAX, TIMEOUT_SECONDS_MAX
from planner.inventory.reader import Reader, Rejects, Unreadable, integer_of, reference_of
from planner.inventory.records import DOMAIN_PREFIX, Record, Tables
from planner.inventory.snapshot import Snapshot
from planner.model import VM, Host, PlacementPolicy, Pool, PowerState, RestartPriority, VMGroup
from planner.results import XapiFigures

DEFAULT_TIMEOUT_SECONDS = 60


class _Named(Protocol):
    @property
    def uuid(self) -> str: ...


_Record = TypeVar("_Record", bound=_Named)


def parse(tables: Tables) -> Snapshot:
    """Return the pool that the records describe, with what could not be read.

    Raises Unreadable if there is no record of the pool itself.
    """
    rejects = Rejects()
    hosts = {ref: _host(Reader(record, ref), tables, rejects) for ref, record in tables["host"].items()}
    groups = {ref: _group(Reader(record, ref), rejects) for ref, record in tables["vm_group"].items()}
    host_uuid = {ref: host.uuid for ref, host in hosts.items()}
    layout = Layout(tables, host_uuid, rejects)
    devices = Devices(tables, layout, {host.uuid: host.name for host in hosts.values() if host.enabled})
    vms = _VMs(host_uuid, groups, devices, rejects)
    content = Pool(
        uuid="",
        hosts=_in_order(hosts.values(), "host", rejects),
        srs=_in_order(layout.srs.values(), "SR", rejects),
        networks=_in_order(layout.networks.values(), "network", rejects),
        groups=_in_order(groups.values(), "VM_group", rejects),
        vms=_in_order(vms.read_all(tables["vm"]), "VM", rejects),
    )
    pool, xapi = _pool(content, tables, host_uuid, layout, rejects)
    return Snapshot(pool, rejects.sorted(), xapi)


def _in_order(records: Iterable[_Record], record_class: str, rejects: Rejects) -> tuple[_Record, ...]:
    """Return the records by uuid; of several with one uuid only the first."""
    found: dict[str, _Record] = {}
    for record in records:
        if found.setdefault(record.uuid, record) is not record:
            rejects.add(record_class, record.uuid, "a second record with this uuid; left out")
    return tuple(found[uuid] for uuid in sorted(found))


# Hosts ---------------------------------------------------------------------------------------------------


def _host(reader: Reader, tables: Tables, rejects: Rejects) -> Host:
    live, total_bytes, overhead_bytes = False, 0, 0
    try:
        total_bytes, live = _metrics(reader, tables)
        overhead_bytes = reader.optional_integer("memory_overhead", high=BYTES_MAX, default=0)
    except Unreadable as problem:
        live = False
        reader.complaints.append(f"{problem}; taken as out of service")
    host = Host(
        uuid=reader.uuid,
        memory_total_bytes=total_bytes,
        name=reader.text("name_label"),
        memory_overhead_bytes=overhead_bytes,
        cpus=_cpus(reader),
        enabled=reader.flag("enabled", default=False),
        live=live,
        failure_domains=_failure_domains(reader),
        tags=reader.texts("tags"),
    )
    reader.report(rejects, "host")
    return host


def _metrics(host: Reader, tables: Tables) -> tuple[int, bool]:
    """Return the memory of a host and whether it is live."""
    ref = host.reference("metrics")
    record = tables["host_metrics"].get(ref or "")
    if ref is None or record is None:
        raise Unreadable("metrics: no record of them")
    metrics = Reader(record, ref)
    total_bytes = metrics.required_integer("memory_total", high=BYTES_MAX)
    live = metrics.flag("live", default=False)
    host.complaints += [f"metrics.{complaint}" for complaint in metrics.complaints]
    return total_bytes, live


def _cpus(host: Reader) -> int | None:
    count = integer_of(host.mapping("cpu_info").get("cpu_count"))
    if count is None:
        count = len(host.texts("host_CPUs"))
    return count if 1 <= count <= CPUS_MAX else None


def _failure_domains(host: Reader) -> tuple[tuple[str, str], ...]:
    """Return the domains that operators write to other_config, e.g. xenha:domain:rack=r1."""
    found = []
    for key, value in host.mapping("other_config").items():
        name = key.removeprefix(DOMAIN_PREFIX)
        if key.startswith(DOMAIN_PREFIX) and name and isinstance(value, str) and value:
            found.append((name, value))
    return tuple(sorted(found))


def _group(reader: Reader, rejects: Rejects) -> VMGroup:
    placement = reader.text("placement", "normal")
    if placement not in get_args(PlacementPolicy):
        reader.complain("placement", f"unknown value {placement[:40]!r}", '"normal"')
        placement = "normal"
    group = VMGroup(reader.uuid, cast(PlacementPolicy, placement), name=reader.text("name_label"))
    reader.report(rejects, "VM_group")
    return group


# VMs -----------------------------------------------------------------------------------------------------


class _VMs:
    """Reads VMs; hosts and groups are known by reference already."""

    def __init__(
        self,
        host_uuid: Mapping[str, str],
        groups: Mapping[str, VMGroup],
        devices: Devices,
        rejects: Rejects,
    ) -> None:
        self._host_uuid = host_uuid
        self._groups = groups
        self._devices = devices
        self._rejects = rejects

    def read_all(self, table: Mapping[str, Record]) -> list[VM]:
        """Return the VMs among the records; those without a size are rejected."""
        found = []
        for ref, record in table.items():
            if record.get("is_a_template") is True or record.get("is_a_snapshot") is True:
                continue
            reader = Reader(record, ref)
            try:
                found.append(self._read(reader))
            except Unreadable as problem:
                reader.complaints.append(f"{problem}; left out")
            reader.report(self._rejects, "VM")
        return found

    def _read(self, vm: Reader) -> VM:
        static_max_bytes, overhead_bytes = _need(vm)
        power_state, resident_on, scheduled = self._whereabouts(vm)
        needs = self._devices.needs(vm, resident_on or scheduled)
        priority = _priority(vm)
        return VM(
            uuid=vm.uuid,
            memory_static_max_bytes=static_max_bytes,
            name=vm.text("name_label"),
            memory_dynamic_min_bytes=_dynamic_min(vm, static_max_bytes),
            memory_overhead_bytes=overhead_bytes,
            vcpus=vm.count("VCPUs_max", low=1, high=CPUS_MAX, default=1),
            power_state=power_state,
            resident_on=resident_on,
            scheduled_to_be_resident_on=scheduled,
            ha_restart_priority=priority,
            ha_always_run=vm.flag("ha_always_run", default=priority == "restart"),
            order=vm.count("order"),
            start_delay_seconds=vm.count("start_delay"),
            srs=tuple(sorted(needs.srs)),
            networks=tuple(sorted(needs.networks)),
            candidate_hosts=None if needs.hosts is None else tuple(sorted(needs.hosts)),
            unagile_because=tuple(sorted(needs.reasons)),
            groups=self._groups_of(vm),
            is_control_domain=vm.flag("is_control_domain", default=False),
            tags=vm.texts("tags"),
        )

    def _whereabouts(self, vm: Reader) -> tuple[PowerState, str | None, str | None]:
        """Return power state, resident_on and scheduled_to_be_resident_on.

        xapi writes power_state and resident_on one after the other, so a Halted VM can still name a host;
        its memory stays taken there (§3.2 asks for no power state) until it names none.
        """
        resident_on, scheduled = self._host(vm, "resident_on"), self._host(vm, "scheduled_to_be_resident_on")
        power_state = vm.text("power_state")
        if power_state not in get_args(PowerState):
            instead = "Running" if resident_on else "Halted"
            vm.complain("power_state", f"unknown value {power_state[:40]!r}", instead)
            power_state = instead
        if power_state == "Halted" and resident_on is not None:
            return "Halted", None, scheduled or resident_on
        return cast(PowerState, power_state), resident_on, scheduled

    def _host(self, vm: Reader, key: str) -> str | None:
        ref = vm.reference(key)
        if ref is not None and ref not in self._host_uuid:
            vm.complain(key, f"no host is {ref}", "none")
        return self._host_uuid.get(ref or "")

    def _groups_of(self, vm: Reader) -> tuple[str, ...]:
        found: dict[str, str] = {}
        for ref in vm.texts("groups"):
            group = self._groups.get(ref)
            if group is None:
                vm.complain("groups", f"no group is {ref}", "in none")
            elif found.setdefault(group.placement, group.uuid) != group.uuid:
                vm.complain("groups", f"two groups of placement {group.placement}", "in the first")
        return tuple(sorted(found.values()))


def _need(vm: Reader) -> tuple[int, int]:
    """Return static maximum and overhead in bytes (§3.2).

    Raises Unreadable if the VM's size cannot be known.
    """
    static_max_bytes = vm.required_integer("memory_static_max", high=BYTES_MAX)
    overhead_bytes = vm.count("memory_overhead", high=BYTES_MAX)
    if static_max_bytes + overhead_bytes == 0:
        raise Unreadable("memory_static_max: expected more than 0")
    return static_max_bytes, overhead_bytes


def _dynamic_min(vm: Reader, static_max_bytes: int) -> int | None:
    return vm.integer("memory_dynamic_min", high=static_max_bytes, default=None)


def _priority(vm: Reader) -> RestartPriority:
    """Return the restart priority. Servers before 6.0 wrote "0" to "3" for protected VMs."""
    priority = vm.text("ha_restart_priority")
    if priority in get_args(RestartPriority):
        return cast(RestartPriority, priority)
    if priority not in {"0", "1", "2", "3"}:
        vm.complain("ha_restart_priority", f"unknown value {priority[:40]!r}", '"restart"')
    return "restart"


# The pool ------------------------------------------------------------------------------------------------


def _pool(
    content: Pool, tables: Tables, host_uuid: Mapping[str, str], layout: Layout, rejects: Rejects
) -> tuple[Pool, XapiFigures]:
    """Return `content` with the pool's own fields, and what xapi says of it."""
    if not tables["pool"]:
        raise Unreadable("the API shows no pool record")
    ref = min(tables["pool"])
    reader = Reader(tables["pool"][ref], ref)
    pool = replace(
        content,
        uuid=reader.uuid,
        name=reader.text("name_label"),
        master=host_uuid.get(reader.reference("master") or ""),
        ha_enabled=reader.flag("ha_enabled", default=False),
        ha_host_failures_to_tolerate=reader.integer("ha_host_failures_to_tolerate", default=None),
        ha_allow_overcommit=reader.flag("ha_allow_overcommit", default=False),
        ha_timeout_seconds=_timeout_seconds(reader),
        heartbeat_srs=_heartbeat_srs(reader, tables, layout),
        quorum="majority" if _clustered(reader, tables["cluster"]) else "disk",
    )
    xapi = XapiFigures(reader.count("ha_plan_exists_for"), reader.flag("ha_overcommitted", default=False))
    reader.report(rejects, "pool")
    return pool, xapi


def _clustered(pool: Reader, clusters: Collection[str]) -> bool:
    return bool(clusters) or pool.text("ha_cluster_stack") == "corosync"


def _timeout_seconds(pool: Reader) -> int:
    """Return T: what was given when HA was enabled, else the pool's default (§1.5)."""
    given = pool.mapping("ha_configuration").get("timeout")
    text = given if given is not None else pool.mapping("other_config").get("default_ha_timeout")
    if text is None:
        return DEFAULT_TIMEOUT_SECONDS
    seconds = integer_of(text)
    if seconds is None or not 1 <= seconds <= TIMEOUT_SECONDS_MAX:
        problem = f"expected a timeout of 1 to {TIMEOUT_SECONDS_MAX} s, got {text!r:.40}"
        pool.complain("ha_configuration", problem, f"{DEFAULT_TIMEOUT_SECONDS} s")
        return DEFAULT_TIMEOUT_SECONDS
    return seconds


def _heartbeat_srs(pool: Reader, tables: Tables, layout: Layout) -> tuple[str, ...]:
    """Return the SRs of the statefiles, which a pool names as VDIs by reference or uuid."""
    by_uuid = (
        {str(vdi.get("uuid")): vdi for vdi in tables["vdi"].values()} if pool.texts("ha_statefiles") else {}
    )
    found = set()
    for name in pool.texts("ha_statefiles"):
        vdi = tables["vdi"].get(name) or by_uuid.get(name, {})
        sr = layout.srs.get(reference_of(vdi.get("SR")) or "")
        if sr is None:
            pool.complain("ha_statefiles", f"no record of VDI {name} or its SR", "none")
        else:
            found.add(sr.uuid)
    return tuple(sorted(found))
