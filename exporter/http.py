"""The web application: metrics, health, API and page on one port.

`/-/healthy` is 200 as long as requests are answered at all. `/-/ready` is 200 once every source has settled:
its pool has figures, or it is known why there are none; a source that is down thus does not keep the others
from being scraped. Every error is JSON of one line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

from exporter import api
from exporter.asgi import HeadLikeGet, LastWords, ShortBodies, StrictHeaders
from exporter.contracts import WhatIfBody
from exporter.exposition import Exposition, own_version
from exporter.page import asking
from exporter.page import routes as page
from exporter.service import Service
from planner.inventory.pydantic_words import problem_of

GZIP_LEVEL = 4
"""Half the time of the default 9 for a scrape hardly any bigger."""

_log = logging.getLogger("xenha.http")


def create_app(service: Service) -> FastAPI:
    """Return the application that shows what `service` knows."""
    app = FastAPI(
        title="xenha",
        summary="How many host failures a XenServer / XCP-ng pool really survives.",
        version=own_version(),
        docs_url=None,  # both pages load their script from elsewhere
        redoc_url=None,
    )
    app.include_router(api.router(service))
    app.include_router(page.router(service))
    app.include_router(asking.router(service))
    _add_metrics(app, service)
    _add_health(app, service)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _wrong_question)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(ShortBodies)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=GZIP_LEVEL)
    app.add_middleware(HeadLikeGet)
    app.add_middleware(LastWords)
    app.add_middleware(StrictHeaders)
    return app


def _add_metrics(app: FastAPI, service: Service) -> None:
    exposition = Exposition(service.states, service.clock, own_version(), service.daemons)

    @app.get(
        "/metrics",
        summary="All metrics, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}},
    )
    def metrics(request: Request) -> Response:
        body, content_type = exposition.render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/-/healthy", summary="Whether the process answers", response_class=PlainTextResponse)
    def healthy() -> str:
        return "xenha is healthy.\n"

    @app.get(
        "/-/ready",
        summary="Whether every source has settled",
        response_class=PlainTextResponse,
        responses={
            503: {"description": "Names the sources still waited for.", "content": {"text/plain": {}}}
        },
    )
    def ready() -> PlainTextResponse:
        waiting = [state.source for state in service.states() if not state.settled]
        if waiting:
            return PlainTextResponse(f"waiting for {', '.join(waiting)}\n", 503, {"Retry-After": "1"})
        return PlainTextResponse("xenha is ready.\n")


# Errors


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = str(error.detail)
    if error.status_code == 404 and problem == "Not Found":
        problem = f"there is nothing at {request.url.path}"
    return _problem(problem, error.status_code, error.headers)


async def _wrong_question(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _problem("; ".join(_sentence(found) for found in error.errors()), 400)


def _sentence(found: dict[str, Any]) -> str:
    if found["type"] == "json_invalid":
        return f"body: not JSON: {found['ctx']['error']}"
    where = ".".join(str(step) for step in found["loc"][1:]) or str(found["loc"][0])
    problem = problem_of(found, WhatIfBody.model_fields)
    return f"{where}: {problem[:1].lower()}{problem[1:]}"


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("%s: %s: %s", request.url.path, type(error).__name__, error)
    return _problem(f"internal error: {type(error).__name__}", 500)


def _problem(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error; what a client put into its question comes back on one line."""
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return JSONResponse({"error": line}, status, headers)
