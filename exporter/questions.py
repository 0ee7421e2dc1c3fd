"""What people and programs may ask about a pool: one value a question, answered by the planner's own code.

Equal questions are equal values, so that they share an answer. A question holds names as they were given; who
they are is found out when it is answered. Decides nothing, and must never answer other than the command of
the same name does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypedDict

from hacore.clock import Clock
from planner import drain, headroom, restart, rolling, whatif
from planner.constraints.rules import NO_RULES, Rules
from planner.explain import answer as explain
from planner.explain.result import Explanation
from planner.model import Pool
from planner.repair import answer as repair
from planner.repair.result import Repair
from planner.results import Drain, Headroom, Plan, Tolerance, WhatIf
from planner.rolling import Rolling
from planner.schedule.pace import USUAL_PACE, Pace
from planner.tolerance import answer as tolerance


class Answer(Protocol):
    """What a question comes to: DESIGN §5.3–5.5."""

    def to_json(self) -> dict[str, Any]: ...


class Common(TypedDict):
    """The keywords that every function of the planner takes."""

    limit_seconds: float
    clock: Clock
    rules: Rules


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a question is answered."""

    limit_seconds: float
    clock: Clock
    pace: Pace = USUAL_PACE
    rules: Rules = NO_RULES

    @property
    def common(self) -> Common:
        """Return what every question is answered under."""
        return Common(limit_seconds=self.limit_seconds, clock=self.clock, rules=self.rules)


class Question(Protocol):
    """One question. `long`: it may well take the whole limit, and waits in a line of its own."""

    long: ClassVar[bool]

    def answer(self, pool: Pool, terms: Terms) -> Answer:
        """Return the answer; raise planner.errors.InputError if the question makes no sense for the pool."""
        ...


def hosts_of(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return hosts (uuids or unique names) sorted and each once: their order is no part of a question."""
    return tuple(sorted(set(hosts)))


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """Where VMs restart if these hosts fail."""

    failed: tuple[str, ...]
    long: ClassVar[bool] = False

    def answer(self, pool: Pool, terms: Terms) -> Plan:
        return restart.plan(pool, self.failed, pace=terms.pace, **terms.common)


@dataclass(frozen=True, slots=True)
class WhatIfQuestion:
    """The figures before and after these changes. `target` None: the pool's own, here and below."""

    changes: tuple[str, ...]
    target: int | None = None
    long: ClassVar[bool] = False

    def answer(self, pool: Pool, terms: Terms) -> WhatIf:
        return whatif.whatif(pool, self.changes, target=self.target, **terms.common)


@dataclass(frozen=True, slots=True)
class HeadroomQuestion:
    """What can still start; with a size, how many of it. Each new VM has so many vCPUs."""

    size_bytes: int | None = None
    vcpus: int = 1
    target: int | None = None
    long: ClassVar[bool] = False

    def answer(self, pool: Pool, terms: Terms) -> Headroom:
        return headroom.headroom(
            pool, target=self.target, size_bytes=self.size_bytes, vcpus=self.vcpus, **terms.common
        )


@dataclass(frozen=True, slots=True)
class DrainQuestion:
    """How these hosts are emptied."""

    hosts: tuple[str, ...]
    target: int | None = None
    long: ClassVar[bool] = False

    def answer(self, pool: Pool, terms: Terms) -> Drain:
        hosts = restart.resolve(pool, self.hosts, option="--host")
        return drain.drain(pool, hosts, target=self.target, **terms.common)


@dataclass(frozen=True, slots=True)
class RepairQuestion:
    """The fewest migrations that reach the target."""

    target: int | None = None
    long: ClassVar[bool] = True

    def answer(self, pool: Pool, terms: Terms) -> Repair:
        return repair.repair(pool, target=self.target, **terms.common)


@dataclass(frozen=True, slots=True)
class RollingQuestion:
    """In which order all hosts but these are maintained. `floor` None: one less than the pool's target."""

    floor: int | None = None
    skipped: tuple[str, ...] = ()
    long: ClassVar[bool] = True

    def answer(self, pool: Pool, terms: Terms) -> Rolling:
        return rolling.rolling(
            pool, floor=self.floor, skip=restart.resolve(pool, self.skipped, option="--skip"), **terms.common
        )


@dataclass(frozen=True, slots=True)
class ExplainQuestion:
    """Why the pool survives no more failures than it does."""

    target: int | None = None
    long: ClassVar[bool] = True

    def answer(self, pool: Pool, terms: Terms) -> Explanation:
        return explain.explain(pool, target=self.target, **terms.common)


@dataclass(frozen=True, slots=True)
class ToleranceQuestion:
    """The figures for another target, or with orders of more than two failures followed."""

    target: int | None = None
    long_orders: bool = False
    long: ClassVar[bool] = True

    def answer(self, pool: Pool, terms: Terms) -> Tolerance:
        return tolerance.tolerance(pool, target=self.target, long_orders=self.long_orders, **terms.common)
