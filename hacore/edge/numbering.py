"""The floor of a daemon's sequences, remembered in its lock file: that lies in /run, and ends with the boot.

Decides nothing (`hacore.core.numbering` does), and must never keep a daemon from starting.
"""

from __future__ import annotations

import os
from contextlib import suppress

from hacore.core.numbering import start_floor

DIGITS = 20
"""As many as 2⁶⁴ has."""


def numbered_from(lock: int, wall_ns: int) -> int:
    """Return above what to number, and note it in the lock file (descriptor)."""
    floor_ns = start_floor(max(wall_ns, 0), _noted(lock))
    with suppress(OSError):
        os.pwrite(lock, b"%0*d\n" % (DIGITS, floor_ns), 0)
    return floor_ns


def _noted(lock: int) -> int:
    """Return what the start before has noted; 0: none, or nothing that makes sense."""
    try:
        noted = os.pread(lock, DIGITS, 0)
    except OSError:
        return 0
    return int(noted) if len(noted) == DIGITS and noted.isdigit() and int(noted) < 1 << 63 else 0
