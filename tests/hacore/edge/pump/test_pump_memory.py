"""What the pump's threads use stays in memory: a host that swaps must not be late for its own watchdog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

THREADS = {"xenhad-disk", "xenhad-net", "xenhad-dog"}
TASKS = Path("/proc/self/task")


def stack_pointers() -> Iterator[tuple[str, int]]:
    """Yield the name of each waiting thread of the pump and where its stack is (proc(5), syscall)."""
    for task in TASKS.iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread of somebody else may end meanwhile
            name = (task / "comm").read_text().strip()
            fields = (task / "syscall").read_text().split()
            if name in THREADS and fields[0] != "running":
                yield name, int(fields[-2], 16)


def locked_ranges() -> list[range]:
    """Return the mappings that are locked."""
    found = []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        word, *rest = line.split()
        if not word.endswith(":"):
            start, end = word.split("-")
            mapping = range(int(start, 16), int(end, 16))
        elif word == "VmFlags:" and "lo" in rest:
            found.append(mapping)
    return found


def test_the_stacks_of_the_threads_are_locked(rig):
    (host,) = rig.members(1)
    if not host.pump.meters().memory_locked or not locked_ranges():
        pytest.skip("memory may not be locked here, or a sanitizer only pretends to (it answers mlockall)")
    seen: dict[str, int] = {}
    rig.wait(lambda: seen.update(stack_pointers()) or seen.keys() == THREADS)
    locked = locked_ranges()
    assert [name for name, at in seen.items() if not any(at in each for each in locked)] == []
