"""What a VM needs of a host: its SRs, its networks and its devices, and why that ties it down.

Follows the references from the devices to the VM, as the VM's own lists are only the other side of them.
A device that cannot be read ties the VM to its present host: a figure never gets better by what is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planner.inventory.layout import Layout
from planner.inventory.reader import NULL_REF, Reader, reference_of
from planner.inventory.records import Record, Tables

SR_NOT_SHARED = "HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED"
NETWORK_NOT_SHARED = "HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED"
HAS_VGPU = "VM_HAS_VGPU"
HAS_VUSBS = "VM_HAS_VUSBS"
HAS_SRIOV_VIF = "VM_HAS_SRIOV_VIF"
HAS_PCI = "VM_HAS_PCI_ATTACHED"
"""xapi's own names; it has the last one, but does not look at it when it judges agility."""
DEVICE_UNREADABLE = "DEVICE_UNREADABLE"


@dataclass(slots=True)
class Needs:
    """What one VM needs, while it is being put together."""

    home: str | None
    srs: set[str] = field(default_factory=set)
    networks: set[str] = field(default_factory=set)
    hosts: frozenset[str] | None = None
    """The hosts that have its devices; None: no device asks for a certain host."""
    reasons: set[str] = field(default_factory=set)

    def only_on(self, hosts: Iterable[str], reason: str) -> None:
        """Restrict the VM to `hosts`."""
        allowed = frozenset(hosts)
        self.hosts = allowed if self.hosts is None else self.hosts & allowed
        self.reasons.add(reason)

    def stay_home(self, reason: str) -> None:
        """Restrict the VM to the host it is on, if it is on any."""
        self.only_on([self.home] if self.home else [], reason)


class Devices:
    """The devices of all VMs, indexed once."""

    def __init__(self, tables: Tables, layout: Layout, enabled_hosts: Mapping[str, str]) -> None:
        self._tables = tables
        self._layout = layout
        self._enabled = enabled_hosts
        """Names of the enabled hosts, by uuid: those that xapi asks about when it judges agility."""
        self._owned = {name: _by_vm(tables[name]) for name in ("vbd", "vif", "vgpu", "vusb")}

    def needs(self, vm: Reader, home: str | None) -> Needs:
        """Return what a VM needs; complains in `vm` about what cannot be read."""
        needs = Needs(home)
        for ref in self._of(vm, "vbd", "VBDs", needs):
            self._add_disk(vm, ref, needs)
        pcis_of_others = set(self._layout.gpu_pcis)
        for ref in self._of(vm, "vif", "VIFs", needs):
            self._add_vif(vm, ref, needs, pcis_of_others)
        for ref in self._of(vm, "vgpu", "VGPUs", needs):
            self._add_vgpu(vm, ref, needs, pcis_of_others)
        for ref in self._of(vm, "vusb", "VUSBs", needs):
            self._add_vusb(vm, ref, needs)
        self._add_pcis(vm, needs, pcis_of_others)
        return needs

    def _of(self, vm: Reader, name: str, key: str, needs: Needs) -> list[str]:
        """Return a VM's devices of one class by reference; ties it down for those without a record."""
        for ref in vm.texts(key):
            record = self._tables[name].get(ref)
            if record is None:
                _unreadable(vm, needs, f"{key}: no record of {ref}")
            elif record.get("VM") != vm.ref:
                _unreadable(vm, needs, f"{key}: {ref} does not name this VM")
        return self._owned[name].get(vm.ref, [])

    def _add_disk(self, vm: Reader, ref: str, needs: Needs) -> None:
        vbd = self._tables["vbd"][ref]
        if vbd.get("empty") is True or vbd.get("VDI") in ("", NULL_REF):
            return
        vdi = self._tables["vdi"].get(reference_of(vbd.get("VDI")) or "", {})
        sr = self._layout.srs.get(reference_of(vdi.get("SR")) or "")
        if sr is None:
            _unreadable(vm, needs, f"VBD {_uuid(vbd, ref)}: no record of its VDI or SR")
            return
        needs.srs.add(sr.uuid)
        label = f"SR {_label(sr.name, sr.uuid)}"
        if not sr.shared:
            needs.reasons.add(f"{SR_NOT_SHARED}: {label} is not shared")
        elif missing := self._enabled_without(sr.hosts):
            needs.reasons.add(f"{SR_NOT_SHARED}: {label} is not attached on {missing}")

    def _add_vif(self, vm: Reader, ref: str, needs: Needs, pcis_of_others: set[str]) -> None:
        vif = self._tables["vif"][ref]
        network_ref = reference_of(vif.get("network")) or ""
        network = self._layout.networks.get(network_ref)
        if network is None:
            _unreadable(vm, needs, f"VIF {_uuid(vif, ref)}: no record of its network")
            return
        needs.networks.add(network.uuid)
        pcis_of_others.add(str(vif.get("reserved_pci")))
        label = f"network {_label(network.name, network.uuid)}"
        if network_ref in self._layout.sriov_networks:
            needs.reasons.add(f"{HAS_SRIOV_VIF}: {label} is of SR-IOV")
        if network_ref in self._layout.internal_networks:
            needs.reasons.add(f"{NETWORK_NOT_SHARED}: {label} has no PIF")
        elif missing := self._enabled_without(network.hosts):
            needs.reasons.add(f"{NETWORK_NOT_SHARED}: {label} has no PIF on {missing}")

    def _enabled_without(self, hosts: tuple[str, ...] | None) -> str:
        """Return the names of the enabled hosts that are not among `hosts`."""
        if hosts is None:
            return ""
        return ", ".join(sorted(name or uuid for uuid, name in self._enabled.items() if uuid not in hosts))

    def _add_vgpu(self, vm: Reader, ref: str, needs: Needs, pcis_of_others: set[str]) -> None:
        vgpu = self._tables["vgpu"][ref]
        group, vgpu_type = reference_of(vgpu.get("GPU_group")), vgpu.get("type", NULL_REF)
        if group is None or not isinstance(vgpu_type, str):
            _unreadable(vm, needs, f"VGPU {_uuid(vgpu, ref)}: names no GPU_group or type")
            return
        pcis_of_others.add(str(vgpu.get("PCI")))
        hosts = self._layout.hosts_of_gpu_group(group, reference_of(vgpu_type))
        needs.only_on(hosts, f"{HAS_VGPU}: VGPU {_uuid(vgpu, ref)}")

    def _add_vusb(self, vm: Reader, ref: str, needs: Needs) -> None:
        vusb = self._tables["vusb"][ref]
        group = reference_of(vusb.get("USB_group"))
        if group is None:
            _unreadable(vm, needs, f"VUSB {_uuid(vusb, ref)}: names no USB_group")
            return
        needs.only_on(self._layout.hosts_of_usb_group(group), f"{HAS_VUSBS}: VUSB {_uuid(vusb, ref)}")

    def _add_pcis(self, vm: Reader, needs: Needs, pcis_of_others: set[str]) -> None:
        """Tie the VM to the host of the PCI devices passed through to it.

        While a VM runs, xapi lists the devices behind its vGPUs and SR-IOV VIFs too; these another host may
        have as well, and the group or network has said which.
        """
        complaints = len(vm.complaints)
        attached, configured = vm.texts("attached_PCIs"), vm.mapping("other_config").get("pci")
        if len(vm.complaints) > complaints:
            needs.stay_home(f"{DEVICE_UNREADABLE}: {vm.complaints[-1]}")
        for ref in attached:
            if ref not in pcis_of_others:
                self._add_attached_pci(vm, ref, needs)
        if configured:
            self._add_configured_pci(vm, str(configured), needs)

    def _add_attached_pci(self, vm: Reader, ref: str, needs: Needs) -> None:
        host = self._layout.host_of_pci(ref)
        if host is None:
            _unreadable(vm, needs, f"attached_PCIs: no record of {ref} or its host")
        else:
            needs.only_on([host], f"{HAS_PCI}: PCI {_uuid(self._tables['pci'][ref], ref)}")

    def _add_configured_pci(self, vm: Reader, devices: str, needs: Needs) -> None:
        """Tie the VM to its host for other_config:pci, e.g. "0/0000:04:00.0,1/0000:05:00.0".

        The same address on another host is another device, so the host it is on, or prefers, is the only one
        that is sure. Without these, any host with devices at those addresses is believed to be meant.
        """
        sure = needs.home or self._layout.host({"host": vm.reference("affinity")})
        addresses = frozenset(device.rpartition("/")[2].strip() for device in devices.split(","))
        hosts = [sure] if sure else self._layout.hosts_with_pci_at(addresses)
        needs.only_on(hosts, f"{HAS_PCI}: other_config:pci={devices[:60]}")


def _unreadable(vm: Reader, needs: Needs, problem: str) -> None:
    vm.complaints.append(f"{problem}; taken as tied to its host")
    needs.stay_home(f"{DEVICE_UNREADABLE}: {problem}")


def _by_vm(table: Mapping[str, Record]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for ref, record in table.items():
        vm = reference_of(record.get("VM"))
        if vm is not None:
            found[vm].append(ref)
    return found


def _uuid(record: Record, ref: str) -> str:
    return str(record.get("uuid") or ref)


def _label(name: str, uuid: str) -> str:
    return f"{name} ({uuid})" if name else uuid
