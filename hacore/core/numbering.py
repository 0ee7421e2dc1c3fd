"""What a daemon's writes leave to the next daemon of the same boot: numbers, and whether any may be out yet.

What an earlier daemon of this boot wrote may land late: numbered higher, it would hide what is newer, also
promises of Paxos. Must never number below an earlier start's, nor call a daemon finished of which anything
may be out. Whatever has landed the pump reads for itself; this is about what has not. Writes of an earlier
boot land no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.core.events import DiskCycle
from hacore.kernel.native import COPIES

MOST_WRITES = 1 << 32
"""No daemon attempts as many; also no more than one a nanosecond."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a daemon says of its writes when none is out any more; its successor checks it by the slot."""

    sequence: int = 0  # of the last one, that worked; 0: nothing is said
    failed_ns: tuple[int, ...] = (0,) * COPIES  # by copy of the own slot: when a write to it last failed
    returned_ns: int = 0  # when a copy that was set aside last came back


UNFINISHED = Finished()


def start_floor(wall_ns: int, before_ns: int) -> int:
    """Return the wall clock, or more if it was set back since the start before.

    `before_ns`: what this returned for that start; 0: there was none.
    """
    return max(wall_ns, before_ns + MOST_WRITES) if before_ns else wall_ns


def nothing_out(last: DiskCycle | None, *, ended: bool) -> bool:
    """Tell whether no write of a pump may still land where nobody expects it.

    `ended`: all its threads have, so no call is out. `last`: its last cycle; where that wrote, what failed
    before is on record in the slot.
    """
    return ended and last is not None and last.written
