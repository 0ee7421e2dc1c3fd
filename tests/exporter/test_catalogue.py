"""The table of metrics keeps Prometheus' conventions, and the docs page is the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.catalogue import BY_NAME, CATALOGUE, markdown
from exporter.metric import Metric

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_docs_page_is_written_from_the_table() -> None:
    assert DOCS.read_text() == markdown(), "run: python -m exporter.catalogue > docs/metrics.md"


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"xenha_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert metric.name.endswith("_info") == (metric.type == "info")
    assert ("name" in metric.labels) <= (metric.type == "info"), "names stand on *_info alone"
    assert ("host" in metric.labels or "vm" in metric.labels) <= ("pool" in metric.labels)
    assert ("state" in metric.labels) == bool(metric.states)
    assert metric.help.endswith(".")
    assert "\n" not in metric.help
    assert "|" not in metric.help, "it would break the table of the docs page"
    if metric.unit:
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}")
