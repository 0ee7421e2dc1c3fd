"""What VM calls do and refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.pools import GIB
from lab.xapi.placement import hvm_overhead_bytes
from lab.xapi.server import RunningServer

Refused = Callable[..., list[str]]
NULL = "OpaqueRef:NULL"


def test_start_chooses_the_roomiest_host(xapi: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-spare")
    busy = xapi.host.get_by_uuid("host-a")
    xapi.VM.pool_migrate(xapi.VM.get_by_uuid("vm-1"), busy, {"live": "true"})
    xapi.VM.start(vm, False, False)
    record = xapi.VM.get_record(vm)
    assert record["power_state"] == "Running"
    assert record["resident_on"] == xapi.host.get_by_uuid("host-b")
    assert record["ha_always_run"] is True
    assert int(record["domid"]) > 0
    assert "clean_shutdown" in record["allowed_operations"]
    disks = [xapi.VBD.get_record(vbd) for vbd in record["VBDs"]]
    assert all(disk["currently_attached"] != disk["empty"] for disk in disks)


def test_start_prefers_the_affinity(xapi: Any) -> None:
    vm, host = xapi.VM.get_by_uuid("vm-spare"), xapi.host.get_by_uuid("host-c")
    xapi.VM.set_affinity(vm, host)
    xapi.VM.start(vm, True, False)
    assert xapi.VM.get_power_state(vm) == "Paused"
    assert xapi.VM.get_resident_on(vm) == host
    xapi.VM.unpause(vm)
    assert xapi.VM.get_power_state(vm) == "Running"


def test_shutdown_ends_protection_and_frees_memory(xapi: Any) -> None:
    vm, host = xapi.VM.get_by_uuid("vm-0"), xapi.host.get_by_uuid("host-a")
    before = int(xapi.host.compute_free_memory(host))
    xapi.VM.clean_shutdown(vm)
    record = xapi.VM.get_record(vm)
    assert (record["power_state"], record["resident_on"], record["ha_always_run"]) == ("Halted", NULL, False)
    assert record["ha_restart_priority"] == "restart"
    assert int(xapi.host.compute_free_memory(host)) == before + 8 * GIB
    metrics = xapi.host_metrics.get_record(xapi.host.get_metrics(host))
    assert int(metrics["memory_free"]) == before + 8 * GIB
    assert vm not in xapi.host.get_resident_VMs(host)


def test_suspend_and_resume(xapi: Any) -> None:
    vm, host = xapi.VM.get_by_uuid("vm-0"), xapi.host.get_by_uuid("host-c")
    xapi.VM.suspend(vm)
    assert (xapi.VM.get_power_state(vm), xapi.VM.get_ha_always_run(vm)) == ("Suspended", False)
    xapi.VM.resume_on(vm, host, False, False)
    assert (xapi.VM.get_resident_on(vm), xapi.VM.get_ha_always_run(vm)) == (host, True)


def test_migration_keeps_the_vm_running(xapi: Any) -> None:
    vm, target = xapi.VM.get_by_uuid("vm-0"), xapi.host.get_by_uuid("host-b")
    xapi.VM.pool_migrate(vm, target, {})
    assert (xapi.VM.get_power_state(vm), xapi.VM.get_resident_on(vm)) == ("Running", target)
    free = {
        uuid: int(xapi.host_metrics.get_memory_free(xapi.host.get_metrics(xapi.host.get_by_uuid(uuid))))
        for uuid in ("host-a", "host-b")
    }
    assert free == {"host-a": 56 * GIB, "host-b": 40 * GIB}
    xapi.VM.hard_reboot(vm)
    xapi.VM.pause(vm)
    xapi.VM.pool_migrate(vm, xapi.host.get_by_uuid("host-c"), {})
    assert xapi.VM.get_power_state(vm) == "Paused"


def test_power_state_reset_leaves_protection(xapi: Any) -> None:
    vm = xapi.VM.get_by_uuid("vm-0")
    xapi.VM.power_state_reset(vm)
    record = xapi.VM.get_record(vm)
    assert (record["power_state"], record["resident_on"], record["ha_always_run"]) == ("Halted", NULL, True)


@pytest.mark.parametrize(
    ("call", "vm", "host", "error"),
    [
        ("start", "vm-0", None, ["VM_BAD_POWER_STATE", "{vm}", "halted", "running"]),
        ("clean_shutdown", "vm-spare", None, ["VM_BAD_POWER_STATE", "{vm}", "running", "halted"]),
        ("hard_reboot", "vm-spare", None, ["VM_BAD_POWER_STATE", "{vm}", "running, paused", "halted"]),
        ("unpause", "vm-0", None, ["VM_BAD_POWER_STATE", "{vm}", "paused", "running"]),
        ("resume", "vm-0", None, ["VM_BAD_POWER_STATE", "{vm}", "suspended", "running"]),
        ("start", "vm-big", None, ["NO_HOSTS_AVAILABLE"]),
        ("start_on", "vm-big", "host-a", ["HOST_NOT_ENOUGH_FREE_MEMORY", str(100 * GIB), str(48 * GIB)]),
        ("start_on", "vm-local", "host-b", ["VM_REQUIRES_SR", "{vm}", "{SR:sr-local}"]),
        ("start_on", "vm-lab", "host-c", ["VM_REQUIRES_NETWORK", "{vm}", "{network:net-lab}"]),
        ("start_on", "vm-wide", "host-a", ["HOST_NOT_ENOUGH_PCPUS", "32", "16"]),
        ("start_on", "vm-spare", "disabled", ["HOST_DISABLED", "{host}"]),
        ("start_on", "vm-spare", "dead", ["HOST_NOT_LIVE"]),
    ],
)
def test_refusals(
    server: RunningServer, xapi: Any, refused: Refused, call: str, vm: str, host: str | None, error: list[str]
) -> None:
    if host == "disabled":
        server.state.db.update("host", xapi.host.get_by_uuid("host-c"), enabled=False)
    if host == "dead":
        server.state.kill_host("host-c")
    ref = xapi.VM.get_by_uuid(vm)
    target = xapi.host.get_by_uuid("host-c" if host in {"disabled", "dead"} else host or "host-a")
    names = {"{vm}": ref, "{host}": target}
    names |= {
        f"{{{k}:{u}}}": getattr(xapi, k).get_by_uuid(u)
        for k, u in (("SR", "sr-local"), ("network", "net-lab"))
    }
    flags = {"start": (False, False), "start_on": (target, False, False), "resume": (False, False)}
    found = refused(getattr(xapi.VM, call), ref, *flags.get(call, ()))
    assert found == [names.get(part, part) for part in error]


def test_devices_tie_vms_down(xapi: Any, refused: Refused) -> None:
    usb, gpu = xapi.VM.get_by_uuid("vm-usb"), xapi.VM.get_by_uuid("vm-gpu")
    a, b, c = (xapi.host.get_by_uuid(f"host-{x}") for x in "abc")
    assert xapi.VM.get_possible_hosts(usb) == [a]
    assert set(xapi.VM.get_possible_hosts(gpu)) == {a, b}
    assert refused(xapi.VM.assert_can_boot_here, usb, b)[0] == "VM_REQUIRES_VUSB"
    assert refused(xapi.VM.assert_can_boot_here, gpu, c)[0] == "VM_REQUIRES_GPU"
    xapi.VM.start(gpu, False, False)
    xapi.VM.start(usb, False, False)
    assert refused(xapi.VM.pool_migrate, gpu, b, {}) == ["VM_HAS_VGPU", gpu]
    assert refused(xapi.VM.pool_migrate, usb, b, {}) == ["VM_HAS_VUSBS", usb]


def test_agility(server: RunningServer, xapi: Any, refused: Refused) -> None:
    refs = {name: xapi.VM.get_by_uuid(f"vm-{name}") for name in ("0", "usb", "gpu", "local", "lab")}
    xapi.VM.assert_agile(refs["0"])
    assert refused(xapi.VM.assert_agile, refs["usb"])[0] == "VM_HAS_VUSBS"
    assert refused(xapi.VM.assert_agile, refs["gpu"])[0] == "VM_HAS_VGPU"
    assert refused(xapi.VM.assert_agile, refs["local"])[0] == "HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED"
    assert refused(xapi.VM.assert_agile, refs["lab"])[0] == "HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED"
    san = xapi.SR.get_by_uuid("sr-san")
    pbd = next(p for p in xapi.SR.get_PBDs(san) if xapi.PBD.get_host(p) == xapi.host.get_by_uuid("host-c"))
    server.state.lose_pbd(pbd)
    assert refused(xapi.VM.assert_agile, refs["0"]) == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", san]


def test_memory_limits(xapi: Any, refused: Refused) -> None:
    vm = xapi.VM.get_by_uuid("vm-spare")
    xapi.VM.set_memory(vm, str(16 * GIB))
    assert xapi.VM.get_memory_static_max(vm) == str(16 * GIB)
    assert xapi.VM.get_memory_overhead(vm) == str(hvm_overhead_bytes(16 * GIB, 1))
    assert refused(xapi.VM.set_memory_static_max, vm, "1")[0] == "MEMORY_CONSTRAINT_VIOLATION"
    assert refused(xapi.VM.set_memory_dynamic_min, vm, str(17 * GIB))[0] == "MEMORY_CONSTRAINT_VIOLATION"
    xapi.VM.set_memory_limits(vm, "0", str(32 * GIB), str(8 * GIB), str(32 * GIB))
    xapi.VM.set_memory_dynamic_range(vm, str(4 * GIB), str(8 * GIB))
    running = xapi.VM.get_by_uuid("vm-0")
    code = refused(xapi.VM.set_memory_static_max, running, str(9 * GIB))
    assert code == ["VM_BAD_POWER_STATE", running, "halted", "running"]


def test_overhead_formula() -> None:
    """120 GiB with one vCPU has 964 MiB of overhead (reference/xapi-ha.md §3.2)."""
    assert hvm_overhead_bytes(120 * GIB, 1) == 964 << 20


def test_starting_needs_only_the_dynamic_minimum(xapi: Any) -> None:
    vm, host = xapi.VM.get_by_uuid("vm-big"), xapi.host.get_by_uuid("host-a")
    xapi.VM.set_memory_limits(vm, "0", str(100 * GIB), str(48 * GIB), str(100 * GIB))
    overhead = hvm_overhead_bytes(100 * GIB, 1)
    xapi.VM.set_memory_dynamic_min(vm, str(48 * GIB - overhead))
    xapi.VM.start_on(vm, host, False, False)
    assert xapi.host.compute_free_memory(host) == "0"


def test_settings(xapi: Any, refused: Refused) -> None:
    vm, running = xapi.VM.get_by_uuid("vm-spare"), xapi.VM.get_by_uuid("vm-0")
    xapi.VM.set_order(vm, "7")
    xapi.VM.set_start_delay(vm, "30")
    xapi.VM.set_VCPUs_max(vm, "4")
    xapi.VM.set_VCPUs_at_startup(vm, "2")
    record = xapi.VM.get_record(vm)
    fields = ("order", "start_delay", "VCPUs_max", "VCPUs_at_startup")
    assert [record[field] for field in fields] == ["7", "30", "4", "2"]
    assert refused(xapi.VM.set_order, vm, "-1")[:3] == ["VALUE_NOT_SUPPORTED", "order", "-1"]
    assert refused(xapi.VM.set_VCPUs_at_startup, vm, "5")[0] == "INVALID_VALUE"
    assert refused(xapi.VM.set_VCPUs_max, vm, "1")[0] == "INVALID_VALUE"
    assert refused(xapi.VM.set_VCPUs_max, running, "4")[0] == "VM_BAD_POWER_STATE"
    assert refused(xapi.VM.set_ha_restart_priority, vm, "1") == ["INVALID_VALUE", "ha_restart_priority", "1"]
    xapi.VM.set_ha_restart_priority(running, "best-effort")
    assert xapi.VM.get_ha_always_run(running) is False
    xapi.VM.set_ha_restart_priority(running, "restart")
    assert xapi.VM.get_ha_always_run(running) is True
    groups = [xapi.VM_group.get_by_uuid(uuid) for uuid in ("group-apart", "group-other")]
    assert refused(xapi.VM.set_groups, vm, groups) == ["TOO_MANY_GROUPS"]
    xapi.VM.set_groups(vm, groups[:1])
    assert xapi.VM_group.get_VMs(groups[0]) == [vm]


def test_templates_do_not_start(xapi: Any, refused: Refused) -> None:
    vm = xapi.VM.get_by_uuid("vm-spare")
    xapi.VM.set_is_a_template(vm, True)
    assert refused(xapi.VM.start, vm, False, False) == ["VM_IS_TEMPLATE", vm]


def test_destroy(xapi: Any, refused: Refused) -> None:
    assert refused(xapi.VM.destroy, xapi.VM.get_by_uuid("vm-0"))[0] == "VM_BAD_POWER_STATE"
    vm = xapi.VM.get_by_uuid("vm-spare")
    vbds = xapi.VM.get_VBDs(vm)
    xapi.VM.destroy(vm)
    assert refused(xapi.VM.get_record, vm) == ["HANDLE_INVALID", "VM", vm]
    assert not set(vbds) & set(xapi.VBD.get_all())
