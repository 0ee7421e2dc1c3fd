"""Slow twins of the daemon's kernels: written apart from them, from the layouts in their heads.

Used by tests only, as oracles. Must never import a compiled kernel. Time and space do not matter here.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hacore.records import (
    EMPTY_BLOCK,
    Block,
    Cause,
    Decision,
    FenceCause,
    PacketBody,
    SlotBody,
    State,
)

COPIES, STRIDE = 8, 4096
SLOT_HEAD = struct.Struct("<8sHHHH16s16sQB7s")
SLOT_BODY = struct.Struct("<5QIH6B4s")
DECISION = struct.Struct("<QQBB6s64Q")
BALLOTS = struct.Struct("<3QB7s")
PACKET_HEAD = struct.Struct("<8sHHI16s16sQQ")
PACKET_BODY = struct.Struct("<6QIHBBB7s")
ECHOES = struct.Struct("<128Q")
NO_DECISION = bytes(DECISION.size)
VALID, BLANK, MAGIC, VERSION, GENERATION, IDENTITY, COPY, CRC, AUTHENTICITY, CONTENT, LENGTH = range(11)


@dataclass(frozen=True)
class Pool:
    """What PoolIdentity holds."""

    key: bytes
    generation: bytes
    uuids: Sequence[bytes]

    @property
    def hosts(self) -> int:
        """How many are configured."""
        return len(self.uuids)


def crc32c(data: bytes) -> int:
    """Return the CRC-32C, a bit at a time."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def keyed_mac(key: bytes, data: bytes) -> bytes:
    """Return the MAC as the standard library makes it."""
    return hashlib.blake2b(data, key=key, digest_size=16).digest()


# --- bodies -----------------------------------------------------------------------------------------------


def _pack_decision(decision: Decision) -> bytes:
    members = [*decision.members, *[0] * (64 - len(decision.members))]
    return DECISION.pack(
        decision.epoch, decision.liveset, decision.leader % 256, decision.cause, b"", *members
    )


def _unpack_decision(raw: bytes, hosts: int) -> Decision:
    epoch, liveset, leader, cause, padding, *members = DECISION.unpack(raw)
    believed = (
        liveset < 1 << hosts
        and (leader < hosts or leader == 255)
        and padding == bytes(6)
        and all(liveset >> i & 1 for i in range(64) if members[i])
    )
    if not believed:
        raise ValueError("decision")
    return Decision(epoch, liveset, tuple(members[:hosts]), -1 if leader == 255 else leader, Cause(cause))


def _pack_block(block: Block) -> bytes:
    value = NO_DECISION if block.value is None else _pack_decision(block.value)
    return BALLOTS.pack(block.epoch, block.mbal, block.bal, block.value is not None, b"") + value


def _unpack_block(raw: bytes, hosts: int) -> Block:
    epoch, mbal, bal, has_value, padding = BALLOTS.unpack_from(raw)
    rest = raw[BALLOTS.size :]
    if bal > mbal or padding != bytes(7) or has_value != (bal > 0) or (mbal and not epoch):
        raise ValueError("block")
    if not has_value and rest != NO_DECISION:
        raise ValueError("a value that is none")
    value = _unpack_decision(rest, hosts) if has_value else None
    if value is not None and value.epoch != epoch:
        raise ValueError("a value of another epoch")
    return Block(epoch, mbal, bal, value) if epoch else EMPTY_BLOCK


def pack_slot_body(body: SlotBody) -> bytes:
    """Return the body's bytes, unchecked."""
    numbers = SLOT_BODY.pack(
        body.incarnation,
        body.row,
        body.polled,
        body.denied,
        body.confirmed,
        body.weight,
        body.arbiters,
        body.state,
        body.fence,
        body.armed,
        body.storage,
        body.carrier,
        body.leader_wish % 256,
        b"",
    )
    return numbers + _pack_decision(body.decided) + _pack_block(body.block)


def unpack_slot_body(raw: bytes, hosts: int) -> SlotBody:
    """Return the body; ValueError for what no host can mean."""
    head = SLOT_BODY.unpack_from(raw)
    incarnation, row, polled, denied, confirmed, weight, arbiters, state, fence, *flags, wish, padding = head
    if max(row, polled, denied) >> hosts or max(flags) > 1 or padding != bytes(4):
        raise ValueError("masks, flags or padding")
    if hosts <= wish < 255 or (not incarnation and state):
        raise ValueError("wish or incarnation")
    middle = SLOT_BODY.size + DECISION.size
    return SlotBody(
        incarnation=incarnation,
        state=State(state),
        armed=bool(flags[0]),
        decided=_unpack_decision(raw[SLOT_BODY.size : middle], hosts),
        block=_unpack_block(raw[middle:], hosts),
        row=row,
        storage=bool(flags[1]),
        carrier=bool(flags[2]),
        arbiters=arbiters,
        weight=weight,
        leader_wish=-1 if wish == 255 else wish,
        polled=polled,
        denied=denied,
        confirmed=confirmed,
        fence=FenceCause(fence),
    )


def pack_packet_body(body: PacketBody) -> bytes:
    """Return the body's bytes, unchecked."""
    masks = (body.row, body.grants, body.polled, body.denied)
    flags = (body.state, body.storage, body.carrier, b"")
    return PACKET_BODY.pack(body.incarnation, body.epoch, *masks, body.weight, body.arbiters, *flags)


def unpack_packet_body(raw: bytes, hosts: int) -> PacketBody:
    """Return the body; ValueError for what no host can mean."""
    incarnation, epoch, *masks, weight, arbiters, state, storage, carrier, padding = PACKET_BODY.unpack(raw)
    if not incarnation or max(masks) >> hosts or max(storage, carrier) > 1 or padding != bytes(7):
        raise ValueError("incarnation, masks, flags or padding")
    row, grants, polled, denied = masks
    flags = bool(storage), bool(carrier)
    return PacketBody(incarnation, State(state), epoch, row, *flags, arbiters, weight, grants, polled, denied)


# --- slots ------------------------------------------------------------------------------------------------


def seal_slot(pool: Pool, body: bytes, host: int, copy: int, sequence: int, burnt: int) -> bytes:
    """Return the whole block of one copy."""
    place = (1, host, copy, 0, pool.generation, pool.uuids[host])
    block = (SLOT_HEAD.pack(b"xenhaSLT", *place, sequence, burnt, b"") + body).ljust(4076, b"\0")
    block += crc32c(block).to_bytes(4, "little")
    return block + keyed_mac(pool.key, block)


def check_slot(pool: Pool, block: bytes, host: int, copy: int) -> int:
    """Return why the block is not believed as this copy, 0: it is."""
    magic, version, its_host, its_copy, zero, generation, uuid, sequence, _, zeros = SLOT_HEAD.unpack_from(
        block
    )
    wrong = {
        BLANK: not any(block),
        MAGIC: magic != b"xenhaSLT",
        VERSION: version != 1,
        GENERATION: generation != pool.generation,
        IDENTITY: (its_host, uuid) != (host, pool.uuids[host]),
        COPY: its_copy != copy,
        CRC: crc32c(block[:4076]) != int.from_bytes(block[4076:4080], "little"),
        AUTHENTICITY: keyed_mac(pool.key, block[:4080]) != block[4080:],
        CONTENT: zero or any(zeros) or not sequence or any(block[1224:4076]) or not _means(pool, block),
    }
    return next((reason for reason, is_so in wrong.items() if is_so), VALID)


def _means(pool: Pool, block: bytes) -> bool:
    try:
        unpack_slot_body(block[64:1224], pool.hosts)
    except ValueError:
        return False
    return True


def next_copy(copy: int, burnt: int) -> int:
    """Return the copy in turn after `copy` that is neither burnt nor `copy` itself, −1: none."""
    turn = [(copy + step) % COPIES for step in range(1, COPIES + (copy < 0))]
    return next((other for other in turn if not burnt >> other & 1), -1)


def choose(copies: Sequence[tuple[int, int] | None]) -> tuple[int, bool]:
    """Return (newest, doubted) of copies as (sequence, burnt), None for one that is not valid."""
    valid = {i: copy for i, copy in enumerate(copies) if copy is not None}
    if not valid:
        return -1, True
    newest = max(valid, key=lambda i: (valid[i][0], -i))
    sequence, burnt = valid[newest]
    explained = {i for i in range(COPIES) if burnt >> i & 1} | {next_copy(newest, burnt)}
    twice = sum(copy[0] == sequence for copy in valid.values()) > 1
    return newest, twice or not {i for i in range(COPIES) if i not in valid} <= explained


# --- packets ----------------------------------------------------------------------------------------------


def seal_packet(
    pool: Pool, body: bytes, host: int, sequence: int, stamp_ns: int, echoes: Mapping[int, tuple[int, int]]
) -> bytes:
    """Return a whole packet."""
    words = [word for peer in range(64) for word in echoes.get(peer, (0, 0))]
    who = (1, host, 0, pool.generation, pool.uuids[host])
    packet = PACKET_HEAD.pack(b"xenhaPKT", *who, sequence, stamp_ns) + body + ECHOES.pack(*words)
    return packet + keyed_mac(pool.key, packet)


def check_packet(pool: Pool, packet: bytes) -> int:
    """Return why the packet is not believed, 0: it is."""
    if len(packet) != 1168:
        return LENGTH
    magic, version, host, zero, generation, uuid, sequence, _ = PACKET_HEAD.unpack_from(packet)
    wrong = {
        MAGIC: magic != b"xenhaPKT",
        VERSION: version != 1,
        GENERATION: generation != pool.generation,
        IDENTITY: host >= pool.hosts or uuid != pool.uuids[min(host, pool.hosts - 1)],
        AUTHENTICITY: keyed_mac(pool.key, packet[:1152]) != packet[1152:],
        CONTENT: zero or not sequence or any(packet[128 + 16 * pool.hosts : 1152]),
    }
    for reason, is_so in wrong.items():
        if is_so:
            return reason
    try:
        unpack_packet_body(packet[64:128], pool.hosts)
    except ValueError:
        return CONTENT
    return VALID


# --- deadlines --------------------------------------------------------------------------------------------


class DeadlineTable:
    """Keeps every good read and looks through all of them: the definition itself, MEMBERSHIP §2."""

    def __init__(self, hosts: int) -> None:
        self.hosts = hosts
        self.reads: list[tuple[list[int], int, int]] = []

    def observe(self, sequences: Sequence[int], read_started_ns: int, read_completed_ns: int) -> None:
        """Note a good read."""
        self.reads.append((list(sequences), read_started_ns, read_completed_ns))

    def shown_ns(self, host: int) -> int:
        """Return when the read completed that first showed what the host shows last."""
        shown, last = self.reads[0][2], 0
        for sequences, _, completed in self.reads:
            if sequences[host] and sequences[host] != last:
                shown, last = completed, sequences[host]
        return shown

    def older(self, limit_ns: int) -> int:
        """Return the mask of the hosts of which a later read started more than the limit after that."""
        if not self.reads:
            return 0
        latest = max(started for _, started, _ in self.reads)
        return sum(1 << i for i in range(self.hosts) if latest - self.shown_ns(i) > limit_ns)
