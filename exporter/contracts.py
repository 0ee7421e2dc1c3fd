"""The shapes of the HTTP API's answers, for OpenAPI alone: DESIGN §5.3 and §5.4 in pydantic.

Answers themselves come from `planner.results`; tests hold both against each other.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Shape):
    """What is wrong, in one line."""

    error: str


class PoolName(_Shape):
    uuid: str
    name: str


class Witness(_Shape):
    """Hosts that cannot all be lost, and VMs of which no packing places all."""

    hosts: list[str]
    vms: list[str]
    reason: Literal["memory", "reach", "cpu", "affinity", "quorum", "all_hosts", "down"]


class SequentialWitness(_Shape):
    """The first host to fail, and the hosts of which no placement of its VMs survives all.

    No first host: VMs that are down have to be placed before. Deeper orders nest.
    """

    hosts: list[str]
    then: list[str | SequentialWitness]


class DomainBounds(_Shape):
    lower: int
    upper: int
    proven: bool
    witness: Witness | None


class Bounds(_Shape):
    """lower is proven safe, upper proven not to be exceeded; method is that of the lower bound."""

    lower: int
    upper: int
    proven: bool
    method: Literal["trivial", "certificate", "reservation", "enumeration", "solver"]
    witness: Witness | None


class SequentialBounds(Bounds):
    witness: Witness | SequentialWitness | None  # type: ignore[assignment]


class ToleranceAnswer(_Shape):
    """How many host failures a pool survives."""

    format: Literal["xenha-tolerance/1"]
    pool: PoolName
    hosts: int = Field(description="live and enabled ones")
    protected_vms: int
    target: int | None
    simultaneous: Bounds
    sequential: SequentialBounds
    domains: dict[str, DomainBounds]
    overcommitted: bool | None = Field(description="null: unknown")
    elapsed_seconds: float


class PlacementAnswer(_Shape):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    vm: str
    from_: str | None = Field(alias="from", description="null: the VM was down")
    to: str
    priority: Literal["restart", "best-effort"]
    order: int
    wave: int
    start_delay_seconds: int
    predicted_seconds: float | None = Field(description="from the failure until the VM serves again")


class UnplacedAnswer(_Shape):
    vm: str
    reason: Literal["memory", "reach", "unknown"]
    detail: str


class WaveAnswer(_Shape):
    """Seconds from the failure until the wave begins, and until the last of its VMs serves."""

    wave: int
    starts_seconds: float
    up_seconds: float


class PredictionAnswer(_Shape):
    """What a predicted recovery consists of, and what it rests on."""

    detection_seconds: float
    fence_wait_seconds: float
    restart_seconds: float | None
    boot_seconds: float
    boot_slots: int
    waves: list[WaveAnswer]


class PlanAnswer(_Shape):
    """Where VMs restart if the given hosts fail."""

    format: Literal["xenha-plan/1"]
    plan_id: str
    failed_hosts: list[str]
    complete: bool
    optimal: bool
    placements: list[PlacementAnswer]
    tolerance_after: ToleranceAnswer | None
    unplaced: list[UnplacedAnswer]
    predicted_recovery_seconds: float | None = Field(
        description="from the failure until every protected VM serves; null: not all restart"
    )
    prediction: PredictionAnswer | None
    elapsed_seconds: float


class PoolSummary(_Shape):
    """One watched source. What is not known yet is null."""

    source: str
    uuid: str | None
    name: str | None
    up: bool
    problem: str | None = Field(description="why the source does not answer, or its pool is not shown")
    plan_problem: str | None = Field(description="why the last planning broke off")
    snapshot_timestamp_seconds: float | None
    plan_timestamp_seconds: float | None
    plan_lag_seconds: float
    tolerance: ToleranceAnswer | None


class PoolsAnswer(_Shape):
    """All watched sources, in the operator's order."""

    format: Literal["xenha-pools/1"]
    pools: list[PoolSummary]


class DaemonAnswer(_Shape):
    """One watched control socket. What is not known yet is null."""

    socket: str
    host: str | None = Field(
        description="UUID; null: never answered, or another socket leads to the same host"
    )
    pool: str | None = Field(description="UUID of the watched pool that has the host")
    up: bool
    problem: str | None = Field(description="why the daemon does not answer, or is not shown")
    seen_timestamp_seconds: float | None
    status: dict[str, object] | None = Field(
        description="what the daemon said last, xenha-daemon/1; ages are those of that moment"
    )


class DaemonsAnswer(_Shape):
    """All watched control sockets, in the operator's order."""

    format: Literal["xenha-daemons/1"]
    daemons: list[DaemonAnswer]
