"""What asks several questions shares its limit among them: all of it takes what was asked for, about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.clocks import TickingClock
from bench.pools import Shape, from_shape, with_constraints
from planner.constraints.rules import Rules
from planner.drain import drain
from planner.model import Pool
from planner.repair.answer import repair
from planner.restart import plan
from planner.rolling import rolling
from planner.whatif import whatif

LIMIT_SECONDS = 0.5
Ask = Callable[[Pool, str, Rules, TickingClock], object]

ASKED: dict[str, tuple[Ask, float]] = {
    "plan": (
        lambda pool, host, rules, clock: plan(
            pool, [host], limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules
        ),
        2.5,
    ),
    "drain": (
        lambda pool, host, rules, clock: drain(
            pool, [host], limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules
        ),
        2.5,
    ),
    "repair": (
        lambda pool, host, rules, clock: repair(
            pool, target=9, limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules
        ),
        2.0,
    ),
    "repair that cannot": (
        lambda pool, host, rules, clock: repair(
            pool, target=30, limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules
        ),
        2.0,
    ),
    "rolling": (
        lambda pool, host, rules, clock: rolling(pool, limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules),
        2.5,
    ),
    "what-if": (
        lambda pool, host, rules, clock: whatif(
            pool, [f"disable={host}"], limit_seconds=LIMIT_SECONDS, clock=clock, rules=rules
        ),
        3.5,
    ),
}
"""With how many times the limit may pass: on this clock one figure alone takes twice the limit."""


@pytest.mark.parametrize("what", ASKED)
def test_the_limit_is_that_of_the_whole(what):
    """Of this pool no figure is proven in that time, so that all of them take what they may."""
    pool, rules = with_constraints(1, from_shape(1, Shape(32, 1000, load=0.85)))
    ask, most = ASKED[what]
    clock = TickingClock()
    ask(pool, pool.hosts[0].uuid, rules, clock)
    assert clock.wall_seconds() <= most * LIMIT_SECONDS
