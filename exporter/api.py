"""`/api/v1`: the contracts of DESIGN §5 over HTTP, read from the newest states.

Nothing here plans in the request: figures are the ones the service holds, a plan is asked for and waited for
without holding up anybody else. Bodies are the contracts to the letter; what more there is to say (how old
the answer is) stands in headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import JSONResponse, Response

from exporter.contracts import DaemonsAnswer, PlanAnswer, PoolsAnswer, Problem, ToleranceAnswer
from exporter.daemons.state import DaemonState
from exporter.plans import Busy
from exporter.service import Service
from exporter.state import Figures, PoolState, pool_of_host
from hacore.status import plain
from planner.errors import UnknownHostError
from planner.inventory.poolfile import dump_pool
from planner.inventory.snapshot import Snapshot

MOST_FAILED = 1024
"""Hosts that one question may name; no pool has more."""

PoolQuery = Annotated[
    str | None, Query(alias="pool", description="UUID of the pool; needed if several are served.")
]
FailQuery = Annotated[
    list[str],
    Query(
        alias="fail",
        min_length=1,
        max_length=MOST_FAILED,
        description="A host that fails: UUID or unique name. Given once for each.",
    ),
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
    routes = APIRouter(prefix="/api/v1", responses=_PROBLEMS)

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
        state = _state_of(service, uuid)
        text = dump_pool(_snapshot_of(state).pool)
        return Response(text, media_type="application/json", headers=_ages(state))

    @routes.get(
        "/tolerance",
        summary="How many host failures the pool survives",
        responses={200: {"model": ToleranceAnswer, "headers": _FIGURE_AGES}},
    )
    def tolerance(uuid: PoolQuery = None) -> Response:
        state = _state_of(service, uuid)
        figures, now_seconds = _figures_of(state), service.clock.wall_seconds()
        ages = {
            **_ages(state),
            "X-Xenha-Plan-Timestamp": f"{figures.planned_at_seconds:.3f}",
            "X-Xenha-Plan-Lag": f"{state.lag_seconds(now_seconds):.3f}",
        }
        return JSONResponse(figures.tolerance.to_json(), headers=ages)

    @routes.get(
        "/plan",
        summary="Where the VMs restart if hosts fail",
        responses={200: {"model": PlanAnswer, "headers": _AGES}},
    )
    async def plan(failed: FailQuery, uuid: PoolQuery = None) -> Response:
        state = _state_of(service, uuid)
        _snapshot_of(state)
        try:
            answer = await asyncio.shield(asyncio.wrap_future(service.plan(state, failed)))
        except UnknownHostError as error:
            raise HTTPException(400 if error.candidates else 404, str(error).removeprefix("--")) from None
        except Busy as error:
            raise _not_now(str(error)) from None
        return JSONResponse(answer.to_json(), headers=_ages(state))

    _add_daemons(routes, service)
    return routes


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


def _state_of(service: Service, uuid: str | None) -> PoolState:
    """Return the one state that is asked for. Raises HTTPException: 400, 404 or 503."""
    served = [state for state in service.states() if not state.duplicate_of]
    if uuid is None:
        if len(served) == 1:
            return served[0]
        raise HTTPException(400, f"pool: {len(served)} pools are served; expected the UUID of one of them")
    found = next((state for state in served if state.pool_uuid == uuid), None)
    if found is not None:
        return found
    if all(state.pool_uuid for state in served):
        raise HTTPException(404, f"pool: no pool {uuid} is served")
    raise _not_now(f"pool: {uuid} is not known, and not every source has answered yet")


def _snapshot_of(state: PoolState) -> Snapshot:
    if state.snapshot is None:
        raise _not_now(f"{state.source}: {state.problem or 'not seen yet'}")
    return state.snapshot


def _figures_of(state: PoolState) -> Figures:
    _snapshot_of(state)
    if state.figures is None:
        raise _not_now(f"{state.source}: {state.plan_problem or 'the first figures are being worked out'}")
    return state.figures


def _not_now(problem: str) -> HTTPException:
    return HTTPException(503, problem, headers={"Retry-After": "2"})


def _ages(state: PoolState) -> Mapping[str, str]:
    return {
        "X-Xenha-Up": "1" if state.up else "0",
        "X-Xenha-Snapshot-Timestamp": f"{state.seen_at_seconds or 0:.3f}",
    }


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
