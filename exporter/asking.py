"""From a request to a pool and an answer about it: what every route that asks has in common.

A wrong question is 400, something that is not there 404, too many questions 429, no answer yet 503; each with
one line that says what was expected, the last two with Retry-After. Must never plan in the request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, get_origin

from fastapi import HTTPException, Query, Request

from exporter.answers import Busy
from exporter.questions import Answer, Question
from exporter.service import Service
from exporter.state import PoolState
from planner.errors import InputError, UnknownHostError
from planner.inventory.pydantic_words import unknown_key
from planner.inventory.snapshot import Snapshot

AGAIN = {"Retry-After": "2"}

PoolQuery = Annotated[
    str | None, Query(alias="pool", description="UUID of the pool; needed if several are served.")
]


def nothing_ignored(request: Request) -> None:
    """Refuse a parameter that the route does not read, or reads once and was given again.

    A slip (`vcpu=4`) must not get the answer to another question. Raises HTTPException: 400.
    """
    expected = {each.alias: each for each in request.scope["route"].dependant.query_params}
    for key, times in Counter(key for key, _ in request.query_params.multi_items()).items():
        if key not in expected:
            raise HTTPException(400, f"{key}: {unknown_key(key, list(expected))}")
        if times > 1 and get_origin(expected[key].field_info.annotation) is not list:
            raise HTTPException(400, f"{key}: given {times} times; expected once")


async def answer_of(service: Service, state: PoolState, question: Question) -> Answer:
    """Return the answer about a pool that was seen, waiting beside everybody else.

    Raises HTTPException. Who goes away does not take the answer from others who wait for it.
    """
    snapshot_of(state)
    try:
        return await asyncio.shield(asyncio.wrap_future(service.ask(state, question)))
    except UnknownHostError as error:
        raise HTTPException(400 if error.candidates else 404, str(error).removeprefix("--")) from None
    except InputError as error:
        raise HTTPException(400, str(error)) from None
    except Busy as error:
        raise HTTPException(429, str(error), headers=AGAIN) from None


def state_of(service: Service, uuid: str | None) -> PoolState:
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
    raise not_now(f"pool: {uuid} is not known, and not every source has answered yet")


def snapshot_of(state: PoolState) -> Snapshot:
    """Return the newest look at the pool. Raises HTTPException: 503."""
    if state.snapshot is None:
        raise not_now(f"{state.source}: {state.problem or 'not seen yet'}")
    return state.snapshot


def not_now(problem: str) -> HTTPException:
    """Return the error of an answer that is not there yet."""
    return HTTPException(503, problem, headers=AGAIN)


def ages(state: PoolState) -> Mapping[str, str]:
    """Return the headers that say how old the look at the pool is."""
    return {
        "X-Xenha-Up": "1" if state.up else "0",
        "X-Xenha-Snapshot-Timestamp": f"{state.seen_at_seconds or 0:.3f}",
    }
