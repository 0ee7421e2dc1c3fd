"""What the machine may be told. Every event comes with `now_ns`; times are of this host's monotonic clock.

The pump keeps tables and the machine looks at them: a tick shows at most one finished disk cycle and the
newest state of the network, however many packets came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hacore.kernel.native import COPIES
from hacore.records import PacketBody, SlotBody


@dataclass(frozen=True, slots=True)
class DiskCycle:
    """One cycle of the disk channel has ended: own slot written, then all slots read."""

    version: int  # the publication that was written, as numbered by Publish; 0: none yet, so it was only read
    started_ns: int
    written: bool
    read_started_ns: int
    completed_ns: int
    read: bool  # every slot could be read, and mine shows the sequence just written (if any)
    sequences: Sequence[int]  # by host: the highest believed sequence; of the last good read if not `read`
    bodies: Sequence[SlotBody | None]  # by host; None: no copy is believed. Unchanged bodies stay identical
    doubted: int  # mask: hosts of whose block Paxos cannot be sure (MEMBERSHIP §3: more than one torn copy)
    copy: int  # of the own slot, that was written
    burnt: int  # mask: copies of the own slot that a failed write may still reach
    foreign: bool  # the own slot showed something other than what was written

    @property
    def copies_left(self) -> int:
        """Return how many copies of the own slot no failed write may still reach."""
        return COPIES - self.burnt.bit_count()


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest state of the network channel, all networks together."""

    heard_ns: Sequence[int]  # by host: when its last authentic packet came; 0: never. Mine is not looked at
    bodies: Sequence[PacketBody | None]
    echoes_ns: Sequence[int]  # by host: my own stamp that its last packet echoed; 0: none
    granted_ns: int  # when I last sent a packet that granted anything; 0: never


@dataclass(frozen=True, slots=True)
class Evidence:
    """What this host sees of its own links."""

    carrier: bool
    arbiters: int  # how many answered lately


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; comes at least once a beat."""


@dataclass(frozen=True, slots=True)
class Join:
    """Become a member. `force`: form a liveset without waiting for those that are missing (operator)."""

    force: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave the liveset cleanly, then disarm."""


@dataclass(frozen=True, slots=True)
class SetWeight:
    weight: int


@dataclass(frozen=True, slots=True)
class ProposeLeader:
    host: int


@dataclass(frozen=True, slots=True)
class Disarm:
    """Stay a member, but without fencing, until told to arm again (operator)."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Undo Disarm."""


@dataclass(frozen=True, slots=True)
class ConfirmDead:
    """This host, left out and without fencing, certainly runs nothing: the operator has looked."""

    host: int


@dataclass(frozen=True, slots=True)
class EmergencyDisable:
    """Disarm at once and leave without asking anybody (operator, R13)."""


Event = (
    DiskCycle
    | Heard
    | Evidence
    | Tick
    | Join
    | Leave
    | SetWeight
    | ProposeLeader
    | Disarm
    | Arm
    | ConfirmDead
    | EmergencyDisable
)
