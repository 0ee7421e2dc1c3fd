"""The constraints that count in a figure, in the order in which a witness names them (DESIGN §5.3)."""

from __future__ import annotations

from planner.constraints.resource import Demand, Source
from planner.constraints.rules import NO_RULES, Rules
from planner.constraints.separation import separation
from planner.constraints.vcpus import vcpus
from planner.model import Pool

SOURCES: tuple[Source, ...] = (vcpus, separation)


def demands_of(pool: Pool, rules: Rules = NO_RULES) -> tuple[Demand, ...]:
    """Return every constraint of a pool beside memory and reach."""
    return tuple(demand for source in SOURCES for demand in source(pool, rules))
