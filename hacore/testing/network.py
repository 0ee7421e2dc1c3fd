"""The heartbeat network as a fake. Decides which packet reaches whom and when, never what it says.

Where no fault touches a link nobody is called for a packet: a receiver looks at the newest word of each
sender when its brain wakes up (`air`). A link that a fault touches, or whose receiver does not read its
socket, is *watched*: there every packet goes its own way, until the first one sent after all trouble is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from hacore.records import PacketBody

MS = 1_000_000


Mark = tuple[int, int]
"""Incarnation of the sender, and the stamp of its clock: an echo returns both."""
NO_MARK: Mark = (0, 0)


@dataclass(frozen=True, slots=True)
class Packet:
    """One word of one sender, as it was sent to everybody."""

    sender: int
    incarnation: int
    sequence: int
    mark: Mark
    body: PacketBody
    echoes: Sequence[Mark]  # by receiver: the mark of its newest word here
    sent_ns: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to packets from some hosts to some; several rules add up."""

    senders: int  # mask
    receivers: int  # mask
    loss: float = 1.0
    late_ns: int = 0  # each packet is late by up to this, so that they overtake each other
    behind_ns: int = 0  # each packet is late by this
    twice: float = 0.0  # how many come twice

    def touches(self, sender: int, receiver: int) -> bool:
        return bool(self.senders >> sender & 1 and self.receivers >> receiver & 1)


class End(Protocol):
    """A receiver: the network channel of one daemon."""

    watched: int  # mask of senders whose packets are delivered one by one
    reading: bool

    def receive(self, packet: Packet) -> None: ...
    def news(self) -> None: ...


class Air:
    """Everything that was said last, and the links on which that is not all."""

    def __init__(self, hosts: int, rng: Random, at: Callable[..., None], now: Callable[[], int]) -> None:
        self.hosts = hosts
        self.sent_ns = [0] * hosts
        self.bodies: list[PacketBody | None] = [None] * hosts
        self.marks = [NO_MARK] * hosts
        self.echoes: list[Sequence[Mark]] = [[NO_MARK] * hosts for _ in range(hosts)]
        self.packets: list[Packet | None] = [None] * hosts
        self.ends: list[End | None] = [None] * hosts
        self.watched = [0] * hosts  # by sender: mask of receivers
        self.rules: list[Rule] = []
        self._rng = rng
        self._at = at
        self._now = now

    def send(self, packet: Packet) -> None:
        """Say something to everybody."""
        sender = packet.sender
        changed = packet.body is not self.bodies[sender]
        self.sent_ns[sender] = packet.sent_ns
        self.bodies[sender] = packet.body
        self.marks[sender] = packet.mark
        self.echoes[sender] = packet.echoes
        self.packets[sender] = packet
        if self.watched[sender]:
            for receiver in bits(self.watched[sender]):
                self._carry(packet, receiver)
        if changed:
            self._wake(sender)

    def add(self, rule: Rule) -> None:
        """Begin a fault."""
        self.rules.append(rule)
        for sender in bits(rule.senders & (1 << self.hosts) - 1):
            for receiver in bits(rule.receivers & (1 << self.hosts) - 1):
                self._watch(sender, receiver)

    def remove(self, rule: Rule) -> None:
        """End a fault; its links are watched until their next packet."""
        self.rules.remove(rule)

    def attach(self, receiver: int, end: End) -> None:
        """Begin to deliver to a daemon that starts now: it knows nothing that was said before."""
        self.ends[receiver] = end
        end.watched = (1 << self.hosts) - 1
        for sender in range(self.hosts):
            self.watched[sender] |= 1 << receiver

    def detach(self, receiver: int) -> None:
        self.ends[receiver] = None

    def hold(self, receiver: int) -> None:
        """A receiver stops reading its socket: what comes now waits there."""
        for sender in range(self.hosts):
            self._watch(sender, receiver)

    def connected(self, sender: int, receiver: int) -> bool:
        """Tell whether packets get through in this direction, some of them at least."""
        return not any(rule.loss >= 1 and rule.touches(sender, receiver) for rule in self.rules)

    def _watch(self, sender: int, receiver: int) -> None:
        end = self.ends[receiver]
        self.watched[sender] |= 1 << receiver
        if end is not None and not end.watched >> sender & 1:
            packet = self.packets[sender]
            end.watched |= 1 << sender
            if packet is not None:
                end.receive(packet)

    def _carry(self, packet: Packet, receiver: int) -> None:
        end = self.ends[receiver]
        rules = [rule for rule in self.rules if rule.touches(packet.sender, receiver)]
        if end is None or packet.sender == receiver:
            return
        if not rules and end.reading:
            end.watched &= ~(1 << packet.sender)
            self.watched[packet.sender] &= ~(1 << receiver)
            end.news()
            return
        for late_ns in self._copies(rules):
            self._at(self._now() + late_ns, self._deliver, packet, receiver)

    def _copies(self, rules: Sequence[Rule]) -> list[int]:
        """Return how late each copy of a packet comes."""
        chance = self._rng.random
        if any(rule.loss >= 1 or rule.loss > chance() for rule in rules):
            return []
        late_ns = sum(rule.behind_ns + int(rule.late_ns * chance()) for rule in rules) + MS // 5
        again = any(rule.twice > chance() for rule in rules)
        return [late_ns, late_ns + int(chance() * 50 * MS)] if again else [late_ns]

    def _deliver(self, packet: Packet, receiver: int) -> None:
        end = self.ends[receiver]
        if end is not None and end.watched >> packet.sender & 1:
            end.receive(packet)

    def _wake(self, sender: int) -> None:
        bit = 1 << sender
        for receiver, end in enumerate(self.ends):
            if end is not None and receiver != sender and not end.watched & bit:
                end.news()


def bits(mask: int) -> Iterator[int]:
    """Yield the indexes in a mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
