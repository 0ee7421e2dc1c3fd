"""Every function of the slot and packet kernels does what its slow twin does."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hacore.kernel import _beats as twin
from hacore.kernel import native, slotcodec
from hacore.records import (
    EMPTY_BLOCK,
    NOBODY,
    Block,
    Cause,
    Decision,
    FenceCause,
    PacketBody,
    SlotBody,
    State,
)

MANY = settings(max_examples=200)
U64 = st.integers(0, (1 << 64) - 1)
SOME_U64 = st.integers(1, (1 << 64) - 1)
U32 = st.integers(0, (1 << 32) - 1)
U16 = st.integers(0, (1 << 16) - 1)
KEYS = st.binary(min_size=32, max_size=32)
HOSTS = st.integers(1, 64)
SIZES = st.sampled_from([*range(20), 63, 64, 65, 127, 128, 129, 255, 256, 257, 1152, 4076, 4080])


def masks(hosts: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << hosts) - 1)


def some_host(hosts: int) -> st.SearchStrategy[int]:
    return st.integers(NOBODY, hosts - 1)


@st.composite
def decisions(draw: st.DrawFn, hosts: int, epochs: st.SearchStrategy[int] = U64) -> Decision:
    liveset = draw(masks(hosts))
    incarnations = draw(st.lists(U64, min_size=hosts, max_size=hosts))
    members = tuple(who if liveset >> i & 1 else 0 for i, who in enumerate(incarnations))
    return Decision(draw(epochs), liveset, members, draw(some_host(hosts)), draw(st.sampled_from(Cause)))


@st.composite
def blocks(draw: st.DrawFn, hosts: int) -> Block:
    if draw(st.booleans()):
        return EMPTY_BLOCK
    epoch, mbal = draw(SOME_U64), draw(SOME_U64)
    if draw(st.booleans()):
        return Block(epoch, mbal, 0, None)
    return Block(epoch, mbal, draw(st.integers(1, mbal)), draw(decisions(hosts, st.just(epoch))))


@st.composite
def slot_bodies(draw: st.DrawFn, hosts: int) -> SlotBody:
    return SlotBody(
        incarnation=draw(SOME_U64),
        state=draw(st.sampled_from(State)),
        armed=draw(st.booleans()),
        decided=draw(decisions(hosts)),
        block=draw(blocks(hosts)),
        row=draw(masks(hosts)),
        storage=draw(st.booleans()),
        carrier=draw(st.booleans()),
        arbiters=draw(U16),
        weight=draw(U32),
        leader_wish=draw(some_host(hosts)),
        polled=draw(masks(hosts)),
        denied=draw(masks(hosts)),
        confirmed=draw(U64),
        fence=draw(st.sampled_from(FenceCause)),
    )


@st.composite
def packet_bodies(draw: st.DrawFn, hosts: int) -> PacketBody:
    return PacketBody(
        incarnation=draw(SOME_U64),
        state=draw(st.sampled_from(State)),
        epoch=draw(U64),
        row=draw(masks(hosts)),
        storage=draw(st.booleans()),
        carrier=draw(st.booleans()),
        arbiters=draw(U16),
        weight=draw(U32),
        grants=draw(masks(hosts)),
        polled=draw(masks(hosts)),
        denied=draw(masks(hosts)),
    )


def pools(hosts: int) -> tuple[native.PoolIdentity, twin.Pool]:
    """The same pool for both; every host has a UUID of its own."""
    raw = bytes(range(32)), b"of this format!!", [bytes([i]) * 16 for i in range(hosts)]
    return native.PoolIdentity(*raw), twin.Pool(*raw)


def raised(call: object, *arguments: object) -> bool:
    try:
        call(*arguments)  # type: ignore[operator]
    except ValueError:
        return True
    return False


# --- sums -------------------------------------------------------------------------------------------------


@MANY
@given(data=SIZES.flatmap(lambda size: st.binary(min_size=size, max_size=size)), key=KEYS)
def test_checksum_and_mac(data: bytes, key: bytes) -> None:
    assert native.crc32c(data) == twin.crc32c(data)
    assert native.keyed_mac(key, data) == twin.keyed_mac(key, data)


def test_every_length_up_to_three_blocks_of_the_mac() -> None:
    data = bytes(i * 7 & 255 for i in range(400))
    for length in range(400):
        assert native.keyed_mac(bytes(32), data[:length]) == twin.keyed_mac(bytes(32), data[:length])


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_checksums_of_rfc_3720(data: bytes, value: int) -> None:
    """RFC 3720, appendix B.4; the second is the check value of the CRC catalogues."""
    assert native.crc32c(data) == value


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="key: 31 bytes, expected 32"):
        native.keyed_mac(bytes(31), b"")


# --- bodies -----------------------------------------------------------------------------------------------


@MANY
@given(body=HOSTS.flatmap(slot_bodies))
def test_slot_bodies_both_ways(body: SlotBody) -> None:
    hosts = len(body.decided.members)
    raw = native.pack_slot_body(body)
    assert raw == twin.pack_slot_body(body)
    assert native.unpack_slot_body(raw, hosts) == twin.unpack_slot_body(raw, hosts) == body


@MANY
@given(pair=HOSTS.flatmap(lambda n: st.tuples(st.just(n), packet_bodies(n))))
def test_packet_bodies_both_ways(pair: tuple[int, PacketBody]) -> None:
    hosts, body = pair
    raw = native.pack_packet_body(body, hosts)
    assert raw == twin.pack_packet_body(body)
    assert native.unpack_packet_body(raw, hosts) == twin.unpack_packet_body(raw, hosts) == body


@settings(MANY, max_examples=300)
@given(
    body=st.integers(1, 5).flatmap(slot_bodies),
    spots=st.lists(st.tuples(st.integers(0, 1159), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_both_refuse_the_same_slot_bodies(body: SlotBody, spots: list[tuple[int, int]]) -> None:
    hosts = len(body.decided.members)
    raw = bytearray(native.pack_slot_body(body))
    for at, value in spots:
        raw[at] = value
    refused = raised(native.unpack_slot_body, bytes(raw), hosts)
    assert refused == raised(twin.unpack_slot_body, bytes(raw), hosts)
    if not refused:
        assert native.pack_slot_body(native.unpack_slot_body(bytes(raw), hosts)) == raw


@settings(MANY, max_examples=300)
@given(
    body=packet_bodies(5),
    spots=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_both_refuse_the_same_packet_bodies(body: PacketBody, spots: list[tuple[int, int]]) -> None:
    raw = bytearray(native.pack_packet_body(body, 5))
    for at, value in spots:
        raw[at] = value
    refused = raised(native.unpack_packet_body, bytes(raw), 5)
    assert refused == raised(twin.unpack_packet_body, bytes(raw), 5)
    if not refused:
        assert native.pack_packet_body(native.unpack_packet_body(bytes(raw), 5), 5) == raw


# --- slots ------------------------------------------------------------------------------------------------


@MANY
@given(
    body=st.integers(1, 64).flatmap(slot_bodies),
    place=st.tuples(st.integers(0, 63), st.integers(0, 7), SOME_U64, st.integers(0, 255)),
)
def test_slots_are_sealed_alike(body: SlotBody, place: tuple[int, int, int, int]) -> None:
    pool, slow = pools(len(body.decided.members))
    host, copy, sequence, burnt = place[0] % pool.hosts, *place[1:]
    block = native.seal_slot(pool, native.pack_slot_body(body), host, copy, sequence, burnt)
    assert block == twin.seal_slot(slow, twin.pack_slot_body(body), host, copy, sequence, burnt)
    assert slotcodec.check_slot(pool, block, host, copy) == twin.check_slot(slow, block, host, copy) == 0
    assert slotcodec.slot_head(block) == (sequence, burnt)


@MANY
@given(
    body=slot_bodies(3),
    at=st.one_of(st.integers(0, 80), st.integers(0, 4095)),
    bit=st.integers(0, 7),
    resealed=st.booleans(),
)
def test_slots_are_refused_alike(body: SlotBody, at: int, bit: int, resealed: bool) -> None:
    pool, slow = pools(3)
    block = bytearray(native.seal_slot(pool, native.pack_slot_body(body), 1, 2, 77, 4))
    block[at] ^= 1 << bit
    if resealed:
        block[4076:4080] = twin.crc32c(bytes(block[:4076])).to_bytes(4, "little")
        block[4080:] = twin.keyed_mac(slow.key, bytes(block[:4080]))
    reason = slotcodec.check_slot(pool, block, 1, 2)
    assert reason == twin.check_slot(slow, bytes(block), 1, 2)
    assert reason != 0 or resealed


def test_the_turn_of_copies_exhaustively() -> None:
    for copy, burnt in product(range(-1, 8), range(256)):
        assert native.copy_in_turn(copy, burnt) == twin.next_copy(copy, burnt)


COPIES = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(1, 12), st.integers(0, 255))), min_size=8, max_size=8
)


@settings(MANY, max_examples=300)
@given(copies=COPIES)
def test_copies_are_chosen_alike(copies: list[tuple[int, int] | None]) -> None:
    pool, _ = pools(1)
    body = native.pack_slot_body(native.blank_body(Decision(1, 1, (0,), NOBODY, Cause.NONE)))
    pieces = [
        bytes(4096) if each is None else native.seal_slot(pool, body, 0, copy, *each)
        for copy, each in enumerate(copies)
    ]
    slot = native.read_slot(pool, 0, b"".join(pieces))
    assert (slot.newest, slot.doubted) == twin.choose(copies)
    assert [copy.reason is native.Reason.VALID for copy in slot.copies] == [c is not None for c in copies]
    assert slot.best == (slot.copies[slot.newest] if slot.newest >= 0 else None)


# --- packets ----------------------------------------------------------------------------------------------


@MANY
@given(
    pair=HOSTS.flatmap(lambda n: st.tuples(st.just(n), packet_bodies(n))),
    sequence=SOME_U64,
    stamp_ns=U64,
    echoes=st.dictionaries(st.integers(0, 63), st.tuples(U64, U64)),
    bit=st.one_of(st.none(), st.integers(0, 1168 * 8 - 1), st.integers(0, 64 * 8 - 1)),
)
def test_packets_are_sealed_and_refused_alike(
    pair: tuple[int, PacketBody],
    sequence: int,
    stamp_ns: int,
    echoes: dict[int, tuple[int, int]],
    bit: int | None,
) -> None:
    hosts, body = pair
    pool, slow = pools(hosts)
    told = {peer: echo for peer, echo in echoes.items() if peer < hosts}
    raw = native.pack_packet_body(body, hosts)
    packet = native.seal_packet(pool, raw, hosts - 1, sequence, stamp_ns, told)
    assert packet == twin.seal_packet(slow, raw, hosts - 1, sequence, stamp_ns, told)
    if bit is not None:
        mangled = bytearray(packet)
        mangled[bit // 8] ^= 1 << bit % 8
        packet = bytes(mangled)
    read = native.read_packet(pool, packet, 0, told.get(0, (0, 0))[0])
    assert read.reason == twin.check_packet(slow, packet)
    if bit is None:
        echo_ns = told.get(0, (0, 0))[1]
        assert read == native.Packet(native.Reason.VALID, hosts - 1, sequence, stamp_ns, echo_ns, body)


# --- deadlines --------------------------------------------------------------------------------------------

READS = st.lists(
    st.tuples(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.integers(0, 500), st.integers(0, 500)),
    max_size=12,
)


@settings(MANY, max_examples=300)
@given(reads=READS, limits=st.lists(st.integers(0, 3000), min_size=3, max_size=3))
def test_silence_is_told_alike(reads: list[tuple[list[int], int, int]], limits: list[int]) -> None:
    fast, slow = native.DeadlineTable(3), twin.DeadlineTable(3)
    now_ns = 0
    for sequences, pause, took in reads:
        started, now_ns = now_ns + pause, now_ns + pause + took
        fast.observe(sequences, started, now_ns)
        slow.observe(sequences, started, now_ns)
        assert fast.masks(limits) == tuple(slow.older(limit) for limit in limits)
        assert fast.shown_ns == tuple(slow.shown_ns(host) for host in range(3))
        assert fast.ages_ns(now_ns) == tuple(now_ns - slow.shown_ns(host) for host in range(3))
