"""What must hold between the values of a pool file: unique uuids, references, homes, groups (DESIGN §5.2).

Works on a file whose shape is right already; reports everything it finds and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.inventory.jsontext import Location, shown
from planner.inventory.poolshape import PoolFileShape, SRShape, VMGroupShape, VMShape

Finding = tuple[Location, str]

ALL_BYTES_MAX = 2**61
"""2 EiB in all VMs and hosts together: the kernels add and weigh such sums in 63 bits."""

LISTS = ("hosts", "srs", "networks", "groups", "vms")


@dataclass(frozen=True, slots=True)
class Reference:
    """One key that holds uuids of the records in another list."""

    holder: str
    key: str
    target: str
    word: str


REFERENCES = (
    Reference("srs", "hosts", "hosts", "host"),
    Reference("networks", "hosts", "hosts", "host"),
    Reference("vms", "resident_on", "hosts", "host"),
    Reference("vms", "scheduled_to_be_resident_on", "hosts", "host"),
    Reference("vms", "candidate_hosts", "hosts", "host"),
    Reference("vms", "srs", "srs", "SR"),
    Reference("vms", "networks", "networks", "network"),
    Reference("vms", "groups", "groups", "group"),
)
POOL_REFERENCES = (
    Reference("pool", "master", "hosts", "host"),
    Reference("pool", "heartbeat_srs", "srs", "SR"),
)
UNIQUE_TEXTS = (("hosts", "tags"), ("vms", "tags"), ("vms", "unagile_because"))


def findings(raw: PoolFileShape) -> Iterator[Finding]:
    """Yield everything that is wrong between the values of `raw`, with its location."""
    lists: dict[str, Sequence[Mapping[str, Any]]] = {name: raw[name] for name in LISTS}  # type: ignore[literal-required]
    for name in LISTS:
        yield from _uuids_twice(name, lists[name])
    uuids = {name: {record["uuid"] for record in lists[name]} for name in LISTS}
    yield from _dangling(raw, lists, uuids)
    for holder, key in UNIQUE_TEXTS:
        for index, record in enumerate(lists[holder]):
            yield from _twice((holder, index, key), record.get(key, ()))
    for index, sr in enumerate(raw["srs"]):
        yield from _check_sr(("srs", index), sr)
    for index, group in enumerate(raw["groups"]):
        if group.get("enforced") and group["placement"] != "anti_affinity":
            yield ("groups", index, "enforced"), "only an anti_affinity group can be enforced"
    yield from _check_sum(raw)
    placements = {group["uuid"]: group for group in raw["groups"]}
    for index, vm in enumerate(raw["vms"]):
        yield from _check_vm(("vms", index), vm)
        if len(vm.get("groups", ())) > 1:
            yield from _placement_twice(("vms", index, "groups"), vm["groups"], placements)


def _uuids_twice(name: str, records: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, record in enumerate(records):
        before = first.setdefault(record["uuid"], index)
        if before != index:
            yield (
                (name, index, "uuid"),
                f"{shown(record['uuid'])} is the uuid of {name}[{before}] already",
            )


def _dangling(
    raw: PoolFileShape, lists: Mapping[str, Sequence[Mapping[str, Any]]], uuids: Mapping[str, set[str]]
) -> Iterator[Finding]:
    for reference in POOL_REFERENCES:
        yield from _check_reference(("pool",), raw["pool"], reference, uuids[reference.target])
    for reference in REFERENCES:
        known = uuids[reference.target]
        for index, record in enumerate(lists[reference.holder]):
            if reference.key in record:
                yield from _check_reference((reference.holder, index), record, reference, known)


def _check_reference(
    where: Location, record: Mapping[str, Any], reference: Reference, known: set[str]
) -> Iterator[Finding]:
    value = record.get(reference.key)
    if isinstance(value, list):
        for index, uuid in enumerate(value):
            if uuid not in known:
                yield (*where, reference.key, index), f"no {reference.word} has the uuid {shown(uuid)}"
        yield from _twice((*where, reference.key), value)
    elif value is not None and value not in known:
        yield (*where, reference.key), f"no {reference.word} has the uuid {shown(value)}"


def _twice(where: Location, values: Sequence[str]) -> Iterator[Finding]:
    if len(values) == len(set(values)):
        return
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield (*where, index), f"{shown(value)} is in the list already"
        seen.add(value)


def _check_sum(raw: PoolFileShape) -> Iterator[Finding]:
    everything = sum(vm["memory_static_max_bytes"] + vm.get("memory_overhead_bytes", 0) for vm in raw["vms"])
    everything += sum(host["memory_total_bytes"] for host in raw["hosts"])
    if everything > ALL_BYTES_MAX:
        yield ("vms",), f"{everything} bytes in all VMs and hosts; expected at most {ALL_BYTES_MAX}"


def _check_sr(where: Location, sr: SRShape) -> Iterator[Finding]:
    if not sr.get("shared", True) and "hosts" not in sr:
        yield (*where, "hosts"), "required for an SR that is not shared"


def _check_vm(where: Location, vm: VMShape) -> Iterator[Finding]:
    if vm.get("power_state") == "Halted" and vm.get("resident_on") is not None:
        yield (*where, "resident_on"), "a Halted VM is resident nowhere; expected null"
    if vm["memory_static_max_bytes"] + vm.get("memory_overhead_bytes", 0) == 0:
        yield (*where, "memory_static_max_bytes"), "a VM that needs no memory; expected at least 1 byte"
    minimum = vm.get("memory_dynamic_min_bytes", 0)
    if minimum > vm["memory_static_max_bytes"]:
        problem = f"{minimum} is more than memory_static_max_bytes, {vm['memory_static_max_bytes']}"
        yield (*where, "memory_dynamic_min_bytes"), problem


def _placement_twice(
    where: Location, uuids: Sequence[str], groups: Mapping[str, VMGroupShape]
) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, uuid in enumerate(uuids):
        if uuid not in groups:
            continue
        placement = groups[uuid]["placement"]
        before = seen.setdefault(placement, uuid)
        if before != uuid:
            yield (
                (*where, index),
                f"a second {placement} group; {shown(before)} is one already",
            )
