"""Each kernel and its Python twin on the same work: pytest-benchmark measures, the bench judges.

Run by `python -m bench kernels`, or alone: `pytest bench/test_kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bench.pools import pool
from hacore.kernel import _reference as twin
from hacore.kernel import planning as kernel
from planner.placement.problem import problem_of
from planner.tolerance.counts import Counted, count

Call = Callable[[], Any]
BEST_FIT = 0


def counted_pool(hosts: int, vms: int, load: float = 0.8) -> Counted:
    return count(problem_of(pool(1, hosts=hosts, vms=vms, load=load, protected=1.0)))


def saturation(code: Any) -> Call:
    """The tables a_h(s) and A_h(s) of 64 hosts and 20 sizes."""
    scale = counted_pool(64, 3500).safe
    return partial(code.saturation, scale.room, scale.needs)


def certificate(code: Any) -> Call:
    """The rows of the certificate of 64 hosts and 3 500 VMs."""
    counted = counted_pool(64, 3500)
    least, _ = kernel.saturation(counted.safe.room, counted.safe.needs)
    return partial(code.certificate_rows, counted.layout, counted.safe.needs, least)


def packing(code: Any) -> Call:
    """Best fit of the VMs of 16 failed hosts into the other 48."""
    counted, lost = counted_pool(64, 3500, load=0.6), range(16)
    room = [0 if host in lost else free for host, free in enumerate(counted.exact.room)]
    bins = [counted.problem.everywhere] * len(counted.needs)
    wanted = counted.wanted(lost)
    return partial(code.pack, room, counted.exact.needs, bins, wanted, strategy=BEST_FIT)


def dearest_load(code: Any) -> Call:
    """The dearest loads of 8 hosts among 40 VMs of 5 sizes."""
    room = [24, 25, 26, 27, 28, 29, 30, 31]
    return partial(code.dearest_loads, room, [9, 7, 5, 3, 2], [8] * 5, [10, 8, 5, 3, 2])


def certified(code: Any) -> Call:
    """How many of 12 hosts may fail; the twin tries every set."""
    counted = counted_pool(12, 300)
    least, _ = kernel.saturation(counted.safe.room, counted.safe.needs)
    rows = kernel.certificate_rows(counted.layout, counted.safe.needs, least)
    return partial(code.certified, counted.layout, rows)


KERNELS = {work.__name__: work for work in (saturation, certificate, packing, dearest_load, certified)}


@pytest.mark.parametrize("code", [kernel, twin], ids=["kernel", "twin"])
@pytest.mark.parametrize("name", KERNELS)
def test_speed(benchmark: Any, name: str, code: Any) -> None:
    benchmark.group = name
    benchmark.extra_info["code"] = "twin" if code is twin else "kernel"
    benchmark(KERNELS[name](code))


@pytest.mark.parametrize("name", KERNELS)
def test_same_answer(name: str) -> None:
    """What is compared for speed says the same."""
    assert _plain(KERNELS[name](kernel)()) == _plain(KERNELS[name](twin)())


def _plain(answer: Any) -> Any:
    if isinstance(answer, kernel.Rows):
        return [list(answer.terms), list(answer.limits)]
    return [_plain(part) for part in answer] if hasattr(answer, "__iter__") else answer
