"""Life without storage: who grants survival to whom, and what a grant is worth (MEMBERSHIP §5.2).

A grant counts from the receiver's own stamp, echoed in it, and is bound to the epoch and to the incarnation
that gave it. Must never count a grant from when it arrived: it may have waited in a socket.

Quorum "majority": all configured hosts grant every member that they hear, and more than half must do so.
Whoever has not granted a host for a silence *denies* it when asked, and grants it no more until an epoch
readmits it: so of any majority that grants and any that denies, one host would have to do both. Any grant
since I was admitted counts, also of an epoch before my newest: its giver may have lost the disk, and denials
are bound to the admission, too. Whoever did not read every epoch does not know all admissions, and counts
what others deny only as of the epoch it has now read: before, they may have denied, readmitted and granted
again.

A host that was admitted and denied before it ever armed would wait for ever. It *waives* that membership: it
shows JOINING and denies itself, which is no vote, and will not arm in this epoch; the next lets it go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hacore.core.cliques import hosts_in
from hacore.core.seen import Disk, Net
from hacore.records import Decision, PacketBody


@dataclass(frozen=True, slots=True)
class Grant:
    """The newest word of one other host, held against my epoch."""

    me: int
    giver: int
    decided: Decision  # my newest epoch
    admitted: int  # the first epoch known to have me as who I am now
    body: PacketBody
    echo_ns: int  # my stamp that it echoes; 0: none
    heard_ns: int  # when it came: says nothing about when it was sent
    by_disk: bool  # quorum "disk": worth something only while the giver has no storage either


Rule = Callable[[Grant], int]
_NOW = 1 << 64  # later than any epoch


def granted_since_ns(grant: Grant) -> int:
    """Return since when (my clock) the giver has certainly granted me survival in my epoch; 0: it has not."""
    body, decided = grant.body, grant.decided
    if grant.by_disk:
        bound = body.epoch == decided.epoch and body.incarnation == decided.members[grant.giver]
        worth = bound and not body.storage
    else:
        worth = body.epoch >= grant.admitted
    return grant.echo_ns if worth and body.grants >> grant.me & 1 else 0


def may_act(now_ns: int, granted_ns: int, silence_ns: int) -> bool:
    """Tell whether whoever lived on my last grant has certainly ended: only then may I propose or declare."""
    return not granted_ns or now_ns - granted_ns > silence_ns


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who lives on grants, and by which rule it counts them."""

    me: int
    decided: Decision
    admitted: int
    rule: Rule
    by_disk: bool

    def stamps_ns(self, net: Net, hosts: int) -> list[int]:
        """Return since when each of the hosts (mask) but me has granted me survival; 0: it has not."""
        return [self._stamp_ns(net, host) for host in hosts_in(hosts & ~(1 << self.me))]

    def _stamp_ns(self, net: Net, giver: int) -> int:
        body = net.bodies[giver]
        if body is None:
            return 0
        echo_ns, heard_ns = net.echoes_ns[giver], net.heard_ns[giver]
        return self.rule(
            Grant(self.me, giver, self.decided, self.admitted, body, echo_ns, heard_ns, self.by_disk)
        )


def of_all_ns(stamps: Sequence[int], now_ns: int) -> int:
    """Return the oldest of the grants, 0 if one is missing; a member that is alone grants itself."""
    return min(stamps, default=now_ns)


def of_most_ns(stamps: Sequence[int], configured: int, now_ns: int) -> int:
    """Return since when more than half of all configured hosts, me included, grant; 0: they do not."""
    others = configured // 2
    if not others:
        return now_ns
    newest = sorted(stamps, reverse=True)
    return newest[others - 1] if len(newest) >= others else 0


def to_whom(net: Net, decided: Decision, me: int) -> int:
    """Return the members (mask) of my epoch whom I hear, as who they were admitted."""
    mask = 0
    for host in hosts_in(decided.liveset & net.row & ~(1 << me)):
        body = net.bodies[host]
        if body is not None and body.incarnation == decided.members[host]:
            mask |= 1 << host
    return mask


def asked_about(disk: Disk, net: Net, hosts: int) -> int:
    """Return whom anybody asks about, on the disk or on the network."""
    mask = 0
    for host in hosts_in(hosts):
        slot, packet = disk.bodies[host], net.bodies[host]
        mask |= slot.polled if slot is not None and disk.fresh >> host & 1 else 0
        mask |= packet.polled if packet is not None and net.row >> host & 1 else 0
    return mask


def to_deny(asked: int, net: Net, now_ns: int, start_ns: int, silence_ns: int) -> int:
    """Return those asked about whose last stamp I can have echoed is older than a silence.

    Whatever I granted, it counts from before I last heard its receiver; a predecessor of this daemon may have
    granted until my start.
    """
    if now_ns - start_ns <= silence_ns:
        return 0
    return sum(1 << host for host in hosts_in(asked) if now_ns - net.heard_ns[host] > silence_ns)


def denied_by_most(disk: Disk, net: Net, mine: int, me: int, admitted: Sequence[int]) -> int:
    """Return the hosts (mask) that more than half of all configured ones deny.

    `admitted`: by host, the epoch that admitted it; who does not know it speaks of somebody else.
    """
    counts = [0] * len(admitted)
    for host in range(len(admitted)):
        denied, epoch = (mine, _NOW) if host == me else _denied_by(disk, net, host)
        for other in hosts_in(denied & ~(1 << host)):
            counts[other] += epoch >= admitted[other]
    return sum(1 << host for host, count in enumerate(counts) if count * 2 > len(admitted))


def deniers(disk: Disk, net: Net, me: int, admitted: int) -> int:
    """Return the other hosts (mask) that deny me as who this epoch has admitted."""
    mask = 0
    for host in hosts_in((1 << len(net.bodies)) - 1 & ~(1 << me)):
        denied, epoch = _denied_by(disk, net, host)
        mask |= (denied >> me & 1 and epoch >= admitted) << host
    return mask


def _denied_by(disk: Disk, net: Net, host: int) -> tuple[int, int]:
    """Return whom it denies, and as of which epoch, by its newest word: packets are faster."""
    packet, slot = net.bodies[host], disk.bodies[host]
    if packet is not None and net.row >> host & 1:
        return packet.denied, packet.epoch
    if slot is not None and disk.fresh >> host & 1:
        return slot.denied, slot.decided.epoch
    return 0, 0
