"""The planner's pool out of the simulated database: what `populate` wrote, read again.

Serves the simulated xapi's own planning only. It trusts the records; clients read pools through
`planner.inventory`, which does not.
"""

from __future__ import annotations

from typing import Any

from lab.xapi import placement
from lab.xapi.classes import NULL
from lab.xapi.database import Database, Record
from planner.model import SR, VM, Host, Network, Pool, VMGroup

DOMAIN_PREFIX = "xenha:domain:"
"""Keys of host.other_config that name a failure domain, e.g. "xenha:domain:rack"."""


def pool(db: Database) -> Pool:
    """Return the pool that the records describe."""
    with db.lock:
        return _Reader(db).pool()


class _Reader:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.uuids = {
            ref: record["uuid"]
            for name in ("host", "SR", "network", "VM_group", "VM")
            for ref, record in db.records(name).items()
        }

    def pool(self) -> Pool:
        record = self.db.record("pool", self.db.refs("pool")[0])
        return Pool(
            uuid=record["uuid"],
            name=record["name_label"],
            master=self._uuid(record["master"]),
            ha_enabled=record["ha_enabled"],
            ha_host_failures_to_tolerate=record["ha_host_failures_to_tolerate"],
            ha_allow_overcommit=record["ha_allow_overcommit"],
            ha_timeout_seconds=int(record["ha_configuration"].get("timeout", "60")),
            heartbeat_srs=tuple(self.uuids[self.db.get("VDI", vdi, "SR")] for vdi in record["ha_statefiles"]),
            quorum="majority" if self.db.refs("Cluster") else "disk",
            hosts=tuple(self._host(r) for r in self.db.records("host").values()),
            srs=tuple(self._sr(ref, r) for ref, r in self.db.records("SR").items()),
            networks=tuple(self._network(ref, r) for ref, r in self.db.records("network").items()),
            groups=tuple(self._group(r) for r in self.db.records("VM_group").values()),
            vms=tuple(self._vm(r) for r in self.db.records("VM").values() if not r["is_a_template"]),
        )

    def _uuid(self, ref: str) -> str | None:
        return None if ref == NULL else self.uuids[ref]

    def _hosts(self, refs: set[str]) -> tuple[str, ...]:
        return tuple(self.uuids[ref] for ref in self.db.refs("host") if ref in refs)

    def _host(self, record: Record) -> Host:
        metrics = self.db.record("host_metrics", record["metrics"])
        domains = {
            key.removeprefix(DOMAIN_PREFIX): value
            for key, value in record["other_config"].items()
            if key.startswith(DOMAIN_PREFIX)
        }
        return Host(
            uuid=record["uuid"],
            name=record["name_label"],
            memory_total_bytes=metrics["memory_total"],
            memory_overhead_bytes=record["memory_overhead"],
            cpus=int(record["cpu_info"]["cpu_count"]) if "cpu_count" in record["cpu_info"] else None,
            enabled=record["enabled"],
            live=metrics["live"],
            failure_domains=tuple(sorted(domains.items())),
            tags=tuple(record["tags"]),
        )

    def _sr(self, ref: str, record: Record) -> SR:
        hosts = self._hosts(placement.hosts_of_sr(self.db, ref))
        return SR(record["uuid"], record["name_label"], record["type"], record["shared"], hosts)

    def _network(self, ref: str, record: Record) -> Network:
        hosts = self._hosts(placement.hosts_of_network(self.db, ref))
        return Network(record["uuid"], record["name_label"], hosts)

    def _group(self, record: Record) -> VMGroup:
        return VMGroup(record["uuid"], record["placement"], record["name_label"])

    def _vm(self, record: Record) -> VM:
        networks = [self.uuids[self.db.get("VIF", vif, "network")] for vif in record["VIFs"]]
        return VM(
            uuid=record["uuid"],
            name=record["name_label"],
            memory_static_max_bytes=record["memory_static_max"],
            memory_dynamic_min_bytes=record["memory_dynamic_min"],
            memory_overhead_bytes=record["memory_overhead"],
            vcpus=record["VCPUs_max"],
            power_state=record["power_state"],
            resident_on=self._uuid(record["resident_on"]),
            scheduled_to_be_resident_on=self._uuid(record["scheduled_to_be_resident_on"]),
            ha_restart_priority=record["ha_restart_priority"],
            ha_always_run=record["ha_always_run"],
            order=record["order"],
            start_delay_seconds=record["start_delay"],
            srs=tuple(self.uuids[sr] for sr in placement.srs(self.db, record)),
            networks=tuple(dict.fromkeys(networks)),
            candidate_hosts=self._device_hosts(record),
            groups=tuple(self.uuids[group] for group in record["groups"]),
            is_control_domain=record["is_control_domain"],
            tags=tuple(record["tags"]),
        )

    def _device_hosts(self, record: Record) -> tuple[str, ...] | None:
        groups: list[tuple[str, str, str]] = [
            ("GPU_group", self.db.get("VGPU", vgpu, "GPU_group"), "PGPU") for vgpu in record["VGPUs"]
        ]
        groups += [("USB_group", self.db.get("VUSB", vusb, "USB_group"), "PUSB") for vusb in record["VUSBs"]]
        if not groups:
            return None
        sets = [self._owners(*group) for group in groups]
        return self._hosts(set.intersection(*sets))

    def _owners(self, group_class: str, group: str, device_class: str) -> set[str]:
        devices: list[Any] = self.db.get(group_class, group, f"{device_class}s")
        return {self.db.get(device_class, device, "host") for device in devices}
