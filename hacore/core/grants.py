"""Life without storage: who grants survival to whom, and what a grant is worth (MEMBERSHIP §5.2).

A grant counts from the receiver's own stamp, echoed in it, and is bound to the epoch and to the incarnation
that gave it. Must never count a grant from when it arrived: it may have waited in a socket.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.records import Decision, PacketBody


@dataclass(frozen=True, slots=True)
class Grant:
    """The newest word of one other host, held against my epoch."""

    me: int
    giver: int
    decided: Decision  # my newest epoch
    body: PacketBody
    echo_ns: int  # my stamp that it echoes; 0: none
    heard_ns: int  # when it came: says nothing about when it was sent


def granted_since_ns(grant: Grant) -> int:
    """Return since when (my clock) the giver has certainly granted me survival in my epoch; 0: it has not."""
    body, decided = grant.body, grant.decided
    bound = body.epoch == decided.epoch and body.incarnation == decided.members[grant.giver]
    return grant.echo_ns if bound and body.grants >> grant.me & 1 else 0


def may_act(now_ns: int, granted_ns: int, silence_ns: int) -> bool:
    """Tell whether whoever lived on my last grant has certainly ended: only then may I propose or declare."""
    return not granted_ns or now_ns - granted_ns > silence_ns
