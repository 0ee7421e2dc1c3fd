"""Right seals around what no host can mean: field by field, with the reason, and what packing refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hacore.kernel import native, slotbody, slotcodec
from hacore.kernel.packetcodec import examine_packet
from hacore.records import Block, Cause, Decision, PacketBody, SlotBody

DECIDED, BLOCK = 56, 592


def resealed_packet(key: bytes, packet: bytes, at: int, data: bytes) -> bytes:
    changed = packet[:at] + data + packet[at + len(data) : 1152]
    return changed + native.keyed_mac(key, changed)


def resealed_slot(key: bytes, block: bytes, at: int, data: bytes) -> bytes:
    changed = block[:at] + data + block[at + len(data) : 4076]
    changed += native.crc32c(changed).to_bytes(4, "little")
    return changed + native.keyed_mac(key, changed)


def number(value: int, size: int = 8) -> bytes:
    return value.to_bytes(size, "little")


@pytest.mark.parametrize(
    ("at", "data", "reason"),
    [
        (10, number(3, 2) + bytes(20), native.Reason.GENERATION),
        (10, number(0, 2), native.Reason.IDENTITY),
        (10, number(3, 2), native.Reason.IDENTITY),
        (12, b"\1", native.Reason.CONTENT),
        (48, number(0), native.Reason.CONTENT),
        (128 + 3 * 16, b"\1", native.Reason.CONTENT),
        (1151, b"\1", native.Reason.CONTENT),
        (64, number(0), native.Reason.CONTENT),
        (64 + 16, number(8), native.Reason.CONTENT),
        (64 + 24, number(8), native.Reason.CONTENT),
        (64 + 32, number(8), native.Reason.CONTENT),
        (64 + 40, number(8), native.Reason.CONTENT),
        (64 + 54, b"\6", native.Reason.CONTENT),
        (64 + 55, b"\2", native.Reason.CONTENT),
        (64 + 56, b"\2", native.Reason.CONTENT),
        (64 + 57, b"\1", native.Reason.CONTENT),
        (56, number(0), native.Reason.VALID),
        (128, number(0), native.Reason.VALID),
    ],
)
def test_packets(sample: Any, at: int, data: bytes, reason: native.Reason) -> None:
    packet = resealed_packet(bytes(range(32)), sample.packet(), at, data)
    assert examine_packet(sample.pool, packet) == reason


@pytest.mark.parametrize("host", [3, 4, 63])
def test_a_host_beyond_the_table_is_nobody(sample: Any, host: int) -> None:
    """Where the table ends there are zeros, and a packet may name a UUID of zeros."""
    packet = resealed_packet(bytes(range(32)), sample.packet(), 10, number(host, 2))
    packet = resealed_packet(bytes(range(32)), packet, 32, bytes(16))
    assert examine_packet(sample.pool, packet) == native.Reason.IDENTITY


@pytest.mark.parametrize(
    ("at", "data", "field"),
    [
        (0, number(0), "incarnation"),
        (8, number(8), "row"),
        (16, number(8), "polled"),
        (24, number(8), "denied"),
        (46, b"\6", "state"),
        (47, b"\7", "fence"),
        (48, b"\2", "armed"),
        (49, b"\2", "storage"),
        (50, b"\2", "carrier"),
        (51, b"\3", "leader_wish"),
        (52, b"\1", "padding"),
        (DECIDED + 8, number(8 | 5), "liveset"),
        (DECIDED + 16, b"\3", "leader"),
        (DECIDED + 17, b"\x09", "cause"),
        (DECIDED + 18, b"\1", "padding"),
        (DECIDED + 24 + 8, number(1), "members"),
        (DECIDED + 24 + 63 * 8, number(1), "members"),
        (BLOCK, number(0), "ballots"),
        (BLOCK, number(0) + number(130) + number(0) + b"\0", "ballots"),
        (BLOCK + 8, number(65), "ballots"),
        (BLOCK + 16, number(0), "value"),
        (BLOCK + 24, b"\0", "value"),
        (BLOCK + 24, b"\2", "value"),
        (BLOCK + 25, b"\1", "padding"),
        (BLOCK + 16, number(0) + b"\0", "value"),
        (BLOCK + 32, number(9), "epoch of the value"),
        (BLOCK + 32 + 8, number(9), "liveset"),
    ],
)
def test_slots(sample: Any, at: int, data: bytes, field: str) -> None:
    block = resealed_slot(bytes(range(32)), sample.block(), 64 + at, data)
    assert slotcodec.check_slot(sample.pool, block, 1, 2) == native.Reason.CONTENT
    with pytest.raises(ValueError, match=f"^slot: {field}: no host can mean this"):
        slotbody.unpack_body(block[64 : 64 + 1160], 3)


@pytest.mark.parametrize("at", [14, 15, 57, 63, 1224, 4075])
def test_nothing_is_where_nothing_belongs(sample: Any, at: int) -> None:
    block = resealed_slot(bytes(range(32)), sample.block(), at, b"\1")
    assert slotcodec.check_slot(sample.pool, block, 1, 2) == native.Reason.CONTENT


def test_a_slot_without_a_sequence_is_no_slot(sample: Any) -> None:
    assert slotcodec.check_slot(sample.pool, sample.block(sequence=0), 1, 2) == native.Reason.CONTENT


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"row": 8}, "slot: row: no host can mean this"),
        ({"leader_wish": 3}, "slot: leader_wish"),
        ({"leader_wish": 255}, "slot: leader_wish: 255, expected a host or -1"),
        ({"decided": Decision(9, 0, (0, 0, 0), 255, Cause.DEAD)}, "slot: leader: 255"),
        ({"block": Block(9, 1, 2, None)}, "slot: ballots"),
        ({"block": Block(9, 2, 2, None)}, "slot: value"),
        ({"block": Block(9, 2, 2, Decision(8, 1, (1, 0, 0), 0, Cause.DEAD))}, "slot: epoch of the value"),
        (
            {"block": Block(9, 2, 2, Decision(9, 1, (1, 0), 0, Cause.DEAD))},
            "slot: members: 2 hosts, expected 3",
        ),
        ({"decided": Decision(9, 1, (1, 2, 0), 0, Cause.DEAD)}, "slot: members"),
        ({"incarnation": 0}, "slot: incarnation"),
    ],
)
def test_what_would_not_be_believed_is_not_packed(
    said: tuple[SlotBody, PacketBody], change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        native.pack_slot_body(replace(said[0], **change))


@pytest.mark.parametrize(
    "change",
    [{"weight": -1}, {"weight": 1 << 32}, {"arbiters": 1 << 16}, {"row": -1}, {"confirmed": 1 << 64}],
)
def test_numbers_that_do_not_fit_are_not_packed(
    said: tuple[SlotBody, PacketBody], change: dict[str, int]
) -> None:
    with pytest.raises(OverflowError):
        native.pack_slot_body(replace(said[0], **change))


def test_packets_that_would_not_be_believed_are_not_packed(said: tuple[SlotBody, PacketBody]) -> None:
    with pytest.raises(ValueError, match="packet: grants: no host can mean this"):
        native.pack_packet_body(replace(said[1], grants=8), 3)
    with pytest.raises(ValueError, match="packet: incarnation"):
        native.pack_packet_body(replace(said[1], incarnation=0), 3)


@pytest.mark.parametrize("hosts", [0, 65])
def test_bodies_are_of_pools_of_1_to_64_hosts(sample: Any, hosts: int) -> None:
    with pytest.raises(ValueError, match=f"hosts: {hosts}, expected 1 to 64"):
        native.unpack_slot_body(sample.body, hosts)
    with pytest.raises(ValueError, match=f"hosts: {hosts}, expected 1 to 64"):
        native.unpack_packet_body(sample.packet_body, hosts)
