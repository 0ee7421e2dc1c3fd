"""The shapes of the HTTP API's answers, for OpenAPI alone: DESIGN §5.3 to §5.5 in pydantic.

Answers themselves come from `planner.results`; tests hold both against each other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

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


class GapAnswer(_Shape):
    """By how much a plan that is not proven best may fall short of the best."""

    what: Literal["vms", "memory_bytes"]
    order: int | None = Field(description="of the VMs; -1: all negative orders; null: memory")
    placed: int
    at_most: int


class PlanAnswer(_Shape):
    """Where VMs restart if the given hosts fail."""

    format: Literal["xenha-plan/1"]
    plan_id: str
    failed_hosts: list[str]
    complete: bool
    optimal: bool
    gap: GapAnswer | None
    limit_reached: bool = Field(
        description="the limit ended a search: another run may choose other places; else each gives this plan"
    )
    placements: list[PlacementAnswer]
    tolerance_after: ToleranceAnswer | None
    unplaced: list[UnplacedAnswer]
    predicted_recovery_seconds: float | None = Field(
        description="from the failure until every protected VM serves; null: not all restart"
    )
    prediction: PredictionAnswer | None
    elapsed_seconds: float


class WhatIfBody(_Shape):
    """Changes to make in thought, in this order."""

    changes: list[Annotated[str, Field(max_length=1_000)]] = Field(
        max_length=100,
        description="Each as xenha whatif --change takes it, such as start=VM@HOST or disable=HOST.",
        examples=[["disable=host-1", "new=web9:16GiB@host-2:restart"]],
    )
    target: int | None = Field(default=None, ge=0, le=10_000, description="null: the pool's own")


class WhatIfAnswer(_Shape):
    """How many host failures a pool survives before and after changes."""

    format: Literal["xenha-whatif/1"]
    before: ToleranceAnswer
    after: ToleranceAnswer
    breaks_target: bool
    errors: list[str] = Field(description="a sentence for each change that cannot be made")


class HostHeadroom(_Shape):
    host: str
    largest_vm_bytes: int
    largest_vm_upper_bytes: int


class HeadroomAnswer(_Shape):
    """What can still start with the target kept: needs of new protected, agile VMs."""

    format: Literal["xenha-headroom/1"]
    target: int
    largest_vm_bytes: int
    largest_vm_upper_bytes: int
    count: int | None = Field(description="VMs of the size asked for; null: none was")
    count_upper: int | None
    per_host: list[HostHeadroom]
    elapsed_seconds: float


class MoveAnswer(_Shape):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    vm: str
    from_: str = Field(alias="from")
    to: str


_BREAKS = Field(description="groups that are not enforced and whose preference is kept less well afterwards")


class DrainAnswer(_Shape):
    """How hosts are emptied before maintenance."""

    format: Literal["xenha-drain/1"]
    hosts: list[str]
    possible: bool | None = Field(description="null: open, the limit came before a proof")
    moves: list[MoveAnswer]
    blocked: list[UnplacedAnswer]
    tolerance_after: ToleranceAnswer
    breaks_groups: list[str] = _BREAKS
    elapsed_seconds: float


class PurchaseAnswer(_Shape):
    host: str = Field(description="UUID; new: one more host")
    bytes: int
    cpus: int | None = Field(description="cores of one more host where vCPUs count, else null")


class RepairAnswer(_Shape):
    """The fewest migrations that reach the target, or what else would."""

    format: Literal["xenha-repair/1"]
    target: int
    possible: bool | None = Field(description="null: open, the limit came before a proof")
    minimal: bool
    safe: bool
    moves: list[MoveAnswer]
    breaks_groups: list[str] = _BREAKS
    purchase: PurchaseAnswer | None
    purchase_proven: bool
    demote: list[str] | None
    demote_proven: bool
    elapsed_seconds: float


class StepAnswer(_Shape):
    """One maintenance: its moves empty the host and may be made in their order."""

    host: str
    moves: list[MoveAnswer]
    breaks_groups: list[str] = _BREAKS


class StuckAnswer(_Shape):
    """The maintenance that does not work."""

    host: str
    lacking_bytes: int | None = Field(description="null: not known, or not a matter of memory")
    blocked: list[UnplacedAnswer]


class RollingAnswer(_Shape):
    """An order in which every host is emptied, maintained and brought back once."""

    format: Literal["xenha-rolling/1"]
    floor: int = Field(description="host failures survived while a host is out")
    possible: bool | None = Field(description="null: open, no order was found and none is refuted")
    steps: list[StepAnswer] = Field(description="those that work, in their order")
    stuck: StuckAnswer | None
    elapsed_seconds: float


class LeftOverAnswer(_Shape):
    """A VM that stays down after the loss, and where it comes closest."""

    vm: str
    need_bytes: int
    reason: Literal["memory", "reach", "unknown"]
    closest_host: str | None
    free_bytes: int
    missing_bytes: int
    places: int
    as_large_vms: int
    tolerance_without: dict[str, int] | None


class LimitsAnswer(_Shape):
    """The loss that is not survived."""

    hosts: list[str]
    reason: Literal["memory", "reach", "cpu", "affinity", "quorum", "all_hosts", "down"]
    vms: list[str]
    restart_vms: int
    restart_bytes: int
    free_bytes: int
    packable_bytes: int
    packable_upper_bytes: int
    missing_bytes: int
    left_vms: int
    left: list[LeftOverAnswer] = Field(description="the largest of them")
    proven: bool


class ExplainAnswer(_Shape):
    """Why a pool survives no more host failures than it does."""

    format: Literal["xenha-explain/1"]
    tolerance: ToleranceAnswer
    limits: LimitsAnswer | None
    fragmentation: dict[str, Any] = Field(description="free memory, and what of it VMs can fill, by host")
    xapi: dict[str, Any] = Field(description="what xapi's own rule says, and why it is another figure")
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
