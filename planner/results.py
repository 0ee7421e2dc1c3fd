"""What the planner answers: frozen results with their JSON (DESIGN §5.3–5.5). All that others may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planner.schedule.prediction import Prediction, rounded

Method = Literal["trivial", "certificate", "reservation", "enumeration", "solver"]
WitnessReason = Literal["memory", "reach", "cpu", "affinity", "quorum", "all_hosts", "down"]
SearchState = Literal["not_needed", "settled", "as_asked", "limit_reached"]
"""Of the search for the sequential figure: closed forms settled it, the search did, it went as far as it was
asked to and left a gap, or the limit came first."""
UnplacedReason = Literal["memory", "reach", "cpu", "affinity", "unknown"]


@dataclass(frozen=True, slots=True)
class Feared:
    """A host that may fail next, and what is to be feared after it (nothing: its VMs find no place)."""

    host: str
    then: tuple[Feared, ...] = ()

    def to_json(self) -> str | dict[str, Any]:
        if not self.then:
            return self.host
        return {"hosts": [self.host], "then": [feared.to_json() for feared in self.then]}


@dataclass(frozen=True, slots=True)
class Witness:
    """Hosts that cannot all be lost, and VMs of which no packing places all: the proof of an upper bound.

    In a sequential answer `then` may say what is to be feared after `hosts[0]` (after nothing where `hosts`
    is empty: VMs that are down have to be placed first): of all placements of the VMs concerned none
    survives each of these. Then it names no VMs.
    """

    hosts: tuple[str, ...]
    vms: tuple[str, ...]
    reason: WitnessReason
    then: tuple[Feared, ...] = ()

    def to_json(self) -> dict[str, Any]:
        if self.then:
            return {"hosts": list(self.hosts), "then": [feared.to_json() for feared in self.then]}
        return {"hosts": list(self.hosts), "vms": list(self.vms), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Bounds:
    """lower: proven safe; upper: proven not to be exceeded; `method` is that of the lower bound."""

    lower: int
    upper: int
    method: Method
    witness: Witness | None = None

    @property
    def proven(self) -> bool:
        return self.lower == self.upper

    def to_json(self) -> dict[str, Any]:
        return {
            "lower": self.lower,
            "upper": self.upper,
            "proven": self.proven,
            "method": self.method,
            "witness": self.witness.to_json() if self.witness else None,
        }


@dataclass(frozen=True, slots=True)
class SolverUse:
    """What the solver was asked for one answer: shown as metrics, not part of the contract's JSON."""

    calls: int = 0
    seconds: float = 0.0
    limit_reached: bool = False


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The answer of `xenha tolerance` for one pool."""

    pool_uuid: str
    pool_name: str
    hosts: int
    protected_vms: int
    target: int | None
    simultaneous: Bounds
    sequential: Bounds
    elapsed_seconds: float
    domains: Mapping[str, Bounds] = field(default_factory=dict)
    solver: SolverUse = SolverUse()
    sequential_search: SearchState = "not_needed"

    @property
    def unfinished(self) -> bool:
        """Tell whether more time could narrow a figure: without it another answer says the same."""
        return not self.simultaneous.proven or self.sequential_search == "limit_reached"

    @property
    def overcommitted(self) -> bool | None:
        """True if the upper bound is below the target, False if the lower bound reaches it, else None.

        Without a target there is nothing to compare with: unknown.
        """
        if self.target is None:
            return None
        if self.simultaneous.upper < self.target:
            return True
        return False if self.simultaneous.lower >= self.target else None

    def to_json(self) -> dict[str, Any]:
        domains = {
            key: {name: value for name, value in bounds.to_json().items() if name != "method"}
            for key, bounds in self.domains.items()
        }
        return {
            "format": "xenha-tolerance/1",
            "pool": {"uuid": self.pool_uuid, "name": self.pool_name},
            "hosts": self.hosts,
            "protected_vms": self.protected_vms,
            "target": self.target,
            "simultaneous": self.simultaneous.to_json(),
            "sequential": self.sequential.to_json(),
            "domains": domains,
            "overcommitted": self.overcommitted,
            "elapsed_seconds": self.elapsed_seconds,
        }


@dataclass(frozen=True, slots=True)
class Placement:
    """One VM to restart. `from_host` None: it was down. `priority`: "restart" or "best-effort"."""

    vm: str
    from_host: str | None
    to_host: str
    priority: str
    order: int
    wave: int
    start_delay_seconds: int

    def to_json(self) -> dict[str, Any]:
        return {
            "vm": self.vm,
            "from": self.from_host,
            "to": self.to_host,
            "priority": self.priority,
            "order": self.order,
            "wave": self.wave,
            "start_delay_seconds": self.start_delay_seconds,
        }


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One VM that the plan leaves down, and why."""

    vm: str
    reason: UnplacedReason
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {"vm": self.vm, "reason": self.reason, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Gap:
    """By how much a plan may fall short of the best: `placed` of `at_most`, which nothing better exceeds.

    Of the protected VMs of one order (−1: all negative ones), the orders before being as good as can be; or,
    where all of them are (`order` None), bytes of memory.
    """

    order: int | None
    placed: int
    at_most: int

    def to_json(self) -> dict[str, Any]:
        return {
            "what": "memory_bytes" if self.order is None else "vms",
            "order": self.order,
            "placed": self.placed,
            "at_most": self.at_most,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Where VMs restart after `failed_hosts` failed. `complete` speaks of protected VMs only."""

    plan_id: str
    failed_hosts: tuple[str, ...]
    complete: bool
    optimal: bool
    placements: tuple[Placement, ...]
    unplaced: tuple[Unplaced, ...]
    elapsed_seconds: float
    tolerance_after: Tolerance | None = None
    solver: SolverUse = SolverUse()
    prediction: Prediction | None = None
    gap: Gap | None = None
    """Of a plan that is not proven best; None: it is, or nothing is known."""
    limit_reached: bool = False
    """The limit ended a search: another run may choose other places. Else every run gives this very plan."""

    def to_json(self) -> dict[str, Any]:
        prediction = self.prediction
        return {
            "format": "xenha-plan/1",
            "plan_id": self.plan_id,
            "failed_hosts": list(self.failed_hosts),
            "complete": self.complete,
            "optimal": self.optimal,
            "gap": self.gap.to_json() if self.gap else None,
            "limit_reached": self.limit_reached,
            "placements": [
                {**placement.to_json(), "predicted_seconds": self._predicted_seconds(placement.vm)}
                for placement in self.placements
            ],
            "tolerance_after": self.tolerance_after.to_json() if self.tolerance_after else None,
            "unplaced": [vm.to_json() for vm in self.unplaced],
            "predicted_recovery_seconds": rounded(prediction.recovery_seconds) if prediction else None,
            "prediction": prediction.to_json() if prediction else None,
            "elapsed_seconds": self.elapsed_seconds,
        }

    def _predicted_seconds(self, vm: str) -> float | None:
        return rounded(self.prediction.vm_up_seconds[vm]) if self.prediction else None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The figures before and after changes; `errors` has a sentence for each change that cannot be made."""

    before: Tolerance
    after: Tolerance
    errors: tuple[str, ...] = ()

    @property
    def breaks_target(self) -> bool:
        """Tell whether the target was proven to be met, and no longer is."""
        target = self.before.target
        return target is not None and self.after.simultaneous.lower < target <= self.before.simultaneous.lower

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-whatif/1",
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "breaks_target": self.breaks_target,
            "errors": list(self.errors),
        }


@dataclass(frozen=True, slots=True)
class Span:
    """A figure between proven bounds: `lower` holds, more than `upper` cannot."""

    lower: int
    upper: int

    @property
    def proven(self) -> bool:
        return self.lower == self.upper


@dataclass(frozen=True, slots=True)
class Headroom:
    """What can still be started with the tolerance kept at `target`; sizes are needs in bytes.

    `largest` is of one new protected agile VM, `per_host` of one on each host, `count` of VMs of one size,
    one after the other in the best way (None: no size was asked for).
    """

    target: int
    largest: Span
    per_host: tuple[tuple[str, Span], ...]
    count: Span | None
    elapsed_seconds: float

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-headroom/1",
            "target": self.target,
            "largest_vm_bytes": self.largest.lower,
            "largest_vm_upper_bytes": self.largest.upper,
            "count": None if self.count is None else self.count.lower,
            "count_upper": None if self.count is None else self.count.upper,
            "per_host": [
                {"host": host, "largest_vm_bytes": span.lower, "largest_vm_upper_bytes": span.upper}
                for host, span in self.per_host
            ],
            "elapsed_seconds": self.elapsed_seconds,
        }


@dataclass(frozen=True, slots=True)
class Move:
    """One live migration."""

    vm: str
    from_host: str
    to_host: str

    def to_json(self) -> dict[str, Any]:
        return {"vm": self.vm, "from": self.from_host, "to": self.to_host}


@dataclass(frozen=True, slots=True)
class Drain:
    """How hosts are emptied for maintenance; `moves` may be made in their order, `blocked` cannot go."""

    hosts: tuple[str, ...]
    possible: bool | None
    """None: the limit came before a proof."""
    moves: tuple[Move, ...]
    blocked: tuple[Unplaced, ...]
    tolerance_after: Tolerance
    elapsed_seconds: float
    breaks_groups: tuple[str, ...] = ()
    """Groups (uuids) whose preference is kept less well afterwards: nothing better was found."""

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-drain/1",
            "hosts": list(self.hosts),
            "possible": self.possible,
            "moves": [move.to_json() for move in self.moves],
            "blocked": [vm.to_json() for vm in self.blocked],
            "tolerance_after": self.tolerance_after.to_json(),
            "breaks_groups": list(self.breaks_groups),
            "elapsed_seconds": self.elapsed_seconds,
        }


@dataclass(frozen=True, slots=True)
class Reject:
    """A record of the API that did not parse."""

    record_class: str
    uuid: str
    reason: str


@dataclass(frozen=True, slots=True)
class XapiFigures:
    """What xapi itself says: `Pool.ha_plan_exists_for`, `Pool.ha_overcommitted`."""

    ha_plan_exists_for: int
    ha_overcommitted: bool
