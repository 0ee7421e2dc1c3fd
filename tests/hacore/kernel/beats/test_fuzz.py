"""Slots and packets from a broken or hostile world: more than a million inputs, nothing believed, no crash.

Kinds of damage: bits turned, runs overwritten, ends cut off, two valid ones spliced, others' valid ones,
random bytes behind a right head, and right seals around bodies that no host can mean.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hacore.kernel import native, packetcodec, slotbody, slotcodec

STRIDE, COPIES, HOSTS = 4096, 8, 64
BLOCKS = HOSTS * COPIES
HEAD, BODY_END = 64, 64 + 1160
PACKET = 1168
ROUNDS_OF_SLOTS = 1200
"""Of 512 blocks each: 614 400 inputs."""
PACKETS = 500_000
BODIES = 50_000


@pytest.fixture(scope="module")
def image(sampler: Any) -> tuple[Any, bytes]:
    """Every copy of 64 hosts, valid."""
    sample = sampler(HOSTS)
    blocks = [sample.block(i // COPIES, i % COPIES, i + 1) for i in range(BLOCKS)]
    return sample, b"".join(blocks)


def damage(rng: Random, whole: bytearray, start: int, size: int, other: bytes) -> None:
    """Change at least one byte of whole[start : start + size] in a way drawn from the seed."""
    before = whole[start : start + size]
    kind = rng.randrange(5)
    at = start + rng.randrange(size if kind else min(size, BODY_END))
    if kind < 2:
        whole[at] ^= 1 << rng.randrange(8)
    elif kind == 2:
        length = min(rng.choice((2, 8, 64, 512)), start + size - at)
        whole[at : at + length] = rng.randbytes(length)
    elif kind == 3:
        whole[at : start + size] = bytes(start + size - at)
    else:
        at = max(at, start + HEAD)  # behind its own sequence: else all of `other`, which is valid
        whole[at : start + size] = other[at - start : size]
    if whole[start : start + size] == before:
        whole[start] ^= 1


def test_mutated_slots(image: tuple[Any, bytes]) -> None:
    sample, valid = image
    rng = Random(1)
    other = sample.block(3, 3, 999_999, 255)
    for _ in range(ROUNDS_OF_SLOTS):
        mangled = bytearray(valid)
        for block in range(BLOCKS):
            damage(rng, mangled, block * STRIDE, STRIDE, other)
        reasons = slotcodec.check_slots(sample.pool, mangled)
        assert 0 not in reasons, f"block {reasons.index(0)} is believed"


def test_random_slots(image: tuple[Any, bytes]) -> None:
    """Random bytes, and random bytes behind a head that is right."""
    sample, valid = image
    rng = Random(2)
    for _ in range(60):
        noise = bytearray(rng.randbytes(len(valid)))
        assert 0 not in slotcodec.check_slots(sample.pool, noise)
        for block in range(BLOCKS):
            noise[block * STRIDE : block * STRIDE + HEAD] = valid[block * STRIDE : block * STRIDE + HEAD]
        assert set(slotcodec.check_slots(sample.pool, noise)) == {native.Reason.CRC}


def test_mutated_packets(sample: Any) -> None:
    rng = Random(3)
    valid, other = sample.packet(), sample.packet(10, {0: (1, 2)})
    for _ in range(PACKETS):
        mangled = bytearray(valid)
        damage(rng, mangled, 0, PACKET, other)
        assert packetcodec.examine_packet(sample.pool, mangled)


def test_random_packets_of_any_length(sample: Any) -> None:
    rng = Random(4)
    head = sample.packet()[:HEAD]
    for _ in range(20_000):
        length = rng.choice((0, 1, 63, 64, PACKET - 1, PACKET, PACKET, PACKET + 1, 1500, rng.randrange(9000)))
        noise = rng.randbytes(length)
        assert packetcodec.examine_packet(sample.pool, noise)
        assert packetcodec.examine_packet(sample.pool, (head + noise)[:PACKET])


@pytest.mark.parametrize("hosts", [1, 3, 64])
def test_what_is_authentic_is_decoded_or_refused_but_never_half(sampler: Any, hosts: int) -> None:
    """Right seals around mangled bodies: a check that passes means that every field can be meant."""
    sample = sampler(max(hosts, 3))
    pool = native.PoolIdentity(bytes(32), bytes(16), [bytes([i]) * 16 for i in range(hosts)])
    rng = Random(5)
    believed = 0
    for _ in range(BODIES // 3):
        body = bytearray(sample.body)
        for _ in range(rng.choice((1, 1, 2, 40))):
            body[rng.randrange(640 if rng.random() < 0.9 else 1160)] = rng.choice(
                (0, 1, 2, 255, rng.randrange(256))
            )
        reason = slotcodec.check_slot(pool, native.seal_slot(pool, bytes(body), 0, 0, 1, 0), 0, 0)
        assert reason in (native.Reason.VALID, native.Reason.CONTENT)
        if reason == native.Reason.VALID:
            believed += 1
            assert native.pack_slot_body(native.unpack_slot_body(bytes(body), hosts)) == body
        else:
            with pytest.raises(ValueError, match=r"^slot: "):
                slotbody.unpack_body(body, hosts)
    assert (believed > 0) == (hosts > 1), "a pool of one host knows nobody of whom the sample speaks"


def test_bodies_of_packets_are_decoded_or_refused_but_never_half(sample: Any) -> None:
    rng = Random(6)
    believed = 0
    for _ in range(BODIES):
        body = bytearray(sample.packet_body)
        for _ in range(rng.choice((1, 2, 10))):
            body[rng.randrange(64)] = rng.choice((0, 1, 2, 255, rng.randrange(256)))
        packet = native.seal_packet(sample.pool, bytes(body), 1, 1, 1, {})
        reason = packetcodec.examine_packet(sample.pool, packet)
        assert reason in (native.Reason.VALID, native.Reason.CONTENT)
        if reason == native.Reason.VALID:
            believed += 1
            assert native.pack_packet_body(native.unpack_packet_body(bytes(body), 3), 3) == body
    assert 0 < believed < BODIES
