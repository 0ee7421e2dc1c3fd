"""Above what a starting daemon numbers the writes to its slot. Must never number below an earlier start's.

What an earlier daemon of this boot wrote may land late: numbered higher, it would hide what is newer, also
promises of Paxos. Whatever has landed the pump reads for itself; this is about what has not. Writes of an
earlier boot land no more.
"""

from __future__ import annotations

MOST_WRITES = 1 << 32
"""No daemon attempts as many; also no more than one a nanosecond."""


def start_floor(wall_ns: int, before_ns: int) -> int:
    """Return the wall clock, or more if it was set back since the start before.

    `before_ns`: what this returned for that start; 0: there was none.
    """
    return max(wall_ns, before_ns + MOST_WRITES) if before_ns else wall_ns
