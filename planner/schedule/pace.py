"""How fast a pool restarts VMs: what operators may say, VM by VM or for all. Decides nothing about places.

A VM's own boot time stands in a tag, `xenha:boot-seconds=120`. A tag that says nothing of use leaves the
default and is told (`tag_problems`): records of a pool are nobody's command line, refusing them helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.model import VM, Pool

BOOT_TAG = "xenha:boot-seconds="
BOOT_SECONDS = 60.0
"""Assumed of a VM about which nothing is known; a pool's operators know better."""
BOOT_SLOTS = 4
"""What xenopsd works on at once on a host (its worker_pool_size in xen-api)."""
SECONDS_MAX = 86_400.0
SLOTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a VM boots, VMs that a host boots at once, and seconds until restarts may begin.

    `detection_seconds` None: what xenhad guarantees for the pool's time-out (`detection`).
    """

    boot_seconds: float = BOOT_SECONDS
    boot_slots: int = BOOT_SLOTS
    detection_seconds: float | None = None


USUAL_PACE = Pace()


def boot_seconds_of(vm: VM, pace: Pace) -> float:
    """Return how long a VM boots: its tag, else the pace's; of several tags the longest time."""
    said = [seconds for tag in vm.tags if (seconds := _seconds(tag)) is not None]
    return max(said, default=pace.boot_seconds)


def tag_problems(pool: Pool) -> Iterator[str]:
    """Yield a sentence for every tag of a VM with a priority that should be a boot time and is none."""
    for vm in pool.vms:
        for tag in vm.tags if vm.protected or vm.best_effort else ():
            if tag.startswith(BOOT_TAG) and _seconds(tag) is None:
                yield (
                    f"VM {vm.name or vm.uuid}: tag {tag!r}: expected seconds from 0 to {SECONDS_MAX:.0f}; "
                    "the default boot time is used"
                )


def _seconds(tag: str) -> float | None:
    if not tag.startswith(BOOT_TAG):
        return None
    try:
        seconds = float(tag.removeprefix(BOOT_TAG))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= SECONDS_MAX else None
