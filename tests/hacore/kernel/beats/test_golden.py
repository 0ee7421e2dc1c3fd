"""The format, byte by byte: a change here is a new format version, and daemons of both meet on one disk."""

from __future__ import annotations

from typing import Any

from hacore.kernel.native import read_packet, read_slot
from hacore.records import PacketBody, SlotBody
from hacore.statefile import Header, pack_header, unpack_header

GENERATION = "00112233445566778899aabbccddeeff"
KEY = bytes(range(32))
WHO = ("1111111111111111", "2222222222222222", "3333333333333333")


def joined(fields: tuple[tuple[str, str | int], ...]) -> bytes:
    """Return the bytes of fields: hexadecimal digits, or how many zeros."""
    return b"".join(bytes(what) if isinstance(what, int) else bytes.fromhex(what) for _, what in fields)


SLOT = (
    ("magic", b"xenhaSLT".hex()),
    ("version", "0100"),
    ("host", "0100"),
    ("copy", "0200"),
    ("zero", 2),
    ("generation", GENERATION),
    ("host UUID", "a1" * 16),
    ("sequence 77", "4d00000000000000"),
    ("burnt: copy 3", "08"),
    ("zero", 7),
    ("incarnation", WHO[0]),
    ("row: hosts 0 and 2", "0500000000000000"),
    ("polled: host 1", "0200000000000000"),
    ("denied: host 1", "0200000000000000"),
    ("confirmed: epoch 5", "0500000000000000"),
    ("weight 100", "64000000"),
    ("arbiters 2", "0200"),
    ("state: member", "02"),
    ("fence: storage lost", "02"),
    ("armed", "01"),
    ("storage", "01"),
    ("carrier", "01"),
    ("leader wish: none", "ff"),
    ("zero", 4),
    ("decided: epoch 7", "0700000000000000"),
    ("liveset: hosts 0 and 2", "0500000000000000"),
    ("leader 2", "02"),
    ("cause: dead", "03"),
    ("zero", 6),
    ("members", WHO[0]),
    ("host 1 is none", 8),
    ("host 2", WHO[2]),
    ("hosts that are not configured", 61 * 8),
    ("block: epoch 8", "0800000000000000"),
    ("mbal 130", "8200000000000000"),
    ("bal 66", "4200000000000000"),
    ("has a value", "01"),
    ("zero", 7),
    ("value: epoch 8", "0800000000000000"),
    ("liveset: all three", "0700000000000000"),
    ("leader 0", "00"),
    ("cause: joined", "02"),
    ("zero", 6),
    ("members", "".join(WHO)),
    ("hosts that are not configured", 61 * 8),
    ("unused", 4076 - 1224),
    ("CRC-32C", "11f9c915"),
    ("MAC", "c0292aafd2a4b07b5ba7a03609861aa6"),
)
PACKET = (
    ("magic", b"xenhaPKT".hex()),
    ("version", "0100"),
    ("host", "0100"),
    ("zero", 4),
    ("generation", GENERATION),
    ("host UUID", "a1" * 16),
    ("sequence 9", "0900000000000000"),
    ("stamp: 5 s", "00f2052a01000000"),
    ("incarnation", WHO[0]),
    ("epoch 7", "0700000000000000"),
    ("row: all three", "0700000000000000"),
    ("grants: hosts 1 and 2", "0600000000000000"),
    ("polled: host 1", "0200000000000000"),
    ("denied: host 2", "0400000000000000"),
    ("weight 100", "64000000"),
    ("arbiters 1", "0100"),
    ("state: member", "02"),
    ("storage: none", "00"),
    ("carrier", "01"),
    ("zero", 7),
    ("echoes of hosts 0 and 1: none", 32),
    ("echo of host 2: incarnation and 1234 ns", WHO[2] + "d204000000000000"),
    ("hosts that are not configured", 61 * 16),
    ("MAC", "a0fbd27007f366e108e33f2a4d1ee663"),
)
HEADER = (
    ("magic", b"xenhaPOL".hex()),
    ("version", "0100"),
    ("copy", "0100"),
    ("hosts", "0300"),
    ("zero", 2),
    ("generation", GENERATION),
    ("time-out: 60 s", "005847f80d000000"),
    ("zero", 24),
    ("host UUIDs", "a0" * 16 + "a1" * 16 + "a2" * 16),
    ("hosts that are not configured", 61 * 16),
    ("unused", 4076 - 1088),
    ("CRC-32C", "50516b2d"),
    ("MAC", "6cb8ed7e2bd51fdeb9a9782d7199d88d"),
)


def test_a_slot(sample: Any, said: tuple[SlotBody, PacketBody]) -> None:
    block = joined(SLOT)
    assert len(block) == 4096
    assert sample.block(1, 2, 77, 0b1000) == block
    copy = read_slot(sample.pool, 1, bytes(2 * 4096) + block + bytes(5 * 4096)).copies[2]
    assert (copy.sequence, copy.burnt, copy.body) == (77, 0b1000, said[0])


def test_a_packet(sample: Any, said: tuple[SlotBody, PacketBody]) -> None:
    packet = joined(PACKET)
    assert len(packet) == 1168
    assert sample.packet() == packet
    read = read_packet(sample.pool, packet, 2, int(WHO[2], 16))
    assert (read.host, read.sequence, read.stamp_ns, read.echo_ns) == (1, 9, 5_000_000_000, 1234)
    assert read.body == said[1]


def test_a_header() -> None:
    block = joined(HEADER)
    assert len(block) == 4096
    hosts = tuple("-".join(byte * length for length in (4, 2, 2, 2, 6)) for byte in ("a0", "a1", "a2"))
    header = Header("00112233-4455-6677-8899-aabbccddeeff", hosts, 60_000_000_000)
    assert pack_header(header, KEY, 1) == block
    assert unpack_header(block, KEY, 1).header == header
