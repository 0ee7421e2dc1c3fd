"""The bytes of the metadata volume. Decides which of them are believed; must never read or write a device.

    0          first half (128 MiB)
    128 MiB    second half

    half       0 its head (4096), then records without gaps, each starting at a multiple of 4096
    head       0 magic 8 · 8 version 2 · 10 half 2 · 12 writer 2 · 14 zero 2 · 16 generation 16 · 32 tag 16
               48 flip 8 · 56 epoch 8 · 64 records 8 · 72 size of a half 8 · 80 zero
               4076 CRC-32C of 0 … 4075 · 4080 MAC of 0 … 4079
    record     0 magic 8 · 8 version 2 · 10 kind 2 · 12 writer 2 · 14 zero 2 · 16 generation 16 · 32 tag 16
               48 place 8 · 56 sequence 8 · 64 epoch 8 · 72 length 8 · 80 zero 28 · 108 CRC-32C of 0 … 107
               and payload · 112 MAC of 0 … 111 and payload · 128 payload

The half with the higher flip counts. Its tag is drawn anew by every flip and stands in each of its records:
what an earlier use of the half left behind, or another writer wrote there, is no part of it. All numbers are
little-endian.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from hacore.kernel.native import Reason, crc32c, keyed_mac

HALF_BYTES = 128 << 20
METADATA_BYTES = 2 * HALF_BYTES
BLOCK_BYTES = 4096
"""Unit of all reads and writes, whatever the logical block of the device."""
RECORD_HEAD_BYTES = 128
TAG_BYTES = 16
FORMAT = 1
SNAPSHOT, PLAN = 1, 2
"""Kinds of records. Others are kept alike: a newer leader may know more of them."""
KIND_MAX = (1 << 16) - 1

_HEAD_MAGIC, _RECORD_MAGIC = b"xenhaMET", b"xenhaREC"
_HEAD = Struct("<8sHHHH16s16sQQQQ")
_RECORD = Struct("<8sHHHH16s16sQQQQ28x")
_HEAD_CRC_AT, _HEAD_MAC_AT = 4076, 4080
_RECORD_CRC_AT, _RECORD_MAC_AT = 108, 112
assert _RECORD.size == _RECORD_CRC_AT


@dataclass(frozen=True, slots=True)
class Record:
    """The newest word about one kind of thing."""

    kind: int
    epoch: int  # in which it was written
    writer: int  # index of the host that wrote it
    sequence: int  # rises by one with every record of the volume
    payload: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a half. Written last: with it the half becomes the one that counts."""

    half: int
    flip: int  # rises by one with every change of halves
    epoch: int  # of the writer when it flipped
    writer: int
    tag: bytes
    records: int  # that it began with: without them the half is not believed
    half_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: in which use of a half, as which one."""

    tag: bytes
    number: int


def record_bytes(payload_bytes: int) -> int:
    """Return what a record takes on the volume."""
    blocks = -(-(RECORD_HEAD_BYTES + payload_bytes) // BLOCK_BYTES)
    return blocks * BLOCK_BYTES


# --- heads ------------------------------------------------------------------------------------------------


def pack_head(head: Head, generation: bytes, key: bytes) -> bytes:
    """Return the block."""
    block = bytearray(BLOCK_BYTES)
    _HEAD.pack_into(
        block,
        0,
        _HEAD_MAGIC,
        FORMAT,
        head.half,
        head.writer,
        0,
        generation,
        head.tag,
        head.flip,
        head.epoch,
        head.records,
        head.half_bytes,
    )
    block[_HEAD_CRC_AT:_HEAD_MAC_AT] = crc32c(bytes(block[:_HEAD_CRC_AT])).to_bytes(4, "little")
    block[_HEAD_MAC_AT:] = keyed_mac(key, bytes(block[:_HEAD_MAC_AT]))
    return bytes(block)


def unpack_head(block: bytes, half: int, half_bytes: int, generation: bytes, key: bytes) -> Head | Reason:
    """Return what the head of a half says, or why it is not believed."""
    if not any(block):
        return Reason.BLANK
    magic, version, place, writer, _, pool, tag, flip, epoch, records, size = _HEAD.unpack_from(block)
    if magic != _HEAD_MAGIC:
        return Reason.MAGIC
    if version != FORMAT:
        return Reason.VERSION
    if pool != generation:
        return Reason.GENERATION
    if place != half:
        return Reason.COPY
    if crc32c(block[:_HEAD_CRC_AT]) != int.from_bytes(block[_HEAD_CRC_AT:_HEAD_MAC_AT], "little"):
        return Reason.CRC
    if keyed_mac(key, block[:_HEAD_MAC_AT]) != block[_HEAD_MAC_AT:]:
        return Reason.AUTHENTICITY
    if size != half_bytes or not flip:
        return Reason.CONTENT
    return Head(half, flip, epoch, writer, tag, records, size)


# --- records ----------------------------------------------------------------------------------------------


def pack_record(record: Record, place: Place, generation: bytes, key: bytes) -> bytes:
    """Return the record, filled up with zeros to whole blocks."""
    head = _RECORD.pack(
        _RECORD_MAGIC,
        FORMAT,
        record.kind,
        record.writer,
        0,
        generation,
        place.tag,
        place.number,
        record.sequence,
        record.epoch,
        len(record.payload),
    )
    head += crc32c(head + record.payload).to_bytes(4, "little")
    head += keyed_mac(key, head + record.payload)
    return (head + record.payload).ljust(record_bytes(len(record.payload)), b"\0")


def payload_bytes(block: bytes, place: Place, generation: bytes) -> int | None:
    """Return how long the payload of a record claims to be; None if no such record starts with the block.

    An answer is a claim: only `unpack_record` tells whether the record is whole.
    """
    magic, version, _, _, _, pool, tag, number, _, _, length = _RECORD.unpack_from(block)
    found = (magic, version, pool, tag, number)
    expected = (_RECORD_MAGIC, FORMAT, generation, place.tag, place.number)
    return int(length) if found == expected else None


def unpack_record(data: bytes, key: bytes) -> Record | None:
    """Return the record in whole blocks, found by `payload_bytes`; None if it is torn or forged."""
    _, _, kind, writer, _, _, _, _, sequence, epoch, length = _RECORD.unpack_from(data)
    payload = data[RECORD_HEAD_BYTES : RECORD_HEAD_BYTES + length]
    if crc32c(data[:_RECORD_CRC_AT] + payload) != int.from_bytes(
        data[_RECORD_CRC_AT:_RECORD_MAC_AT], "little"
    ):
        return None
    if keyed_mac(key, data[:_RECORD_MAC_AT] + payload) != data[_RECORD_MAC_AT:RECORD_HEAD_BYTES]:
        return None
    return Record(kind, epoch, writer, sequence, payload)
