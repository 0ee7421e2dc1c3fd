"""Records → where things are: which hosts reach which SR, network and device (reference/xapi-ha.md §3.3).

* An SR is reached from the hosts on which a PBD of it is attached.
* A network is reached from the hosts with a PIF on it that is no slave of a bond; a logical SR-IOV PIF counts
  if it can come up without a reboot. A network without any PIF is internal to one host: it is where VMs
  that share it run; while fewer than two do, any host can provide it, as xapi does.
* A GPU group, USB group or PCI device is where its members are.

What cannot be read counts as not there, so that a figure never gets better by it, and is rejected by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Set

from planner.inventory.reader import Reader, Rejects, reference_of
from planner.inventory.records import Record, Tables
from planner.model import SR, Network

RUNNING_STATES = ("Running", "Paused")
"""A tuple, as what is looked up may be garbage that has no hash."""


class Layout:
    """What the records say about storage, networks and devices; hosts are named by uuid."""

    def __init__(self, tables: Tables, host_uuid: Mapping[str, str], rejects: Rejects) -> None:
        self._tables = tables
        self._host_uuid = host_uuid
        self._rejects = rejects
        self._every_host = frozenset(host_uuid.values())
        self.srs = self._read_srs()
        self.sriov_networks: set[str] = set()
        """References of networks with a logical SR-IOV PIF."""
        self.internal_networks: set[str] = set()
        """References of networks without any PIF."""
        self.networks = self._read_networks()
        self.gpu_pcis = frozenset(_refs(tables["pgpu"], "PCI"))
        self._pgpu_hosts = self._members("pgpu", "GPU_group")
        self._pusb_hosts = self._members("pusb", "USB_group")

    def host(self, record: Record) -> str | None:
        """Return the uuid of the host that a record names."""
        ref = reference_of(record.get("host"))
        return self._host_uuid.get(ref) if ref else None

    def _host_of(self, reader: Reader) -> str | None:
        """Return the uuid of the host that a record names, with a complaint if there is none."""
        return self._host_uuid.get(self._known(reader, "host", self._host_uuid) or "")

    def _known(self, reader: Reader, key: str, known: Container[str]) -> str | None:
        """Return a reference to something known, with a complaint if it is to nothing."""
        ref = reader.reference(key)
        if ref is None or ref in known:
            return ref
        reader.complain(key, f"no record of {ref}")
        return None

    # Storage -------------------------------------------------------------------------------------------

    def _read_srs(self) -> dict[str, SR]:
        attached = self._attached_hosts()
        found: dict[str, SR] = {}
        for ref, record in self._tables["sr"].items():
            reader = Reader(record, ref)
            shared = reader.flag("shared", default=False)
            hosts = frozenset(attached.get(ref, ()))
            found[ref] = SR(
                reader.uuid,
                name=reader.text("name_label"),
                type=reader.text("type"),
                shared=shared,
                hosts=None if shared and hosts == self._every_host else tuple(sorted(hosts)),
            )
            reader.report(self._rejects, "SR")
        return found

    def _attached_hosts(self) -> Mapping[str, set[str]]:
        attached: dict[str, set[str]] = defaultdict(set)
        for ref, record in self._tables["pbd"].items():
            reader = Reader(record, ref)
            sr, host = self._known(reader, "SR", self._tables["sr"]), self._host_of(reader)
            if reader.flag("currently_attached", default=False) and sr and host:
                attached[sr].add(host)
            reader.report(self._rejects, "PBD")
        return attached

    # Networks ------------------------------------------------------------------------------------------

    def _read_networks(self) -> dict[str, Network]:
        reached = self._reached_hosts()
        shared_by = self._hosts_of_internal_networks()
        found: dict[str, Network] = {}
        for ref, record in self._tables["network"].items():
            reader = Reader(record, ref)
            hosts: Set[str] = reached.get(ref, frozenset())
            if ref not in reached and not reader.texts("PIFs") and not reader.complaints:
                self.internal_networks.add(ref)
                hosts = shared_by.get(ref, self._every_host)
            found[ref] = Network(
                reader.uuid,
                name=reader.text("name_label"),
                hosts=None if hosts == self._every_host else tuple(sorted(hosts)),
            )
            reader.report(self._rejects, "network")
        return found

    def _reached_hosts(self) -> Mapping[str, set[str]]:
        """Return the hosts with a usable PIF, for every network that has PIFs at all."""
        reached: dict[str, set[str]] = defaultdict(set)
        for ref, record in self._tables["pif"].items():
            reader = Reader(record, ref)
            network = self._known(reader, "network", self._tables["network"])
            host = self._host_of(reader)
            if network is not None and reader.reference("bond_slave_of") is None:
                hosts = reached[network]
                if host is not None and self._can_come_up(reader, network) and not reader.complaints:
                    hosts.add(host)
            reader.report(self._rejects, "PIF")
        return reached

    def _can_come_up(self, reader: Reader, network: str) -> bool:
        sriovs = reader.texts("sriov_logical_PIF_of")
        if not sriovs:
            return True
        self.sriov_networks.add(network)
        if reader.flag("currently_attached", default=False):
            return True
        table = self._tables["network_sriov"]
        return all(table.get(sriov, {}).get("requires_reboot") is False for sriov in sriovs)

    def _hosts_of_internal_networks(self) -> Mapping[str, set[str]]:
        """Return where VMs run, for every network that two or more running VMs share."""
        users: dict[str, set[str]] = defaultdict(set)
        hosts: dict[str, set[str]] = defaultdict(set)
        for vif in self._tables["vif"].values():
            network, vm_ref = reference_of(vif.get("network")), reference_of(vif.get("VM"))
            vm = self._tables["vm"].get(vm_ref or "")
            if network is None or vm_ref is None or vm is None or vm.get("power_state") not in RUNNING_STATES:
                continue
            host = self._host_uuid.get(reference_of(vm.get("resident_on")) or "")
            if host is not None:
                users[network].add(vm_ref)
                hosts[network].add(host)
        return {network: hosts[network] for network, vms in users.items() if len(vms) > 1}

    # Devices -------------------------------------------------------------------------------------------

    def _members(self, name: str, key: str) -> Mapping[str, list[tuple[str, Record]]]:
        """Return (host, record) of the members of every device group."""
        found: dict[str, list[tuple[str, Record]]] = defaultdict(list)
        for record in self._tables[name].values():
            group, host = reference_of(record.get(key)), self.host(record)
            if group is not None and host is not None:
                found[group].append((host, record))
        return found

    def hosts_of_gpu_group(self, group: str, vgpu_type: str | None) -> frozenset[str]:
        """Return the hosts with a GPU of the group that offers the type."""
        members = self._pgpu_hosts.get(group, [])
        return frozenset(host for host, pgpu in members if _offers(pgpu, vgpu_type))

    def hosts_of_usb_group(self, group: str) -> frozenset[str]:
        """Return the hosts with a USB device of the group."""
        return frozenset(host for host, _ in self._pusb_hosts.get(group, []))

    def host_of_pci(self, ref: str) -> str | None:
        """Return the host that a PCI device sits in."""
        return self.host(self._tables["pci"].get(ref, {}))

    def hosts_with_pci_at(self, addresses: Set[str]) -> frozenset[str]:
        """Return the hosts that have devices at all of these addresses."""
        found: dict[str, set[str]] = defaultdict(set)
        for record in self._tables["pci"].values():
            host, address = self.host(record), record.get("pci_id")
            if host is not None and isinstance(address, str):
                found[host].add(address)
        return frozenset(host for host, present in found.items() if addresses <= present)


def _offers(pgpu: Record, vgpu_type: str | None) -> bool:
    if vgpu_type is None or "enabled_VGPU_types" not in pgpu:
        return True
    types = pgpu["enabled_VGPU_types"]
    return isinstance(types, list) and vgpu_type in types


def _refs(table: Mapping[str, Record], key: str) -> Iterator[str]:
    for record in table.values():
        ref = reference_of(record.get(key))
        if ref is not None:
            yield ref
