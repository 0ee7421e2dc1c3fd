"""The constraints that count in a figure, in the order in which a witness names them (DESIGN §5.3)."""

from __future__ import annotations

from planner.constraints.resource import Resources, Source
from planner.constraints.rules import NO_RULES, Rules
from planner.constraints.separation import separation
from planner.constraints.vcpus import vcpus
from planner.model import Pool

SOURCES: tuple[Source, ...] = (vcpus, separation)


def resources_of(pool: Pool, rules: Rules = NO_RULES) -> Resources:
    """Return every constraint of a pool beside memory and reach."""
    return Resources.of(pool, (limit for source in SOURCES for limit in source(pool, rules)))
