"""What hosts tell each other: the values inside a slot and a packet. Decides nothing, knows no bytes.

A host is its index in the host table (order of UUIDs, < 64); a set of hosts is a mask, bit i = host i. An
incarnation is the first eight bytes of the boot id as an integer, never 0: a host that rebooted is somebody
else, and a liveset names its members with their incarnations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MAX_HOSTS = 64
NOBODY = -1


class State(IntEnum):
    """What a host says of itself."""

    ABSENT = 0  # its slot was formatted and never written, or its daemon has stopped unarmed
    JOINING = 1  # wants to be taken into the liveset; unarmed
    MEMBER = 2  # of the liveset it has decided or read
    LEAVING = 3  # a member that asks to be left out, still armed
    EXCLUDED = 4  # left cleanly, disarmed; nobody waits for it
    FENCING = 5  # about to reboot itself; never goes back


class Cause(IntEnum):
    """Why an epoch was decided."""

    NONE = 0
    FORMED = 1  # cold start
    JOINED = 2
    DEAD = 3  # silent on the shared disk
    ISOLATED = 4  # the survival rule left a group out
    LEFT = 5  # asked to be left out
    REBOOTED = 6  # a member came back as another incarnation
    LEADER = 7  # only the leader changed
    OPERATOR = 8  # forced


class FenceCause(IntEnum):
    """Why a host reboots itself."""

    NONE = 0
    LEFT_OUT = 1  # read an epoch without itself
    STORAGE_LOST = 2  # no storage, no grants, deadline near
    QUORUM_LOST = 3  # no majority of grants, deadline near
    NO_COPY_LEFT = 4  # failed writes may still land on too many copies
    OPERATOR = 5
    BRAIN = 6  # the machine broke one of its own rules


@dataclass(frozen=True, slots=True)
class Decision:
    """The value of one epoch: who is a member, as whom, and who leads."""

    epoch: int
    liveset: int  # mask
    members: tuple[int, ...]  # incarnation by host index; 0: not a member, or (after formatting) not known
    leader: int  # index or NOBODY
    cause: Cause

    def has(self, host: int, incarnation: int) -> bool:
        """Tell whether this very incarnation of the host is a member."""
        return self.members[host] == incarnation and bool(self.liveset >> host & 1)


@dataclass(frozen=True, slots=True)
class Block:
    """A host's block of Disk Paxos (Gafni & Lamport 2003, §3): mbal, bal and inp of one epoch's instance."""

    epoch: int  # the epoch this instance decides; 0: empty
    mbal: int
    bal: int
    value: Decision | None  # with bal


EMPTY_BLOCK = Block(0, 0, 0, None)


@dataclass(frozen=True, slots=True)
class SlotBody:
    """What a host publishes on the shared disk; the pump adds sequence, copy and burnt copies."""

    incarnation: int
    state: State
    armed: bool
    decided: Decision  # the newest epoch this host knows
    block: Block
    row: int  # mask of the hosts it hears on any network, itself included
    storage: bool  # its writes and reads work
    carrier: bool  # some link of the heartbeat networks has carrier
    arbiters: int  # how many arbiters answer
    weight: int
    leader_wish: int  # index or NOBODY
    polled: int  # mask: hosts whose grants it asks about (quorum "majority")
    denied: int  # mask: hosts it has not granted for a silence and will not (quorum "majority")
    confirmed: int  # epoch that left it out and that it obeys by rebooting now; 0: none
    fence: FenceCause  # of FENCING, or of its last reboot


@dataclass(frozen=True, slots=True)
class PacketBody:
    """What a host says on the network; the pump adds sequence, stamp and the echoes of others' stamps."""

    incarnation: int
    state: State
    epoch: int
    row: int
    storage: bool
    carrier: bool
    arbiters: int
    weight: int
    grants: int  # mask: "in this epoch I grant you survival"; bound to the echo in the same packet
    polled: int
    denied: int
