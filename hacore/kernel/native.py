"""Façade of the daemon's kernels: values of hacore.records in and out, bytes in between. Knows no policy.

What is on the disk or on the wire is defined in slotcodec.pyx and packetcodec.pyx. Must never return a body
that was not checked whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hacore.kernel import packetcodec as _packets
from hacore.kernel import slotbody as _bodies
from hacore.kernel import slotcodec as _slots
from hacore.kernel.blake2b import mac as keyed_mac
from hacore.kernel.crc32c import checksum as crc32c
from hacore.kernel.deadlines import DeadlineTable
from hacore.kernel.slotio import SlotBuffer, SlotDevice
from hacore.kernel.wire import PoolIdentity
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

__all__ = [
    "COPIES",
    "PACKET_BYTES",
    "SLOT_BYTES",
    "STRIDE_BYTES",
    "Copy",
    "DeadlineTable",
    "Packet",
    "PoolIdentity",
    "Reason",
    "Slot",
    "SlotBuffer",
    "SlotDevice",
    "blank_body",
    "check_slots",
    "choose_copies",
    "copy_in_turn",
    "crc32c",
    "keyed_mac",
    "pack_packet_body",
    "pack_slot_body",
    "read_packet",
    "read_slot",
    "seal_packet",
    "seal_slot",
    "sequences",
    "unpack_packet_body",
    "unpack_slot_body",
]

COPIES = 8
STRIDE_BYTES = 4096
"""Of one copy: a copy is never part of the physical sector of another."""
SLOT_BYTES = COPIES * STRIDE_BYTES
PACKET_BYTES = 1168
BODY_AT, BODY_END = 64, 64 + 1160
PACKET_BODY_AT, PACKET_BODY_END = 64, 128

seal_slot = _slots.seal_slot
check_slots = _slots.check_slots
choose_copies = _slots.choose_copies
copy_in_turn = _slots.copy_in_turn
seal_packet = _packets.make_packet


class Reason(IntEnum):
    """Why bytes are not believed, in the order in which they are looked at (wire.pxd)."""

    VALID = 0
    BLANK = 1
    MAGIC = 2
    VERSION = 3
    GENERATION = 4
    IDENTITY = 5
    COPY = 6
    CRC = 7
    AUTHENTICITY = 8
    CONTENT = 9
    LENGTH = 10

    @property
    def words(self) -> str:
        """Return the reason as people read it."""
        return WORDS[self]


WORDS = {
    Reason.VALID: "valid",
    Reason.BLANK: "blank: nothing was ever written here",
    Reason.MAGIC: "not written by xenhad",
    Reason.VERSION: "of another format version",
    Reason.GENERATION: "of another pool, or from before the statefile was formatted",
    Reason.IDENTITY: "another host's",
    Reason.COPY: "another copy's: written to the wrong place",
    Reason.CRC: "torn or damaged: the checksum is wrong",
    Reason.AUTHENTICITY: "forged, or sealed with another key",
    Reason.CONTENT: "authentic, but says what no host can mean",
    Reason.LENGTH: "of the wrong length",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a slot as it was read; with a reason other than VALID nothing in it is known."""

    reason: Reason
    sequence: int = 0
    burnt: int = 0  # mask of copies that a failed write of the owner may still reach
    body: SlotBody | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """All copies of one host; `newest` is the index of the one that counts, −1: none is valid."""

    copies: tuple[Copy, ...]
    newest: int
    doubted: bool  # more is damaged than one incomplete write explains: Paxos must not trust it

    @property
    def best(self) -> Copy | None:
        """Return the copy that counts."""
        return self.copies[self.newest] if self.newest >= 0 else None


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as it was received; with a reason other than VALID nothing in it is known."""

    reason: Reason
    host: int = NOBODY
    sequence: int = 0
    stamp_ns: int = 0  # of the sender's clock
    echo_ns: int = 0  # the stamp of mine that it returns; 0: none
    body: PacketBody | None = None


def pack_slot_body(body: SlotBody) -> bytes:
    """Return the body's bytes; ValueError or OverflowError for what no host can mean."""
    return _bodies.pack_body(body, len(body.decided.members))


def unpack_slot_body(raw: bytes | memoryview, hosts: int) -> SlotBody:
    """Return the body of a slot in a pool of `hosts`; ValueError for what no host can mean."""
    who, decided, block, sight, said = _bodies.unpack_body(raw, hosts)
    return SlotBody(
        who[0],
        State(who[1]),
        who[2],
        _decision(decided),
        _block(block),
        *sight,
        *said[:-1],
        FenceCause(said[-1]),
    )


def _decision(fields: _bodies.Decided) -> Decision:
    return Decision(*fields[:-1], Cause(fields[-1]))


def _block(fields: _bodies.Ballots) -> Block:
    epoch, mbal, bal, value = fields
    if not epoch:
        return EMPTY_BLOCK
    return Block(epoch, mbal, bal, None if value is None else _decision(value))


def pack_packet_body(body: PacketBody, hosts: int) -> bytes:
    """Return the body's bytes; ValueError or OverflowError for what no host can mean."""
    return _packets.pack_body(body, hosts)


def unpack_packet_body(raw: bytes | memoryview, hosts: int) -> PacketBody:
    """Return the body of a packet in a pool of `hosts`; ValueError for what no host can mean."""
    fields = _packets.unpack_body(raw, hosts)
    return PacketBody(fields[0], State(fields[1]), *fields[2:])


def blank_body(decided: Decision) -> SlotBody:
    """Return what a slot says before its host has ever written it."""
    return SlotBody(
        incarnation=0,
        state=State.ABSENT,
        armed=False,
        decided=decided,
        block=EMPTY_BLOCK,
        row=0,
        storage=False,
        carrier=False,
        arbiters=0,
        weight=0,
        leader_wish=NOBODY,
        polled=0,
        denied=0,
        confirmed=0,
        fence=FenceCause.NONE,
    )


def read_slot(
    pool: PoolIdentity, host: int, blocks: bytes | memoryview, *, authenticate: bool = True
) -> Slot:
    """Return one host's slot from its SLOT_BYTES; for tools, the daemon's threads read theirs in C."""
    view = memoryview(blocks)
    pieces = [view[copy * STRIDE_BYTES : (copy + 1) * STRIDE_BYTES] for copy in range(COPIES)]
    reasons = [_slots.check_slot(pool, piece, host, copy, authenticate) for copy, piece in enumerate(pieces)]
    (newest,), doubted = choose_copies(view, bytes(reasons))
    copies = tuple(_copy(piece, Reason(why), pool.hosts) for piece, why in zip(pieces, reasons, strict=True))
    return Slot(copies, newest, bool(doubted))


def _copy(block: memoryview, reason: Reason, hosts: int) -> Copy:
    if reason is not Reason.VALID:
        return Copy(reason)
    sequence, burnt = _slots.slot_head(block)
    return Copy(reason, sequence, burnt, unpack_slot_body(block[BODY_AT:BODY_END], hosts))


def read_packet(pool: PoolIdentity, packet: bytes, me: int, incarnation: int) -> Packet:
    """Return a received packet as this incarnation of host `me` understands it."""
    reason = Reason(_packets.examine_packet(pool, packet))
    if reason is not Reason.VALID:
        return Packet(reason)
    host, sequence, stamp_ns = _packets.packet_head(packet)
    echo_ns = _packets.echo_of(packet, me, incarnation)
    body = unpack_packet_body(packet[PACKET_BODY_AT:PACKET_BODY_END], pool.hosts)
    return Packet(reason, host, sequence, stamp_ns, echo_ns, body)


def sequences(slots: Sequence[Slot]) -> list[int]:
    """Return the believed sequence by host, 0 for none: what DeadlineTable.observe takes."""
    return [slot.best.sequence if slot.best is not None else 0 for slot in slots]
