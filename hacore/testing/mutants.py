"""Deliberate protocol bugs: each replaces one rule of the machine or twin of the pump; all must be found."""

from __future__ import annotations

from dataclasses import dataclass, field

from hacore.core.rules import RULES, Rules
from hacore.testing.twins import TWINS, Twins


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, and the faults that bring it to light soonest."""

    says: str
    rules: Rules = field(default=RULES)
    twins: Twins = field(default=TWINS)
    faults: tuple[str, ...] = ()


MUTANTS: dict[str, Mutant] = {}
