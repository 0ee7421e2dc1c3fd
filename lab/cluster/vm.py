"""A fake VM: `python -m lab.cluster.vm STAMPS` writes when it ran, again and again, until it is killed."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from pathlib import Path

from hacore.clock import SystemClock
from lab.cluster.history import Stamps

STAMP_SECONDS = 0.002


def main(arguments: Sequence[str]) -> int:
    """Run for ever."""
    clock, stamps = SystemClock(), Stamps(Path(arguments[0]))
    first_ns = clock.monotonic_ns()
    while True:
        stamps.write(first_ns, clock.monotonic_ns())
        select.select((), (), (), STAMP_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
