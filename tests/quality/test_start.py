"""What a start may cost: a command must not wait for what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "ortools",
    "numpy",
    "matplotlib",
    "pandas",
    "fastapi",
    "uvicorn",
    "jinja2",
    "httpx",
    "apscheduler",
    "XenAPI",
)


def loaded(code: str, *, more: tuple[str, ...] = ()) -> list[str]:
    """Return which heavy packages a fresh interpreter has loaded after running `code`."""
    heavy = (*HEAVY, *more)
    script = f"import sys\n{code}\nsys.stderr.write(' '.join(m for m in {heavy!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.split()


@pytest.mark.parametrize("module", ["exporter.cli", "exporter.cli.app", "planner.results", "planner.errors"])
def test_importing_a_door_is_cheap(module):
    assert loaded(f"import {module}", more=("rich", "pydantic", "prometheus_client")) == [], (
        f"import it inside the function that needs it, not at the head of what {module} imports"
    )


def test_planning_without_a_hard_leaf_needs_no_solver():
    code = (
        "from lab.demo import demo_pool\n"
        "from hacore.clock import SystemClock\n"
        "from planner.tolerance.answer import tolerance\n"
        "assert tolerance(demo_pool(), clock=SystemClock()).simultaneous.proven"
    )
    assert loaded(code) == [], "planner.placement.solver is imported where a leaf needs it, never earlier"
