"""The heartbeat network as a fake. Decides which packet reaches whom and when, never what it says.

Where no fault touches a link nobody is called for a packet: a receiver looks at the newest word of each
sender when its brain wakes up (`air`). A link that a fault touches, or whose receiver does not read its
socket, is *watched*: there every packet goes its own way, until the first one sent after all trouble is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from hacore.records import PacketBody
from hacore.testing.wire import NO_MARK, Mark, Said, Wire

MS = 1_000_000
ALL_NETWORKS = -1
TAPED = 12
"""How many packets of each sender somebody records, to send them again for ever after."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to packets from some hosts to some; several rules add up."""

    senders: int  # mask
    receivers: int  # mask
    loss: float = 1.0
    late_ns: int = 0  # each packet is late by up to this, so that they overtake each other
    behind_ns: int = 0  # each packet is late by this
    twice: float = 0.0  # how many come twice
    garbled: float = 0.0  # how many arrive with a wrong bit
    network: int = ALL_NETWORKS

    def touches(self, sender: int, receiver: int) -> bool:
        return bool(self.senders >> sender & 1 and self.receivers >> receiver & 1)

    def on(self, network: int) -> bool:
        return self.network in (ALL_NETWORKS, network)


class End(Protocol):
    """A receiver: the network channel of one daemon."""

    watched: int  # mask of senders whose packets are delivered one by one
    reading: bool

    def receive(self, raw: bytes, network: int, came_ns: int) -> int:
        """Take in bytes that came at a true instant; return whose address they show, −1: nobody's."""
        ...

    def news(self) -> None: ...


class Air:
    """Everything that was said last, and the links on which that is not all.

    Hosts send to where they believe each other: who changes its address is reached again by those that it
    has reached.
    """

    def __init__(
        self, hosts: int, rng: Random, at: Callable[..., None], now: Callable[[], int], networks: int = 1
    ) -> None:
        self.hosts, self.networks = hosts, networks
        self.wire = Wire(hosts, rng)
        self.sent_ns = [0] * hosts
        self.bodies: list[PacketBody | None] = [None] * hosts
        self.marks = [NO_MARK] * hosts
        self.echoes: list[Sequence[Mark]] = [[NO_MARK] * hosts for _ in range(hosts)]
        self.raw: list[bytes | None] = [None] * hosts  # by sender: its newest packet, if it is wanted
        self.newest: list[Said | None] = [None] * hosts
        self.ends: list[End | None] = [None] * hosts
        self.watched = [0] * hosts  # by sender: mask of receivers
        self.rules: list[Rule] = []
        self.moved = 0  # mask: whose address is not the one that daemons start with
        self.strayed = [0] * hosts  # by sender: mask of the receivers whose new address it does not know
        self.taped: list[list[bytes] | None] = [None] * hosts
        self._rng = rng
        self._at = at
        self._now = now

    def send(self, packet: Said) -> None:
        """Say something to everybody."""
        sender = packet.sender
        changed = packet.body is not self.bodies[sender]
        self.sent_ns[sender] = self._now()
        self.bodies[sender] = packet.body
        self.marks[sender] = packet.mark
        self.echoes[sender] = packet.echoes
        self.newest[sender], self.raw[sender] = packet, None
        tape = self.taped[sender]
        if tape is not None and len(tape) < TAPED:
            tape.append(self._sealed(sender))
        if self.watched[sender]:
            for receiver in bits(self.watched[sender]):
                self._carry(sender, receiver)
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

    def move(self, hosts: int) -> None:
        """Give hosts (mask) other addresses: nobody knows them yet."""
        self.moved |= hosts
        for host in bits(hosts):
            for other in range(self.hosts):
                self.strayed[other] |= 1 << host
                self._watch(other, host)
                self._watch(host, other)

    def settle(self, hosts: int) -> None:
        """Let everybody know the addresses of hosts (mask), those that start as well."""
        self.moved &= ~hosts
        self.strayed = [mask & ~hosts for mask in self.strayed]

    def attach(self, receiver: int, end: End) -> None:
        """Begin to deliver to a daemon that starts now: it knows nothing that was said before."""
        self.ends[receiver] = end
        end.watched = (1 << self.hosts) - 1
        self.strayed[receiver] = self.moved
        for sender in range(self.hosts):
            self.watched[sender] |= 1 << receiver

    def detach(self, receiver: int) -> None:
        self.ends[receiver] = None

    def hold(self, receiver: int) -> None:
        """A receiver stops reading its socket: what comes now waits there."""
        for sender in range(self.hosts):
            self._watch(sender, receiver)

    def tape(self, hosts: int) -> None:
        """Let somebody record what these hosts (mask) say from now on."""
        for host in bits(hosts):
            if self.taped[host] is None:
                self.taped[host] = []

    def replay(self, sender: int, receiver: int) -> None:
        """Let somebody send again what one host once said."""
        tape = self.taped[sender]
        if tape:
            self._throw(self._rng.choice(tape), receiver)

    def forge(self, sender: int, receiver: int) -> None:
        """Let a stranger send what one host says, better still: that it grants everybody survival."""
        packet = self.newest[sender]
        if packet is not None:
            body = replace(packet.body, grants=(1 << self.hosts) - 1, storage=False)
            echoes = self.marks[:]
            forged = Said(sender, packet.sequence + (1 << 40), packet.mark, body, echoes)
            self._throw(self.wire.forge(forged), receiver)

    def connected(self, sender: int, receiver: int) -> bool:
        """Tell whether packets get through in this direction, some of them at least."""
        return any(
            not any(
                rule.loss >= 1 and rule.on(network) and rule.touches(sender, receiver) for rule in self.rules
            )
            for network in range(self.networks)
        )

    def _watch(self, sender: int, receiver: int) -> None:
        end = self.ends[receiver]
        self.watched[sender] |= 1 << receiver
        if end is not None and not end.watched >> sender & 1:
            end.watched |= 1 << sender
            if self.newest[sender] is not None:
                end.receive(self._sealed(sender), 0, self.sent_ns[sender])

    def _sealed(self, sender: int) -> bytes:
        raw, packet = self.raw[sender], self.newest[sender]
        assert packet is not None
        if raw is None:
            raw = self.raw[sender] = self.wire.seal(packet)
        return raw

    def _carry(self, sender: int, receiver: int) -> None:
        end = self.ends[receiver]
        if end is None or sender == receiver or self.strayed[sender] >> receiver & 1:
            return
        rules = [rule for rule in self.rules if rule.touches(sender, receiver)]
        if not rules and end.reading:
            end.watched &= ~(1 << sender)
            self.watched[sender] &= ~(1 << receiver)
            self.strayed[receiver] &= ~(1 << sender)
            end.news()
            return
        raw = self._sealed(sender)
        for network in range(self.networks):
            here = [rule for rule in rules if rule.on(network)]
            for late_ns in self._copies(here):
                said = self.wire.garble(raw) if self._garbled(here) else raw
                self._at(self._now() + late_ns, self._deliver, said, sender, receiver, network)

    def _copies(self, rules: Sequence[Rule]) -> list[int]:
        """Return how late each copy of a packet comes."""
        chance = self._rng.random
        if any(rule.loss >= 1 or rule.loss > chance() for rule in rules):
            return []
        late_ns = sum(rule.behind_ns + int(rule.late_ns * chance()) for rule in rules) + MS // 5
        again = any(rule.twice > chance() for rule in rules)
        return [late_ns, late_ns + int(chance() * 50 * MS)] if again else [late_ns]

    def _garbled(self, rules: Sequence[Rule]) -> bool:
        return any(rule.garbled > self._rng.random() for rule in rules if rule.garbled)

    def _throw(self, raw: bytes, receiver: int) -> None:
        """Let bytes of no host reach one that looks at each packet."""
        end = self.ends[receiver]
        if end is not None:
            end.receive(raw, self._rng.randrange(self.networks), self._now())

    def _deliver(self, raw: bytes, sender: int, receiver: int, network: int) -> None:
        end = self.ends[receiver]
        if end is None or not end.watched >> sender & 1:
            return
        if end.receive(raw, network, self._now()) == sender:
            self.strayed[receiver] &= ~(1 << sender)

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
