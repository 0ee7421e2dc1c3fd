"""The shape of a pool file (DESIGN §5.2) as types that pydantic checks: keys, kinds and ranges.

Defaults are not here but in `planner.model`; what spans several values is checked in `poolcheck`.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

FORMAT = "xenha-pool/1"

BYTES_MAX = 2**48
"""256 TiB: more than any x86 host can address; sums of 32 767 such sizes still fit into 63 bits."""

COUNT_MAX = 2**31 - 1

CPUS_MAX = 65_536

TIMEOUT_SECONDS_MAX = 86_400

STRICT = ConfigDict(strict=True, extra="forbid")

Uuid = Annotated[str, Field(min_length=1)]
UuidList = Annotated[list[Uuid], Field(json_schema_extra={"uniqueItems": True})]
TextList = Annotated[list[str], Field(json_schema_extra={"uniqueItems": True})]
Bytes = Annotated[int, Field(ge=0, le=BYTES_MAX)]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]
Cpus = Annotated[int, Field(ge=1, le=CPUS_MAX)]
TimeoutSeconds = Annotated[int, Field(ge=1, le=TIMEOUT_SECONDS_MAX)]


@with_config(STRICT)
class PoolShape(TypedDict):
    """The pool record."""

    uuid: Uuid
    name: str
    master: NotRequired[Annotated[Uuid, Field(description="uuid of a host")]]
    ha_enabled: NotRequired[bool]
    ha_host_failures_to_tolerate: NotRequired[Count]
    ha_allow_overcommit: NotRequired[bool]
    ha_timeout_seconds: NotRequired[TimeoutSeconds]
    heartbeat_srs: NotRequired[Annotated[UuidList, Field(description="uuids of SRs")]]
    quorum: NotRequired[
        Annotated[
            Literal["disk", "majority"],
            Field(description="majority: a clustered pool, that lives while more than half of its hosts do"),
        ]
    ]


@with_config(STRICT)
class HostShape(TypedDict):
    """A host."""

    uuid: Uuid
    name: NotRequired[str]
    memory_total_bytes: Bytes
    memory_overhead_bytes: NotRequired[Bytes]
    cpus: NotRequired[Cpus]
    enabled: NotRequired[bool]
    live: NotRequired[bool]
    failure_domains: NotRequired[
        Annotated[
            dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(min_length=1)]],
            Field(description='what fails together, e.g. {"rack": "r1"}'),
        ]
    ]
    tags: NotRequired[TextList]


@with_config(STRICT)
class SRShape(TypedDict):
    """A storage repository."""

    uuid: Uuid
    name: NotRequired[str]
    type: NotRequired[str]
    shared: NotRequired[bool]
    hosts: NotRequired[Annotated[UuidList, Field(description="hosts that reach it; default: all")]]


@with_config(STRICT)
class NetworkShape(TypedDict):
    """A network."""

    uuid: Uuid
    name: NotRequired[str]
    hosts: NotRequired[Annotated[UuidList, Field(description="hosts that reach it; default: all")]]


@with_config(STRICT)
class VMGroupShape(TypedDict):
    """A VM group."""

    uuid: Uuid
    name: NotRequired[str]
    placement: Literal["normal", "anti_affinity", "affinity"]
    enforced: NotRequired[
        Annotated[bool, Field(description="anti_affinity only; then it counts in the figure")]
    ]


@with_config(STRICT)
class VMShape(TypedDict):
    """A VM, control domains included."""

    uuid: Uuid
    name: NotRequired[str]
    memory_static_max_bytes: Bytes
    memory_dynamic_min_bytes: NotRequired[Bytes]
    memory_overhead_bytes: NotRequired[Bytes]
    vcpus: NotRequired[Cpus]
    power_state: NotRequired[
        Annotated[
            Literal["Running", "Halted", "Paused", "Suspended"],
            Field(description="default: Running if resident_on is set, else Halted"),
        ]
    ]
    resident_on: NotRequired[Annotated[Uuid | None, Field(description="uuid of a host")]]
    scheduled_to_be_resident_on: NotRequired[Annotated[Uuid | None, Field(description="uuid of a host")]]
    ha_restart_priority: NotRequired[Literal["restart", "best-effort", ""]]
    ha_always_run: NotRequired[
        Annotated[bool, Field(description='default: whether ha_restart_priority is "restart"')]
    ]
    order: NotRequired[Count]
    start_delay_seconds: NotRequired[Count]
    srs: NotRequired[Annotated[UuidList, Field(description="SRs it needs; left out: no restriction")]]
    networks: NotRequired[
        Annotated[UuidList, Field(description="networks it needs; left out: no restriction")]
    ]
    candidate_hosts: NotRequired[
        Annotated[UuidList, Field(description="the only hosts that have what else it needs; empty: no host")]
    ]
    unagile_because: NotRequired[TextList]
    groups: NotRequired[Annotated[UuidList, Field(description="at most one group of each placement")]]
    is_control_domain: NotRequired[bool]
    tags: NotRequired[TextList]


@with_config(STRICT)
class PoolFileShape(TypedDict):
    """A pool with everything in it: input of every xenha command, bug report and test case."""

    format: Literal["xenha-pool/1"]
    pool: PoolShape
    hosts: list[HostShape]
    srs: list[SRShape]
    networks: list[NetworkShape]
    groups: list[VMGroupShape]
    vms: list[VMShape]
