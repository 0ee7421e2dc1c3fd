"""What the fake pump decides with: the native pump's own twins, each replaceable by a deliberate bug."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hacore.kernel import _pump
from hacore.kernel._pump import CopyTurn


@dataclass(frozen=True, slots=True)
class Twins:
    """The decisions of the pump, by their names in `hacore.kernel._pump`."""

    may_ping: Callable[..., bool] = _pump.may_ping
    read_good: Callable[..., bool] = _pump.read_good
    disk_since_ns: Callable[..., int] = _pump.disk_since_ns
    lease_since_ns: Callable[[bool, int, int], int] = _pump.lease_since_ns
    take_over: Callable[..., tuple[int, CopyTurn]] = _pump.take_over
    member: Callable[..., bool] = _pump.admitted
    cycle_turn: Callable[[CopyTurn], CopyTurn] = lambda turn: turn


TWINS = Twins()
