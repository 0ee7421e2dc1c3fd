"""`/api/v1`: the contracts of DESIGN §5 over HTTP, read from the newest states.

Nothing here plans in the request: figures are the ones the service holds, other answers are asked for and
waited for without holding up anybody else. Bodies are the contracts to the letter; what more there is to say
(how old the answer is) stands in headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from exporter.asking import PoolQuery, ages, answer_of, not_now, nothing_ignored, snapshot_of, state_of
from exporter.contracts import (
    DaemonsAnswer,
    DrainAnswer,
    ExplainAnswer,
    HeadroomAnswer,
    PlanAnswer,
    PoolsAnswer,
    Problem,
    RepairAnswer,
    RollingAnswer,
    ToleranceAnswer,
    WhatIfAnswer,
    WhatIfBody,
)
from exporter.daemons.state import DaemonState
from exporter.questions import (
    DrainQuestion,
    ExplainQuestion,
    HeadroomQuestion,
    PlanQuestion,
    Question,
    RepairQuestion,
    RollingQuestion,
    ToleranceQuestion,
    WhatIfQuestion,
    hosts_of,
)
from exporter.service import Service
from exporter.state import Figures, PoolState, pool_of_host
from hacore.status import plain
from planner.changes.sizes import SizeError, size_bytes
from planner.inventory.poolfile import dump_pool

MOST_HOSTS = 1024
"""Hosts that one question may name; no pool has more."""

FailQuery = Annotated[
    list[str],
    Query(
        alias="fail",
        min_length=1,
        max_length=MOST_HOSTS,
        description="A host that fails: UUID or unique name. Given once for each.",
    ),
]
HostQuery = Annotated[
    list[str],
    Query(
        alias="host",
        min_length=1,
        max_length=MOST_HOSTS,
        description="A host to empty: UUID or unique name. Given once for each.",
    ),
]
SkipQuery = Annotated[
    list[str],
    Query(
        alias="skip",
        default_factory=list,
        max_length=MOST_HOSTS,
        description="A host that stays in service: UUID or unique name. Given once for each.",
    ),
]
FloorQuery = Annotated[
    int | None,
    Query(
        ge=0,
        le=10_000,
        description="Host failures to survive while a host is out; one below the target if left out.",
    ),
]
TargetQuery = Annotated[
    int | None,
    Query(ge=0, le=10_000, description="Host failures to tolerate; the pool's own if left out."),
]
VcpusQuery = Annotated[
    int, Query(ge=1, le=10_000, description="vCPUs of each new VM, where the pool's figures count them.")
]
MemoryQuery = Annotated[
    str | None, Query(max_length=100, description="Also tell how many VMs of this size can start: 16GiB.")
]
_AGES = {
    "X-Xenha-Up": {
        "description": "1 while the source answers, else 0: the last known state.",
        "schema": {"type": "string", "enum": ["0", "1"]},
    },
    "X-Xenha-Snapshot-Timestamp": {
        "description": "When the pool was last seen, seconds since 1970.",
        "schema": {"type": "string"},
    },
}
_FIGURE_AGES = {
    **_AGES,
    "X-Xenha-Plan-Timestamp": {
        "description": "When the figures were worked out, seconds since 1970.",
        "schema": {"type": "string"},
    },
    "X-Xenha-Plan-Lag": {
        "description": "Seconds since the oldest change that the figures do not cover yet; 0.000 if they do.",
        "schema": {"type": "string"},
    },
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "A wrong question."},
    503: {"model": Problem, "description": "No answer yet; Retry-After says when to ask again."},
}
_POOL_FILE = {
    "schema": {
        "type": "object",
        "description": "A pool file, xenha-pool/1; its full schema: xenha inventory --schema.",
        "required": ["format", "pool", "hosts", "srs", "networks", "groups", "vms"],
    }
}


def router(service: Service) -> APIRouter:
    """Return the routes of the API."""
    routes = APIRouter(prefix="/api/v1", responses=_PROBLEMS, dependencies=[Depends(nothing_ignored)])

    @routes.get("/pools", summary="All watched sources", responses={200: {"model": PoolsAnswer}})
    def pools() -> Response:
        now_seconds = service.clock.wall_seconds()
        summaries = [_summary(state, now_seconds) for state in service.states()]
        return JSONResponse({"format": "xenha-pools/1", "pools": summaries})

    @routes.get(
        "/pool",
        summary="The pool as last seen, as a pool file",
        responses={200: {"headers": _AGES, "content": {"application/json": _POOL_FILE}}},
    )
    def pool(uuid: PoolQuery = None) -> Response:
        state = state_of(service, uuid)
        text = dump_pool(snapshot_of(state).pool)
        return Response(text, media_type="application/json", headers=ages(state))

    @routes.get(
        "/tolerance",
        summary="How many host failures the pool survives",
        responses={200: {"model": ToleranceAnswer, "headers": _FIGURE_AGES}},
    )
    def tolerance(uuid: PoolQuery = None) -> Response:
        state = state_of(service, uuid)
        figures, now_seconds = _figures_of(state), service.clock.wall_seconds()
        headers = {
            **ages(state),
            "X-Xenha-Plan-Timestamp": f"{figures.planned_at_seconds:.3f}",
            "X-Xenha-Plan-Lag": f"{state.lag_seconds(now_seconds):.3f}",
        }
        return JSONResponse(figures.tolerance.to_json(), headers=headers)

    _add_questions(routes, service)
    _add_searches(routes, service)
    _add_daemons(routes, service)
    return routes


def _add_questions(routes: APIRouter, service: Service) -> None:
    """Add what is answered in a moment."""

    @routes.get("/plan", summary="Where the VMs restart if hosts fail", responses=_answered(PlanAnswer))
    async def plan(failed: FailQuery, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, PlanQuestion(hosts_of(failed)))

    @routes.post("/whatif", summary="The figures after changes", responses=_answered(WhatIfAnswer))
    async def whatif(body: WhatIfBody, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, WhatIfQuestion(tuple(body.changes), body.target))

    @routes.get("/headroom", summary="What can still start", responses=_answered(HeadroomAnswer))
    async def headroom(
        memory: MemoryQuery = None,
        vcpus: VcpusQuery = 1,
        target: TargetQuery = None,
        uuid: PoolQuery = None,
    ) -> Response:
        return await _told(service, uuid, HeadroomQuestion(_size_bytes(memory), vcpus, target))

    @routes.get("/drain", summary="How hosts are emptied", responses=_answered(DrainAnswer))
    async def drain(hosts: HostQuery, target: TargetQuery = None, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, DrainQuestion(hosts_of(hosts), target))


def _add_searches(routes: APIRouter, service: Service) -> None:
    """Add what may take the pool's whole limit: one such search at a time."""

    @routes.get("/repair", summary="Migrations that reach the target", responses=_answered(RepairAnswer))
    async def repair(target: TargetQuery = None, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, RepairQuestion(target))

    @routes.get("/rolling", summary="An order of maintenance", responses=_answered(RollingAnswer))
    async def rolling(skipped: SkipQuery, floor: FloorQuery = None, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, RollingQuestion(floor, hosts_of(skipped)))

    @routes.get("/explain", summary="What limits the figure", responses=_answered(ExplainAnswer))
    async def explain(target: TargetQuery = None, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, ExplainQuestion(target))

    @routes.get(
        "/orders",
        summary="The tolerance with orders of more than two failures followed",
        responses=_answered(ToleranceAnswer),
    )
    async def orders(target: TargetQuery = None, uuid: PoolQuery = None) -> Response:
        return await _told(service, uuid, ToleranceQuestion(target, long_orders=True))


def _answered(shape: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"model": shape, "headers": _AGES},
        429: {"model": Problem, "description": "Too many questions at a time; Retry-After says when again."},
    }


async def _told(service: Service, uuid: str | None, question: Question) -> Response:
    state = state_of(service, uuid)
    answer = await answer_of(service, state, question)
    return JSONResponse(answer.to_json(), headers=ages(state))


def _size_bytes(text: str | None) -> int | None:
    try:
        return None if text is None else size_bytes(text)
    except SizeError as error:
        raise HTTPException(400, f"memory: {error}") from None


def _add_daemons(routes: APIRouter, service: Service) -> None:
    @routes.get(
        "/daemons",
        summary="What the daemons of the hosts say",
        responses={200: {"model": DaemonsAnswer}},
    )
    def daemons() -> Response:
        states = service.states()
        told = [_daemon(daemon, states) for daemon in service.daemons()]
        return JSONResponse({"format": "xenha-daemons/1", "daemons": told})


def _figures_of(state: PoolState) -> Figures:
    snapshot_of(state)
    if state.figures is None:
        raise not_now(f"{state.source}: {state.plan_problem or 'the first figures are being worked out'}")
    return state.figures


def _summary(state: PoolState, now_seconds: float) -> dict[str, Any]:
    figures, pool = state.figures, None if state.duplicate_of else state.pool
    problem = f"the same pool as {state.duplicate_of}" if state.duplicate_of else state.problem
    return {
        "source": state.source,
        "uuid": pool.uuid if pool else None,
        "name": pool.name if pool else None,
        "up": state.up and not state.duplicate_of,
        "problem": problem or None,
        "plan_problem": state.plan_problem or None,
        "snapshot_timestamp_seconds": state.seen_at_seconds,
        "plan_timestamp_seconds": figures.planned_at_seconds if figures and pool else None,
        "plan_lag_seconds": state.lag_seconds(now_seconds),
        "tolerance": figures.tolerance.to_json() if figures and pool else None,
    }


def _daemon(daemon: DaemonState, states: Sequence[PoolState]) -> dict[str, Any]:
    pool = pool_of_host(states, daemon.host_uuid)
    problem = f"the same host as {daemon.duplicate_of}" if daemon.duplicate_of else daemon.problem
    return {
        "socket": daemon.socket,
        "host": daemon.host_uuid or None,
        "pool": pool.uuid if pool else None,
        "up": daemon.shown is not None,
        "problem": problem or None,
        "seen_timestamp_seconds": daemon.seen_at_seconds,
        "status": plain(daemon.status) if daemon.status and not daemon.duplicate_of else None,
    }
