"""The page on which people ask: forms without script, each answer in the words of the command of that name.

An answer is worked out beside the watching and waited for; only who asks waits. Nothing is asked again by
itself: what stands there is about the pool as it was when it was asked. Decides nothing about pools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse

from exporter.asking import answer_of, snapshot_of
from exporter.cli.explained import explanation_parts
from exporter.cli.output import Line, Mood, Part, Table
from exporter.cli.repair import repair_parts
from exporter.cli.rolling import rolling_parts
from exporter.cli.words import drain_parts, headroom_parts, plan_parts, whatif_parts
from exporter.names import called, natural
from exporter.page.routes import html
from exporter.page.tone import Tone
from exporter.page.view import key_of, keys_of, link_view, name_of
from exporter.questions import (
    Answer,
    DrainQuestion,
    ExplainQuestion,
    HeadroomQuestion,
    PlanQuestion,
    Question,
    RepairQuestion,
    RollingQuestion,
    WhatIfQuestion,
    hosts_of,
)
from exporter.service import Service
from exporter.state import PoolState
from planner.changes.sizes import SizeError, size_bytes
from planner.errors import InputError
from planner.explain.result import Explanation
from planner.model import Pool
from planner.repair.result import Repair
from planner.results import Drain, Headroom, Plan, WhatIf
from planner.rolling import Rolling

MOST_CHANGES = 100
CHANGES = (
    ("start=VM@HOST", "stop=VM", "migrate=VM@HOST"),
    ("memory=VM:SIZE", "new=NAME:SIZE@HOST:restart", "priority=VM:restart|best-effort|none"),
    ("disable=HOST", "enable=HOST", "add-host=NAME:SIZE"),
    ("remove-host=HOST", "unplug-sr=SR@HOST", "unplug-network=NETWORK@HOST"),
)
"""What can be written into the form, as `xenha whatif --help` lists it."""
_TONES: Mapping[Mood, Tone] = {
    "good": "good",
    "bad": "bad",
    "open": "unknown",
    "plain": "plain",
    "faint": "plain",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the forms, as it was typed."""

    kind: str = ""
    change: str = ""
    hosts: tuple[str, ...] = ()
    memory: str = ""
    target: str = ""
    floor: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an answer: a sentence with its tone, or a table with its numbers' columns."""

    text: str = ""
    tone: Tone = "plain"
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[str] = frozenset()


class FormError(InputError):
    """A form is not filled in as it should be."""


def router(service: Service) -> APIRouter:
    """Return the route of the page on which people ask."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/ask")
    async def ask(
        host: Annotated[list[str], Query(default_factory=list)],
        pool: str = "",
        kind: str = "",
        change: str = "",
        memory: str = "",
        target: str = "",
        floor: str = "",
    ) -> HTMLResponse:
        asked = Asked(kind, change, hosts_of(host), memory.strip(), target.strip(), floor.strip())
        states = service.states()
        found = _found(states, pool)
        if found is None:
            return _page(service, None, asked, (), f"No pool {pool} is watched." if pool else "", 404)
        try:
            blocks = await _answered(service, found, asked)
        except InputError as error:
            return _page(service, found, asked, (), str(error), 400)
        except HTTPException as error:
            return _page(service, found, asked, (), str(error.detail), error.status_code)
        return _page(service, found, asked, blocks, "", 200)

    return routes


def _found(states: Iterable[PoolState], key: str) -> PoolState | None:
    known = list(states)
    if not key and len(known) == 1:
        return known[0]
    return next((state for i, state in enumerate(known) if key in keys_of(state, i)), None)


async def _answered(service: Service, state: PoolState, asked: Asked) -> tuple[Block, ...]:
    if not asked.kind:
        return ()
    question = question_of(asked)
    pool = snapshot_of(state).pool
    answer = await answer_of(service, state, question)
    return tuple(_block(part) for part in parts_of(pool, answer, asked))


def question_of(asked: Asked) -> Question:
    """Return the question that a form asks. Raises InputError with one line."""
    kind = _KINDS.get(asked.kind)
    if kind is None:
        raise FormError(f"{asked.kind}: expected one of {', '.join(_KINDS)}")
    return kind(asked, _failures(asked.target))


def _failures(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise FormError(f"host failures to survive: {text}: expected a number, or nothing for the pool's own")
    return int(text)


def _whatif(asked: Asked, target: int | None) -> Question:
    changes = tuple(line.strip() for line in asked.change.splitlines() if line.strip())
    if not 0 < len(changes) <= MOST_CHANGES:
        raise FormError(f"what if: {len(changes)} changes; expected 1 to {MOST_CHANGES}, each on a line")
    return WhatIfQuestion(changes, target)


def _size_bytes(text: str) -> int | None:
    try:
        return size_bytes(text) if text else None
    except SizeError as error:
        raise FormError(f"VMs of {error}") from None


def _named(asked: Asked) -> tuple[str, ...]:
    if not asked.hosts:
        raise FormError("no host is chosen; expected one or more")
    return asked.hosts


_KINDS: Mapping[str, Callable[[Asked, int | None], Question]] = {
    "whatif": _whatif,
    "plan": lambda asked, _target: PlanQuestion(_named(asked)),
    "drain": lambda asked, target: DrainQuestion(_named(asked), target),
    "rolling": lambda asked, _target: RollingQuestion(_failures(asked.floor), asked.hosts),
    "headroom": lambda asked, target: HeadroomQuestion(_size_bytes(asked.memory), target=target),
    "repair": lambda _asked, target: RepairQuestion(target),
    "explain": lambda _asked, target: ExplainQuestion(target),
}


def parts_of(pool: Pool, answer: Answer, asked: Asked) -> Iterable[Part]:
    """Return an answer in words, as the command of the question shows it."""
    match answer:
        case WhatIf():
            return [*(Line(error, "bad") for error in answer.errors), *whatif_parts(answer)]
        case Plan():
            return plan_parts(pool, answer)
        case Drain():
            return drain_parts(pool, answer)
        case Rolling():
            return rolling_parts(pool, answer)
        case Headroom():
            return headroom_parts(pool, answer, asked.memory)
        case Repair():
            return repair_parts(pool, answer)
        case Explanation():
            return explanation_parts(pool, answer)
    raise AssertionError(f"no words for {type(answer).__name__}")


def _block(part: Part) -> Block:
    if isinstance(part, Table):
        return Block(headings=part.headings, rows=part.rows, numbers=part.numbers)
    return Block(text=part.text, tone=_TONES[part.mood])


def _page(
    service: Service,
    state: PoolState | None,
    asked: Asked,
    blocks: tuple[Block, ...],
    problem: str,
    status: int,
) -> HTMLResponse:
    states, now_seconds = service.states(), service.clock.wall_seconds()
    position = next((i for i, each in enumerate(states) if state and each.source == state.source), 0)
    hosts = state.pool.hosts if state and state.pool else ()
    return html(
        "ask.html",
        status,
        key=key_of(state, position) if state else "",
        name=name_of(state) if state else "",
        seen_at_seconds=state.seen_at_seconds if state else None,
        hosts=sorted(((host.uuid, called(host)) for host in hosts), key=lambda one: natural(one[1])),
        asked=asked,
        blocks=blocks,
        problem=problem,
        changes=CHANGES,
        links=[link_view(each, i, now_seconds) for i, each in enumerate(states)],
        current_key=key_of(state, position) if state else "",
    )
