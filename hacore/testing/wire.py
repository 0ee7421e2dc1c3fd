"""Packets as bytes: sealed, opened and refused by the daemon's own codec. Decides nothing of its own.

Only links on which something happens carry bytes; elsewhere a word reaches everybody as it was said, which
is what bytes come to when nothing is wrong with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hacore.kernel.native import (
    PoolIdentity,
    Reason,
    pack_packet_body,
    read_packet,
    seal_packet,
)
from hacore.records import PacketBody

Mark = tuple[int, int]
"""Incarnation of the sender, and the stamp of its clock: an echo returns both."""
NO_MARK: Mark = (0, 0)


@dataclass(frozen=True, slots=True)
class Said:
    """One word of one sender, as it was sent to everybody."""

    sender: int
    sequence: int
    mark: Mark
    body: PacketBody
    echoes: Sequence[Mark]  # by receiver: the mark of its newest word here


@dataclass(frozen=True, slots=True)
class Read:
    """What one receiver believes a packet to say."""

    sender: int
    sequence: int
    stamp_ns: int
    body: PacketBody
    echo_ns: int  # the stamp of the receiver's that it echoes; 0: none


class Wire:
    """The codec of one pool, and of a stranger who knows everything about it but its key."""

    def __init__(self, hosts: int, rng: Random) -> None:
        uuids = [host.to_bytes(16, "big") for host in range(hosts)]
        key, generation = rng.randbytes(32), rng.randbytes(16)
        self._hosts, self._rng = hosts, rng
        self._pool = PoolIdentity(key, generation, uuids)
        self._others = (
            PoolIdentity(rng.randbytes(32), generation, uuids),
            PoolIdentity(key, rng.randbytes(16), uuids),
        )
        self._bodies: list[PacketBody | None] = [None] * hosts

    def seal(self, said: Said) -> bytes:
        """Return the bytes that its sender sends."""
        return self._seal(self._pool, said)

    def forge(self, said: Said) -> bytes:
        """Return what a stranger makes of it, who has no key, or one of a pool that is no more."""
        return self._seal(self._rng.choice(self._others), said)

    def garble(self, raw: bytes) -> bytes:
        """Return the bytes with one bit flipped, or cut short."""
        at = self._rng.randrange(len(raw))
        if self._rng.random() < 0.1:
            return raw[:at]
        return raw[:at] + bytes([raw[at] ^ 1 << self._rng.randrange(8)]) + raw[at + 1 :]

    def open(self, raw: bytes, me: int, incarnation: int) -> Read | None:
        """Return what this incarnation of a host believes the bytes to say; None: they are refused."""
        packet = read_packet(self._pool, raw, me, incarnation)
        if packet.reason is not Reason.VALID or packet.body is None:
            return None
        body = self._same(packet.host, packet.body)
        return Read(packet.host, packet.sequence, packet.stamp_ns, body, packet.echo_ns)

    def _seal(self, pool: PoolIdentity, said: Said) -> bytes:
        body = pack_packet_body(said.body, self._hosts)
        return seal_packet(pool, body, said.sender, said.sequence, said.mark[1], dict(enumerate(said.echoes)))

    def _same(self, sender: int, body: PacketBody) -> PacketBody:
        """Return the body before if it says the same: what does not change stays identical."""
        before = self._bodies[sender]
        if before != body:
            before = self._bodies[sender] = body
        return before
