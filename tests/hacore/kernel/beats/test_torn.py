"""Blocks that are two halves, in the wrong place, or of somebody else: never believed."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hacore.kernel.native import (
    COPIES,
    SLOT_BYTES,
    STRIDE_BYTES,
    PoolIdentity,
    Reason,
    read_packet,
    read_slot,
    seal_packet,
    seal_slot,
)
from hacore.kernel.slotcodec import check_slot, check_slots

BODY_END, CRC_AT = 64 + 1160, 4076


def test_torn_at_every_byte(sample: Any) -> None:
    """The first n bytes of a block over a blank one, an older one and noise."""
    new = sample.block(sequence=78)
    for old in (bytes(STRIDE_BYTES), sample.block(sequence=70), b"\xff" * STRIDE_BYTES):
        whole = {new} | ({old} if check_slot(sample.pool, old, 1, 2) == 0 else set())
        for n in range(STRIDE_BYTES + 1):
            torn = new[:n] + old[n:]
            assert (check_slot(sample.pool, torn, 1, 2) == 0) == (torn in whole), n


def test_torn_sectors_in_any_order(sample: Any) -> None:
    """A device may write the 512-byte sectors of a block in any order: every mixture of two blocks."""
    old, new = sample.block(sequence=70), sample.block(sequence=78)
    for chosen in range(256):
        torn = b"".join(
            (new if chosen >> i & 1 else old)[512 * i : 512 * i + 512] for i in range(STRIDE_BYTES // 512)
        )
        assert (check_slot(sample.pool, torn, 1, 2) == 0) == (torn in (old, new)), chosen


def test_misdirected_writes(sample: Any) -> None:
    """A valid block is believed in one place only."""
    block = sample.block(1, 2)
    for host in range(3):
        for copy in range(COPIES):
            expected = Reason.IDENTITY if host != 1 else Reason.COPY if copy != 2 else Reason.VALID
            assert check_slot(sample.pool, block, host, copy) == expected


def test_others(sampler: Any, sample: Any) -> None:
    """Another pool, an earlier formatting, another key, a later format."""
    assert check_slot(sample.pool, sampler(generation=bytes(16)).block(), 1, 2) == Reason.GENERATION
    assert check_slot(sample.pool, sampler(key=bytes(32)).block(), 1, 2) == Reason.AUTHENTICITY
    assert check_slot(sample.pool, sampler(key=bytes(32)).block(), 1, 2, False) == Reason.VALID
    later = bytearray(sample.block())
    later[8] = 2
    assert check_slot(sample.pool, later, 1, 2) == Reason.VERSION
    assert check_slot(sample.pool, bytes(STRIDE_BYTES), 1, 2) == Reason.BLANK
    assert check_slot(sample.pool, b"\xff" * STRIDE_BYTES, 1, 2) == Reason.MAGIC


def test_packets_of_others(sampler: Any, sample: Any) -> None:
    def reason(packet: bytes) -> Reason:
        return read_packet(sample.pool, packet, 2, 0x3333333333333333).reason

    assert reason(sampler(generation=bytes(16)).packet()) is Reason.GENERATION
    assert reason(sampler(key=bytes(32)).packet()) is Reason.AUTHENTICITY
    assert reason(sample.packet()[:-1]) is Reason.LENGTH
    assert reason(b"") is Reason.LENGTH
    assert reason(bytes(1168)) is Reason.MAGIC
    impostor = bytearray(sample.packet())
    impostor[10] = 2
    assert reason(bytes(impostor)) is Reason.IDENTITY
    beyond = bytearray(sample.packet())
    beyond[10] = 64
    assert reason(bytes(beyond)) is Reason.IDENTITY
    assert reason(sample.packet(sequence=0)) is Reason.CONTENT


def test_an_echo_is_for_one_incarnation(sample: Any) -> None:
    """After a reboot the stamps of the boot before would look like new ones."""
    packet = sample.packet()
    assert read_packet(sample.pool, packet, 2, 0x3333333333333333).echo_ns == 1234
    assert read_packet(sample.pool, packet, 2, 0x4444444444444444).echo_ns == 0
    assert read_packet(sample.pool, packet, 0, 0x3333333333333333).echo_ns == 0


def test_a_whole_slot(sample: Any) -> None:
    """Eight copies written in turn; the one in turn may be torn, a burnt one may be anything."""
    blocks = [sample.block(1, copy, 10 + copy, burnt=0b1000) for copy in range(COPIES)]
    slot = read_slot(sample.pool, 1, b"".join(blocks))
    assert (slot.newest, slot.doubted) == (7, False)
    blocks[0] = bytes(STRIDE_BYTES)
    blocks[3] = b"\xff" * STRIDE_BYTES
    slot = read_slot(sample.pool, 1, b"".join(blocks))
    assert (slot.newest, slot.doubted) == (7, False), "0 is next in turn, 3 is burnt"
    blocks[1] = bytes(STRIDE_BYTES)
    slot = read_slot(sample.pool, 1, b"".join(blocks))
    assert (slot.newest, slot.doubted) == (7, True)
    assert slot.best == slot.copies[7]


def test_no_copy_at_all(sample: Any) -> None:
    slot = read_slot(sample.pool, 1, bytes(SLOT_BYTES))
    assert (slot.newest, slot.doubted, slot.best) == (-1, True, None)


def test_two_writers_of_one_slot_are_doubted(sample: Any) -> None:
    """Two hosts with one UUID: sequences that only one can have written meet."""
    blocks = [sample.block(1, copy, 10) for copy in range(COPIES)]
    assert read_slot(sample.pool, 1, b"".join(blocks)).doubted


def test_unchanged_blocks_keep_their_reasons(sample: Any) -> None:
    """The last read's verdicts are taken over for equal bytes, and only for those."""
    valid = b"".join(sample.block(i // COPIES, i % COPIES, i + 1) for i in range(3 * COPIES))
    known = check_slots(sample.pool, valid)
    assert known == bytes(3 * COPIES)
    marked = bytes([9] * 3 * COPIES)
    assert check_slots(sample.pool, valid, (valid, marked)) == marked
    for at in (0, 48, 56, 64, BODY_END - 1, CRC_AT, 4080, 4095):
        changed = bytearray(valid)
        changed[5 * STRIDE_BYTES + at] ^= 1
        told = check_slots(sample.pool, changed, (valid, known))
        assert [i for i, reason in enumerate(told) if reason] == [5], at


@pytest.mark.parametrize("at", [BODY_END, 2000, CRC_AT - 1])
def test_rot_where_nothing_is_said(sample: Any, at: int) -> None:
    """Behind the body a believed block may rot: it says what it said. Who has not believed it does not."""
    valid = b"".join(sample.block(i // COPIES, i % COPIES, i + 1) for i in range(3 * COPIES))
    rotten = bytearray(valid)
    rotten[5 * STRIDE_BYTES + at] ^= 1
    known = check_slots(sample.pool, valid)
    assert check_slots(sample.pool, rotten, (valid, known)) == known
    refused = check_slots(sample.pool, rotten)
    assert [i for i, reason in enumerate(refused) if reason] == [5]
    assert check_slots(sample.pool, valid, (rotten, refused)) == known, "what was refused is compared whole"


def test_what_stands_was_checked_whole(sample: Any) -> None:
    """One damaged read after the other: believed is what would be, were there zeros behind the body."""
    rng = Random(7)
    before = b"".join(sample.block(i // COPIES, i % COPIES, i + 1) for i in range(3 * COPIES))
    reasons = check_slots(sample.pool, before)
    for _ in range(600):
        now, changed = bytearray(before), rng.randrange(3 * COPIES)
        start = changed * STRIDE_BYTES
        if rng.randrange(3):
            at = start + rng.choice((rng.randrange(BODY_END), rng.randrange(STRIDE_BYTES), CRC_AT + 1))
            now[at] ^= 1 << rng.randrange(8)
        else:
            fresh = sample.block(changed // COPIES, changed % COPIES, rng.randrange(1, 1 << 40))
            now[start : start + STRIDE_BYTES] = fresh
        told = check_slots(sample.pool, now, (before, reasons))
        for i, reason in enumerate(told):
            block = now[i * STRIDE_BYTES : (i + 1) * STRIDE_BYTES]
            bare = block[:BODY_END] + bytes(CRC_AT - BODY_END) + block[CRC_AT:]
            place = i // COPIES, i % COPIES
            if reason == Reason.VALID:
                assert check_slot(sample.pool, bare, *place) == Reason.VALID
            else:
                assert check_slot(sample.pool, block, *place) == reason
        before, reasons = bytes(now), told


@pytest.mark.parametrize(
    ("key", "generation", "uuids", "problem"),
    [
        (bytes(31), bytes(16), [bytes(16)], "key: 31 bytes, expected 32"),
        (bytes(32), bytes(17), [bytes(16)], "generation: 17 bytes, expected 16"),
        (bytes(32), bytes(16), [], "uuids: 0 hosts, expected 1 to 64"),
        (bytes(32), bytes(16), [bytes(16)] * 65, "uuids: 65 hosts, expected 1 to 64"),
        (bytes(32), bytes(16), [bytes(16), bytes(4)], r"uuids\[1\]: 4 bytes, expected 16"),
    ],
)
def test_an_identity_is_complete(key: bytes, generation: bytes, uuids: list[bytes], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        PoolIdentity(key, generation, uuids)


def test_places_outside_the_pool_are_refused(sample: Any) -> None:
    with pytest.raises(ValueError, match="host: 3, expected 0 to 2"):
        seal_slot(sample.pool, sample.body, 3, 0, 1, 0)
    with pytest.raises(ValueError, match="copy: 8, expected 0 to 7"):
        seal_slot(sample.pool, sample.body, 0, 8, 1, 0)
    with pytest.raises(ValueError, match="host: -1, expected 0 to 2"):
        seal_packet(sample.pool, sample.packet_body, -1, 1, 1, {})
    with pytest.raises(ValueError, match="peer: 3, expected 0 to 2"):
        seal_packet(sample.pool, sample.packet_body, 0, 1, 1, {3: (1, 1)})
