"""Records → Pool: every rule of reference/xapi-ha.md §3.2 and §3.3, and what happens to bad records."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.demo import demo_pool
from lab.xapi import populate
from planner.agility import Reach
from planner.inventory.parse import parse
from planner.inventory.poolfile import dump_pool, read_pool
from planner.inventory.reader import Unreadable
from planner.inventory.records import FIELDS, Records
from planner.inventory.snapshot import Snapshot
from planner.model import VM, Pool
from planner.results import XapiFigures

NULL = "OpaqueRef:NULL"
GIB = 2**30
Tables = dict[str, dict[str, dict[str, Any]]]


def two_hosts() -> Tables:
    """Return the records of two hosts with a shared SR, a network and one protected VM on host A."""
    tables: Tables = {name: {} for name in FIELDS}
    tables["pool"]["pool"] = {
        "uuid": "uuid-pool",
        "name_label": "two",
        "master": "A",
        "ha_enabled": True,
        "ha_configuration": {"timeout": "90"},
        "ha_host_failures_to_tolerate": "1",
        "ha_allow_overcommit": True,
        "ha_plan_exists_for": "1",
        "ha_overcommitted": False,
        "ha_statefiles": ["statefile"],
        "other_config": {},
    }
    for name in ("A", "B"):
        tables["host"][name] = {
            "uuid": f"uuid-{name}",
            "name_label": f"host {name}",
            "address": "127.0.1.1",
            "enabled": True,
            "metrics": f"metrics-{name}",
            "memory_overhead": str(GIB),
            "cpu_info": {"cpu_count": "8"},
            "other_config": {"xenha:domain:rack": f"rack {name}", "agent_start_time": "1."},
            "tags": [],
        }
        tables["host_metrics"][f"metrics-{name}"] = {
            "uuid": f"uuid-m{name}",
            "live": True,
            "memory_total": str(64 * GIB),
        }
        tables["pbd"][f"pbd-{name}"] = {
            "uuid": f"uuid-pbd-{name}",
            "host": name,
            "SR": "shared",
            "currently_attached": True,
        }
        tables["pif"][f"pif-{name}"] = pif(name, "lan")
    tables["sr"]["shared"] = sr("shared")
    tables["network"]["lan"] = {
        "uuid": "uuid-lan",
        "name_label": "lan",
        "PIFs": ["pif-A", "pif-B"],
    }
    tables["vdi"]["disk"] = {"uuid": "uuid-disk", "SR": "shared"}
    tables["vdi"]["statefile"] = {"uuid": "uuid-statefile", "SR": "shared"}
    tables["vm"]["vm"] = {
        "uuid": "uuid-vm",
        "name_label": "the vm",
        "power_state": "Running",
        "resident_on": "A",
        "scheduled_to_be_resident_on": NULL,
        "affinity": NULL,
        "memory_static_max": str(4 * GIB),
        "memory_dynamic_min": str(2 * GIB),
        "memory_overhead": "1048576",
        "VCPUs_max": "2",
        "ha_restart_priority": "restart",
        "ha_always_run": True,
        "order": "3",
        "start_delay": "20",
        "VBDs": ["vbd"],
        "VIFs": ["vif"],
        "VGPUs": [],
        "VUSBs": [],
        "attached_PCIs": [],
        "groups": [],
        "is_control_domain": False,
        "is_a_template": False,
        "is_a_snapshot": False,
        "other_config": {},
        "tags": ["b", "a"],
    }
    tables["vbd"]["vbd"] = {"uuid": "uuid-vbd", "VM": "vm", "VDI": "disk", "empty": False}
    tables["vif"]["vif"] = {"uuid": "uuid-vif", "VM": "vm", "network": "lan", "reserved_pci": NULL}
    return tables


def pif(host: str, network: str) -> dict[str, Any]:
    return {
        "uuid": f"uuid-pif-{host}-{network}",
        "host": host,
        "network": network,
        "bond_slave_of": NULL,
        "sriov_logical_PIF_of": [],
        "currently_attached": True,
    }


def sr(name: str, *, shared: bool = True) -> dict[str, Any]:
    return {"uuid": f"uuid-{name}", "name_label": name, "type": "nfs", "shared": shared}


def look(change: Callable[[Tables], None] = lambda _: None) -> Snapshot:
    tables = two_hosts()
    change(tables)
    return parse(tables)


def the_vm(snapshot: Snapshot) -> VM:
    return snapshot.pool.vm_by_uuid["uuid-vm"]


def candidates(snapshot: Snapshot) -> set[str]:
    """Return the last letters of the hosts that could start the VM, of those in service."""
    mask = Reach(snapshot.pool).candidates(the_vm(snapshot))
    hosts = snapshot.pool.hosts_in_service
    return {host.uuid[-1] for i, host in enumerate(hosts) if mask >> i & 1}


# What a healthy pool looks like --------------------------------------------------------------------------


def test_a_healthy_pool() -> None:
    snapshot = look()
    pool = snapshot.pool
    assert snapshot.rejects == ()
    assert snapshot.xapi == XapiFigures(1, False)
    assert (pool.uuid, pool.name, pool.master) == ("uuid-pool", "two", "uuid-A")
    assert (pool.target, pool.ha_allow_overcommit, pool.ha_timeout_seconds) == (1, True, 90)
    assert (pool.heartbeat_srs, pool.quorum) == (("uuid-shared",), "disk")
    host = pool.hosts[0]
    assert (host.uuid, host.memory_total_bytes, host.memory_overhead_bytes) == ("uuid-A", 64 * GIB, GIB)
    assert (host.cpus, host.in_service, host.failure_domains) == (8, True, (("rack", "rack A"),))
    assert the_vm(snapshot) == VM(
        "uuid-vm",
        4 * GIB,
        name="the vm",
        memory_dynamic_min_bytes=2 * GIB,
        memory_overhead_bytes=2**20,
        vcpus=2,
        power_state="Running",
        resident_on="uuid-A",
        ha_restart_priority="restart",
        ha_always_run=True,
        order=3,
        start_delay_seconds=20,
        srs=("uuid-shared",),
        networks=("uuid-lan",),
        tags=("a", "b"),
    )
    assert pool.srs[0].hosts is None
    assert pool.networks[0].hosts is None


def test_numbers_may_be_numbers() -> None:
    def as_json_rpc(tables: Tables) -> None:
        for table in tables.values():
            for record in table.values():
                for key, value in record.items():
                    if isinstance(value, str) and value.isdigit():
                        record[key] = int(value)

    assert look(as_json_rpc) == look()


def test_templates_and_snapshots_are_no_vms_and_control_domains_are() -> None:
    def change(tables: Tables) -> None:
        for name, key in (("t", "is_a_template"), ("s", "is_a_snapshot"), ("d", "is_control_domain")):
            tables["vm"][name] = {
                **tables["vm"]["vm"],
                "uuid": f"uuid-{name}",
                key: True,
                "VBDs": [],
                "VIFs": [],
            }

    pool = look(change).pool
    assert [vm.uuid for vm in pool.vms] == ["uuid-d", "uuid-vm"]
    assert pool.vms[0].is_control_domain
    assert pool.free_bytes("uuid-A") == 63 * GIB - 2 * (4 * GIB + 2**20)


@pytest.mark.parametrize(
    ("configuration", "other_config", "seconds"),
    [
        ({"timeout": "90"}, {"default_ha_timeout": "120"}, 90),
        ({}, {"default_ha_timeout": "120"}, 120),
        ({}, {}, 60),
    ],
)
def test_which_timeout_counts(
    configuration: dict[str, str], other_config: dict[str, str], seconds: int
) -> None:
    def change(tables: Tables) -> None:
        tables["pool"]["pool"] |= {"ha_configuration": configuration, "other_config": other_config}

    assert look(change).pool.ha_timeout_seconds == seconds


@pytest.mark.parametrize("how", ["cluster object", "cluster stack"])
def test_a_clustered_pool_needs_a_majority(how: str) -> None:
    def change(tables: Tables) -> None:
        if how == "cluster object":
            tables["cluster"]["c"] = {"uuid": "uuid-c"}
        else:
            tables["pool"]["pool"]["ha_cluster_stack"] = "corosync"

    assert look(change).pool.quorum == "majority"


def test_statefiles_may_be_named_by_uuid() -> None:
    def change(tables: Tables) -> None:
        tables["pool"]["pool"]["ha_statefiles"] = ["uuid-statefile"]

    assert look(change).pool.heartbeat_srs == ("uuid-shared",)


@pytest.mark.parametrize("priority", ["0", "1", "2", "3"])
def test_priorities_of_old_servers_protect(priority: str) -> None:
    snapshot = look(lambda tables: tables["vm"]["vm"].update(ha_restart_priority=priority))
    assert the_vm(snapshot).protected
    assert snapshot.rejects == ()


def test_a_halted_vm_that_still_names_its_host_keeps_its_memory_there() -> None:
    vm = the_vm(look(lambda tables: tables["vm"]["vm"].update(power_state="Halted")))
    assert (vm.resident_on, vm.scheduled_to_be_resident_on) == (None, "uuid-A")


# Storage and networks ------------------------------------------------------------------------------------

SR_REASON = "HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED: SR"
NETWORK_REASON = "HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED: network"


def test_a_shared_sr_is_reached_from_where_it_is_attached() -> None:
    snapshot = look(lambda tables: tables["pbd"]["pbd-B"].update(currently_attached=False))
    assert candidates(snapshot) == {"A"}
    assert the_vm(snapshot).unagile_because == (
        f"{SR_REASON} shared (uuid-shared) is not attached on host B",
    )


def test_only_enabled_hosts_matter_to_the_reasons() -> None:
    def change(tables: Tables) -> None:
        tables["pbd"]["pbd-B"]["currently_attached"] = False
        tables["host"]["B"]["enabled"] = False

    assert the_vm(look(change)).unagile_because == ()


def local_sr(tables: Tables) -> None:
    tables["sr"]["local"] = sr("local", shared=False)
    tables["pbd"]["pbd-local"] = {"uuid": "p", "host": "A", "SR": "local", "currently_attached": True}
    tables["vdi"]["local disk"] = {"uuid": "uuid-ld", "SR": "local"}


def test_a_disk_on_a_local_sr_ties_the_vm_to_its_host() -> None:
    def change(tables: Tables) -> None:
        local_sr(tables)
        tables["vbd"]["second"] = {"uuid": "u", "VM": "vm", "VDI": "local disk", "empty": False}

    snapshot = look(change)
    assert candidates(snapshot) == {"A"}
    assert the_vm(snapshot).srs == ("uuid-local", "uuid-shared")
    assert the_vm(snapshot).unagile_because == (f"{SR_REASON} local (uuid-local) is not shared",)


@pytest.mark.parametrize(
    "drive",
    [{"VDI": "local disk", "empty": True}, {"VDI": NULL, "empty": True}, {"VDI": NULL, "empty": False}],
)
def test_an_empty_drive_ties_nobody(drive: dict[str, Any]) -> None:
    def change(tables: Tables) -> None:
        local_sr(tables)
        tables["vbd"]["drive"] = {"uuid": "u", "VM": "vm", **drive}

    assert the_vm(look(change)) == the_vm(look())


def test_a_network_is_reached_through_pifs_that_are_no_bond_slaves() -> None:
    snapshot = look(lambda tables: tables["pif"]["pif-B"].update(bond_slave_of="bond"))
    assert candidates(snapshot) == {"A"}
    assert the_vm(snapshot).unagile_because == (f"{NETWORK_REASON} lan (uuid-lan) has no PIF on host B",)


def test_a_pif_need_not_be_attached_now() -> None:
    snapshot = look(lambda tables: tables["pif"]["pif-B"].update(currently_attached=False))
    assert the_vm(snapshot) == the_vm(look())


def internal_network(tables: Tables) -> None:
    tables["network"]["internal"] = {"uuid": "uuid-internal", "name_label": "internal", "PIFs": []}
    tables["vif"]["second"] = {"uuid": "u", "VM": "vm", "network": "internal", "reserved_pci": NULL}


def test_an_internal_network_of_one_vm_can_be_anywhere() -> None:
    snapshot = look(internal_network)
    assert candidates(snapshot) == {"A", "B"}
    assert the_vm(snapshot).unagile_because == (f"{NETWORK_REASON} internal (uuid-internal) has no PIF",)


def test_an_internal_network_that_running_vms_share_is_where_they_run() -> None:
    def change(tables: Tables) -> None:
        internal_network(tables)
        tables["vm"]["peer"] = {**tables["vm"]["vm"], "uuid": "uuid-peer", "VBDs": [], "VIFs": ["third"]}
        tables["vif"]["third"] = {"uuid": "v", "VM": "peer", "network": "internal", "reserved_pci": NULL}

    assert candidates(look(change)) == {"A"}


def sriov(tables: Tables, *, requires_reboot: bool, attached: bool) -> None:
    tables["network_sriov"]["sriov"] = {"uuid": "u", "requires_reboot": requires_reboot}
    tables["pif"]["pif-B"] |= {"sriov_logical_PIF_of": ["sriov"], "currently_attached": attached}


@pytest.mark.parametrize(
    ("requires_reboot", "attached", "expected"),
    [(False, False, {"A", "B"}), (True, False, {"A"}), (True, True, {"A", "B"})],
)
def test_sriov_counts_where_it_comes_up_without_a_reboot(
    requires_reboot: bool, attached: bool, expected: set[str]
) -> None:
    snapshot = look(lambda tables: sriov(tables, requires_reboot=requires_reboot, attached=attached))
    assert candidates(snapshot) == expected
    assert "VM_HAS_SRIOV_VIF: network lan (uuid-lan) is of SR-IOV" in the_vm(snapshot).unagile_because


# Devices -------------------------------------------------------------------------------------------------


def with_gpus(tables: Tables) -> None:
    tables["vgpu"]["vgpu"] = {
        "uuid": "uuid-vgpu",
        "VM": "vm",
        "GPU_group": "gpus",
        "type": "big",
        "PCI": NULL,
    }
    for host, types in (("A", ["big"]), ("B", ["big", "small"])):
        tables["pgpu"][f"pgpu-{host}"] = {
            "uuid": f"uuid-pgpu-{host}",
            "host": host,
            "GPU_group": "gpus",
            "PCI": f"pci-{host}",
            "enabled_VGPU_types": types,
        }
        tables["pci"][f"pci-{host}"] = {"uuid": f"uuid-pci-{host}", "host": host, "pci_id": "0000:3b:00.0"}


def test_a_vgpu_runs_where_its_group_offers_its_type() -> None:
    def change(tables: Tables) -> None:
        with_gpus(tables)
        tables["vgpu"]["vgpu"]["type"] = "small"

    snapshot = look(change)
    assert candidates(snapshot) == {"B"}
    assert the_vm(snapshot).unagile_because == ("VM_HAS_VGPU: VGPU uuid-vgpu",)


def test_the_gpu_that_is_attached_now_ties_nobody() -> None:
    def change(tables: Tables) -> None:
        with_gpus(tables)
        tables["vm"]["vm"]["attached_PCIs"] = ["pci-A"]

    assert candidates(look(change)) == {"A", "B"}


def test_the_virtual_function_that_is_attached_now_ties_nobody() -> None:
    def change(tables: Tables) -> None:
        tables["pci"]["vf"] = {"uuid": "uuid-vf", "host": "A", "pci_id": "0000:04:10.0"}
        tables["vif"]["vif"]["reserved_pci"] = "vf"
        tables["vm"]["vm"]["attached_PCIs"] = ["vf"]

    assert candidates(look(change)) == {"A", "B"}


def test_a_usb_device_is_where_it_is_plugged_in() -> None:
    def change(tables: Tables) -> None:
        tables["vusb"]["vusb"] = {"uuid": "uuid-vusb", "VM": "vm", "USB_group": "dongles"}
        tables["pusb"]["pusb"] = {"uuid": "u", "host": "B", "USB_group": "dongles"}

    snapshot = look(change)
    assert the_vm(snapshot).candidate_hosts == ("uuid-B",)
    assert the_vm(snapshot).unagile_because == ("VM_HAS_VUSBS: VUSB uuid-vusb",)


def test_a_usb_device_that_is_nowhere() -> None:
    def change(tables: Tables) -> None:
        tables["vusb"]["vusb"] = {"uuid": "uuid-vusb", "VM": "vm", "USB_group": "dongles"}

    assert the_vm(look(change)).candidate_hosts == ()


def test_a_passed_through_pci_device_is_in_its_host() -> None:
    def change(tables: Tables) -> None:
        tables["pci"]["card"] = {"uuid": "uuid-card", "host": "A", "pci_id": "0000:04:00.0"}
        tables["vm"]["vm"]["attached_PCIs"] = ["card"]

    snapshot = look(change)
    assert the_vm(snapshot).candidate_hosts == ("uuid-A",)
    assert the_vm(snapshot).unagile_because == ("VM_HAS_PCI_ATTACHED: PCI uuid-card",)


@pytest.mark.parametrize(
    ("resident_on", "affinity", "expected"),
    [("A", "B", ("uuid-A",)), (NULL, "B", ("uuid-B",)), (NULL, NULL, ("uuid-B",))],
)
def test_a_configured_pci_device_is_where_the_vm_is_at_home(
    resident_on: str, affinity: str, expected: tuple[str, ...]
) -> None:
    def change(tables: Tables) -> None:
        tables["pci"]["card"] = {"uuid": "u", "host": "B", "pci_id": "0000:04:00.0"}
        tables["vm"]["vm"] |= {"resident_on": resident_on, "affinity": affinity, "power_state": "Halted"}
        tables["vm"]["vm"]["other_config"] = {"pci": "0/0000:04:00.0"}

    assert the_vm(look(change)).candidate_hosts == expected


# Bad records ---------------------------------------------------------------------------------------------


def reasons(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    return [(reject.record_class, reject.uuid, reject.reason) for reject in snapshot.rejects]


def test_a_host_without_figures_is_out_of_service_and_its_vms_are_down() -> None:
    snapshot = look(lambda tables: tables["host_metrics"]["metrics-A"].pop("memory_total"))
    problem = "memory_total: expected an integer, missing; taken as out of service"
    assert reasons(snapshot) == [("host", "uuid-A", problem)]
    assert [host.uuid for host in snapshot.pool.hosts_in_service] == ["uuid-B"]
    assert snapshot.pool.is_down(the_vm(snapshot))


def test_a_host_whose_overhead_is_unknown_is_out_of_service() -> None:
    snapshot = look(lambda tables: tables["host"]["A"].update(memory_overhead="lots"))
    assert [host.uuid for host in snapshot.pool.hosts_in_service] == ["uuid-B"]


def test_a_host_without_metrics() -> None:
    snapshot = look(lambda tables: tables["host_metrics"].clear())
    assert len(snapshot.rejects) == 2
    assert snapshot.pool.hosts_in_service == ()


def test_a_vm_without_a_size_is_left_out() -> None:
    snapshot = look(lambda tables: tables["vm"]["vm"].update(memory_static_max="lots"))
    problem = 'memory_static_max: expected an integer, got "lots"; left out'
    assert reasons(snapshot) == [("VM", "uuid-vm", problem)]
    assert snapshot.pool.vms == ()


def test_an_unknown_priority_is_taken_for_protected() -> None:
    snapshot = look(lambda tables: tables["vm"]["vm"].update(ha_restart_priority="urgent"))
    assert the_vm(snapshot).protected
    problem = "ha_restart_priority: unknown value 'urgent'; taken as \"restart\""
    assert reasons(snapshot) == [("VM", "uuid-vm", problem)]


def test_a_disk_without_a_record_keeps_the_vm_at_home() -> None:
    snapshot = look(lambda tables: tables["vdi"].pop("disk"))
    assert the_vm(snapshot).candidate_hosts == ("uuid-A",)
    problem = "VBD uuid-vbd: no record of its VDI or SR"
    assert the_vm(snapshot).unagile_because == (f"DEVICE_UNREADABLE: {problem}",)
    assert reasons(snapshot) == [("VM", "uuid-vm", f"{problem}; taken as tied to its host")]


def test_a_vbd_without_a_record_keeps_the_vm_at_home() -> None:
    snapshot = look(lambda tables: tables["vbd"].clear())
    assert the_vm(snapshot).candidate_hosts == ("uuid-A",)
    assert reasons(snapshot) == [("VM", "uuid-vm", "VBDs: no record of vbd; taken as tied to its host")]


def test_a_vm_on_a_host_without_a_record_is_down() -> None:
    snapshot = look(lambda tables: tables["host"].pop("A"))
    assert the_vm(snapshot).home is None
    assert snapshot.pool.is_down(the_vm(snapshot))
    assert ("VM", "uuid-vm", "resident_on: no host is A; taken as none") in reasons(snapshot)


def test_two_vms_with_one_uuid() -> None:
    snapshot = look(lambda tables: tables["vm"].update(copy={**tables["vm"]["vm"], "VBDs": [], "VIFs": []}))
    assert len(snapshot.pool.vms) == 1
    assert reasons(snapshot) == [("VM", "uuid-vm", "a second record with this uuid; left out")]


def test_no_pool_is_no_snapshot() -> None:
    with pytest.raises(Unreadable, match=r"^the API shows no pool record$"):
        look(lambda tables: tables["pool"].clear())


def test_a_record_without_uuid_goes_by_its_reference() -> None:
    snapshot = look(lambda tables: tables["sr"]["shared"].update(uuid=""))
    assert snapshot.pool.srs[0].uuid == "shared"
    assert [reject.uuid for reject in snapshot.rejects] == ["shared"]


# Laws ----------------------------------------------------------------------------------------------------

QUIET = settings(max_examples=400)
GARBAGE = [
    None,
    7,
    -1,
    1.5,
    True,
    "",
    "garbage",
    "OpaqueRef:dangling",
    [],
    [7],
    ["OpaqueRef:dangling"],
    {},
    {"pci": 7},
]
REACH_CLASSES = [
    "vbd",
    "vdi",
    "sr",
    "pbd",
    "pif",
    "network",
    "network_sriov",
    "vgpu",
    "pgpu",
    "vusb",
    "pusb",
    "pci",
]


def everything() -> Tables:
    """Return a pool in which the VM has every kind of device, all on both hosts but a USB stick on A."""
    tables = two_hosts()
    with_gpus(tables)
    sriov(tables, requires_reboot=False, attached=True)
    tables["vgpu"]["vgpu"]["type"] = "big"
    tables["vusb"]["vusb"] = {"uuid": "uuid-vusb", "VM": "vm", "USB_group": "dongles"}
    tables["pusb"]["pusb"] = {"uuid": "u", "host": "A", "USB_group": "dongles"}
    tables["pci"]["card"] = {"uuid": "uuid-card", "host": "A", "pci_id": "0000:04:00.0"}
    tables["vm"]["vm"] |= {"attached_PCIs": ["card", "pci-A"], "VGPUs": ["vgpu"], "VUSBs": ["vusb"]}
    return tables


@QUIET
@given(st.data())
def test_garbage_is_never_an_exception_and_always_a_valid_pool(data: st.DataObject) -> None:
    tables = everything()
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.sampled_from([table for table in tables.values() if table]))
        ref = data.draw(st.sampled_from(sorted(table)))
        key = data.draw(st.sampled_from(sorted(table[ref])))
        table[ref][key] = copy.deepcopy(data.draw(st.sampled_from(GARBAGE)))
    snapshot = parse(tables)
    assert read_pool(dump_pool(snapshot.pool).encode(), "x") == snapshot.pool
    assert all("\n" not in reject.reason for reject in snapshot.rejects)


def tied_by_detached_sr(tables: Tables) -> None:
    tables["pbd"]["pbd-B"]["currently_attached"] = False


def tied_by_local_sr(tables: Tables) -> None:
    local_sr(tables)
    tables["vbd"]["second"] = {"uuid": "u", "VM": "vm", "VDI": "local disk", "empty": False}
    tables["vm"]["vm"]["VBDs"].append("second")


def tied_by_bond_slave(tables: Tables) -> None:
    tables["pif"]["pif-B"]["bond_slave_of"] = "bond"


def tied_by_missing_pif(tables: Tables) -> None:
    del tables["pif"]["pif-B"]


def tied_by_sriov(tables: Tables) -> None:
    sriov(tables, requires_reboot=True, attached=False)


def tied_by_vgpu_type(tables: Tables) -> None:
    with_gpus(tables)
    tables["vgpu"]["vgpu"]["type"] = "small"
    tables["pgpu"]["pgpu-A"]["enabled_VGPU_types"] = ["small"]
    tables["pgpu"]["pgpu-B"]["enabled_VGPU_types"] = ["big"]
    tables["vm"]["vm"]["VGPUs"] = ["vgpu"]


def tied_by_usb(tables: Tables) -> None:
    tables["vusb"]["vusb"] = {"uuid": "uuid-vusb", "VM": "vm", "USB_group": "dongles"}
    tables["pusb"]["pusb"] = {"uuid": "u", "host": "A", "USB_group": "dongles"}
    tables["vm"]["vm"]["VUSBs"] = ["vusb"]


def tied_by_pci(tables: Tables) -> None:
    tables["pci"]["card"] = {"uuid": "uuid-card", "host": "A", "pci_id": "0000:04:00.0"}
    tables["vm"]["vm"]["attached_PCIs"] = ["card"]


TIES = [
    tied_by_detached_sr,
    tied_by_local_sr,
    tied_by_bond_slave,
    tied_by_missing_pif,
    tied_by_sriov,
    tied_by_vgpu_type,
    tied_by_usb,
    tied_by_pci,
]
TIED_TO_A = pytest.mark.parametrize("tie", TIES, ids=lambda tie: tie.__name__)


def tied(tie: Callable[[Tables], None]) -> Tables:
    tables = two_hosts()
    tie(tables)
    assert candidates(parse(tables)) == {"A"}
    return tables


@TIED_TO_A
def test_a_lost_record_never_frees_a_vm(tie: Callable[[Tables], None]) -> None:
    for name in REACH_CLASSES:
        for ref in tied(tie)[name]:
            tables = tied(tie)
            del tables[name][ref]
            assert candidates(parse(tables)) <= {"A"}, ref


@TIED_TO_A
@pytest.mark.parametrize("garbage", [7, "OpaqueRef:dangling", [], None], ids=repr)
def test_a_spoilt_field_never_frees_a_vm(tie: Callable[[Tables], None], garbage: object) -> None:
    for name in REACH_CLASSES:
        for ref, record in tied(tie)[name].items():
            for key in record:
                if key == "sriov_logical_PIF_of" and garbage == []:
                    continue  # no garbage there, but a PIF that is not of SR-IOV
                tables = tied(tie)
                tables[name][ref][key] = garbage
                assert candidates(parse(tables)) <= {"A"}, (ref, key)


@TIED_TO_A
@pytest.mark.parametrize(
    "key", ["VBDs", "VIFs", "VGPUs", "VUSBs", "attached_PCIs", "other_config", "affinity"]
)
def test_a_spoilt_list_of_devices_never_frees_a_vm(tie: Callable[[Tables], None], key: str) -> None:
    tables = tied(tie)
    tables["vm"]["vm"][key] = 7
    assert candidates(parse(tables)) <= {"A"}


def test_the_order_of_records_does_not_matter() -> None:
    records = Records()
    database = populate.database(demo_pool())
    events = [
        {"class": name.lower(), "ref": ref, "operation": "add", "snapshot": dict(record)}
        for name in ("pool", "host", "host_metrics", "VM", "VBD", "VDI", "SR", "PBD", "VIF", "network", "PIF")
        for ref, record in database.records(name).items()
    ]
    records.apply(events)
    backwards = Records()
    backwards.apply(reversed(events))
    assert parse(records.tables) == parse(backwards.tables)
    assert isinstance(parse(records.tables).pool, Pool)
