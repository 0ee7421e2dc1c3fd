"""What the fake pump decides with: the native pump's own twins, each replaceable by a deliberate bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hacore.core import numbering
from hacore.kernel import _pump
from hacore.kernel._pump import CopyTurn
from hacore.records import Decision


@dataclass(frozen=True, slots=True)
class Twins:
    """The decisions of the pump, by their names in `hacore.kernel._pump`; `turn` exchanges a CopyTurn.

    `member` stands for `admitted`: the world knows which epoch is the newest in what was read.
    """

    may_ping: Callable[..., bool] = _pump.may_ping
    counts: Callable[[bool, bool], bool] = lambda worked, clean: worked and clean  # a write, to this copy
    read_good: Callable[..., bool] = _pump.read_good
    has_outlived: Callable[..., bool] = _pump.has_outlived
    disk_since_ns: Callable[..., int] = _pump.disk_since_ns
    lease_since_ns: Callable[[bool, int, int], int] = _pump.lease_since_ns
    take_over: Callable[..., tuple[int, CopyTurn]] = _pump.take_over
    member: Callable[[Decision, int, int], bool] = Decision.has  # of the newest epoch: (host, incarnation)
    turn: Callable[[CopyTurn], CopyTurn] = lambda turn: turn
    clock_sleeps: bool = False  # time stands still while the machine is suspended: CLOCK_MONOTONIC
    nothing_out: Callable[..., bool] = numbering.nothing_out  # of a pump that has stopped


TWINS = Twins()
