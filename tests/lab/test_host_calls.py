"""Hosts: enable, disable, evacuate, die and come back; PBDs and PIFs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.xapi.server import RunningServer

Refused = Callable[..., list[str]]
NULL = "OpaqueRef:NULL"


def test_disable_and_enable(xapi: Any) -> None:
    host = xapi.host.get_by_uuid("host-b")
    xapi.host.disable(host)
    assert xapi.host.get_enabled(host) is False
    assert xapi.VM.get_possible_hosts(xapi.VM.get_by_uuid("vm-usb")) == [xapi.host.get_by_uuid("host-a")]
    assert host not in xapi.VM.get_possible_hosts(xapi.VM.get_by_uuid("vm-spare"))
    xapi.host.enable(host)
    assert xapi.host.get_enabled(host) is True


def test_evacuation_moves_every_guest(xapi: Any) -> None:
    host = xapi.host.get_by_uuid("host-b")
    guests = xapi.host.get_resident_VMs(host)
    assert len(guests) == 2
    xapi.host.disable(host)
    xapi.host.assert_can_evacuate(host)
    xapi.host.evacuate(host)
    assert xapi.host.get_resident_VMs(host) == []
    assert {xapi.VM.get_power_state(vm) for vm in guests} == {"Running"}


def test_evacuation_is_all_or_nothing(xapi: Any, refused: Refused) -> None:
    host, usb = xapi.host.get_by_uuid("host-a"), xapi.VM.get_by_uuid("vm-usb")
    xapi.VM.start(usb, False, False)
    before = xapi.host.get_resident_VMs(host)
    assert xapi.host.get_vms_which_prevent_evacuation(host) == {usb: ["VM_HAS_VUSBS", usb]}
    assert refused(xapi.host.evacuate, host) == ["VM_HAS_VUSBS", usb]
    assert refused(xapi.host.assert_can_evacuate, host) == ["VM_HAS_VUSBS", usb]
    assert xapi.host.get_resident_VMs(host) == before


def test_evacuation_counts_what_it_has_promised(xapi: Any) -> None:
    """Two VMs of 40 GiB cannot both go to the one host with room for one."""
    a, c = xapi.host.get_by_uuid("host-a"), xapi.host.get_by_uuid("host-c")
    xapi.host.disable(xapi.host.get_by_uuid("host-b"))
    for uuid in ("vm-0", "vm-3"):
        vm = xapi.VM.get_by_uuid(uuid)
        xapi.VM.clean_shutdown(vm)
        xapi.VM.set_memory(vm, str(28 << 30))
        xapi.VM.start_on(vm, a, False, False)
    blocked = xapi.host.get_vms_which_prevent_evacuation(a)
    assert len(blocked) == 1
    assert [error[0] for error in blocked.values()] == ["HOST_NOT_ENOUGH_FREE_MEMORY"]
    assert int(xapi.host.compute_free_memory(c)) == 48 << 30


def test_a_killed_host_leaves_its_vms_halted_and_protected(server: RunningServer, xapi: Any) -> None:
    host = xapi.host.get_by_uuid("host-b")
    guests = xapi.host.get_resident_VMs(host)
    server.state.kill_host("host-b")
    assert xapi.host_metrics.get_live(xapi.host.get_metrics(host)) is False
    for vm in guests:
        record = xapi.VM.get_record(vm)
        assert (record["power_state"], record["resident_on"], record["ha_always_run"]) == (
            "Halted",
            NULL,
            True,
        )
    server.state.revive_host("b")
    assert xapi.host_metrics.get_live(xapi.host.get_metrics(host)) is True
    assert xapi.host.get_resident_VMs(host) == []


def test_until_it_is_declared_dead_vms_seem_to_run(xapi: Any, refused: Refused) -> None:
    host = xapi.host.get_by_uuid("host-b")
    guests = xapi.host.get_resident_VMs(host)
    assert refused(xapi.host.declare_dead, host) == ["HOST_IS_LIVE", host]
    xapi.lab.kill_host("host-b", False)
    assert [xapi.VM.get_power_state(vm) for vm in guests] == ["Running", "Running"]
    assert refused(xapi.host.enable, host) == ["HOST_OFFLINE", host]
    xapi.host.declare_dead(host)
    assert [xapi.VM.get_power_state(vm) for vm in guests] == ["Halted", "Halted"]
    xapi.lab.revive_host(host)
    xapi.host.enable(host)


def test_shutdown_and_reboot_want_an_empty_disabled_host(xapi: Any, refused: Refused) -> None:
    host = xapi.host.get_by_uuid("host-b")
    assert refused(xapi.host.shutdown, host) == ["HOST_NOT_DISABLED"]
    xapi.host.disable(host)
    assert refused(xapi.host.shutdown, host)[:2] == ["HOST_IN_USE", host]
    xapi.host.evacuate(host)
    xapi.host.shutdown(host)
    assert xapi.host_metrics.get_live(xapi.host.get_metrics(host)) is False
    xapi.host.reboot(host)
    assert xapi.host.get_enabled(host) is True


def test_what_clients_ask_hosts_for(xapi: Any, refused: Refused) -> None:
    host = xapi.host.get_by_uuid("host-a")
    assert xapi.host.get_servertime(host).value.endswith("Z")
    assert not xapi.host.get_server_localtime(host).value.endswith("Z")
    assert "VM.start" in xapi.host.list_methods()
    assert refused(xapi.host.call_plugin, host, "x", "y", {}) == ["XENAPI_MISSING_PLUGIN", "x"]
    assert refused(xapi.host.power_on, host) == ["HOST_POWER_ON_MODE_DISABLED"]
    assert xapi.host.get_uncooperative_resident_VMs(host) == []
    assert xapi.host.compute_memory_overhead(host) == "0"


def _pbd(xapi: Any, sr: str, host: str) -> str:
    target = xapi.host.get_by_uuid(host)
    pbds: list[str] = xapi.SR.get_PBDs(xapi.SR.get_by_uuid(sr))
    return next(pbd for pbd in pbds if xapi.PBD.get_host(pbd) == target)


def test_pbds(xapi: Any, refused: Refused) -> None:
    unused, san = _pbd(xapi, "sr-spare", "host-c"), _pbd(xapi, "sr-san", "host-c")
    xapi.PBD.unplug(unused)
    assert xapi.PBD.get_currently_attached(unused) is False
    xapi.PBD.plug(unused)
    assert xapi.PBD.get_currently_attached(unused) is True
    assert refused(xapi.PBD.unplug, san)[0] == "VDI_IN_USE"
    xapi.host.evacuate(xapi.host.get_by_uuid("host-c"))
    assert refused(xapi.PBD.unplug, san) == ["HA_IS_ENABLED"]  # the statefile is on it
    xapi.host.disable(xapi.host.get_by_uuid("host-c"))
    xapi.PBD.unplug(san)


def test_ha_keeps_srs_of_protected_vms(xapi: Any, refused: Refused) -> None:
    xapi.pool.disable_ha()
    xapi.pool.enable_ha([xapi.SR.get_by_uuid("sr-spare")], {})
    xapi.host.evacuate(xapi.host.get_by_uuid("host-c"))
    san = xapi.SR.get_by_uuid("sr-san")
    found = refused(xapi.PBD.unplug, _pbd(xapi, "sr-san", "host-c"))
    assert found == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", san]


def test_a_dead_host_attaches_nothing(server: RunningServer, xapi: Any, refused: Refused) -> None:
    server.state.kill_host("host-c")
    code = refused(xapi.PBD.plug, _pbd(xapi, "sr-san", "host-c"))
    assert code == ["HOST_OFFLINE", xapi.host.get_by_uuid("host-c")]


def test_pifs(xapi: Any, refused: Refused) -> None:
    pifs = {xapi.PIF.get_management(pif): pif for pif in xapi.host.get_PIFs(xapi.host.get_by_uuid("host-a"))}
    assert refused(xapi.PIF.unplug, pifs[True]) == ["PIF_IS_MANAGEMENT_INTERFACE", pifs[True]]
    assert refused(xapi.PIF.unplug, pifs[False]) == ["HA_IS_ENABLED"]
    xapi.pool.disable_ha()
    xapi.PIF.set_disallow_unplug(pifs[False], True)
    assert refused(xapi.PIF.unplug, pifs[False]) == ["PIF_DOES_NOT_ALLOW_UNPLUG", pifs[False]]
    xapi.PIF.set_disallow_unplug(pifs[False], False)
    xapi.PIF.unplug(pifs[False])
    xapi.PIF.unplug(pifs[False])
    assert xapi.PIF.get_currently_attached(pifs[False]) is False
    xapi.PIF.plug(pifs[False])
    assert xapi.PIF.get_currently_attached(pifs[False]) is True


@pytest.mark.parametrize("call", ["kill_host", "revive_host"])
def test_faults_name_existing_hosts(xapi: Any, refused: Refused, call: str) -> None:
    assert refused(getattr(xapi.lab, call), "host-z") == ["UUID_INVALID", "host", "host-z"]
