"""What docs/figures.md says about its two small pools."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import oracle
from planner.compat import xapi
from planner.inventory.poolfile import load_pool

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(("name", "figures"), [("trap", (2, 1, 1)), ("greedy", (1, 1, 0))])
def test_the_figures_told(name, figures):
    pool = load_pool(DOCS / f"{name}.json")
    assert (oracle.simultaneous(pool), oracle.sequential(pool), xapi.max_failures(pool)) == figures
