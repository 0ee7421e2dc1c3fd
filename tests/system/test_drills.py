"""Every drill with real daemons: what must come of a fault does, and the record shows no guarantee broken.

Drills mostly wait, so some are performed beside each other, each on a cluster of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab.cluster.drills import DRILLS
from lab.cluster.needs import missing
from lab.cluster.perform import Report, perform

AT_ONCE = 4
ATTEMPTS = 3
"""A drill that the computer itself disturbed says nothing."""


@pytest.fixture(scope="module")
def reports(request) -> Iterator[dict[str, Future[Report]]]:
    """The reports to come of all drills that were asked for, in their order."""
    if lacking := missing():
        pytest.skip(f"no lab here: it needs {'; '.join(lacking)}")
    asked = [item.callspec.params["drill"] for item in request.session.items if item.module is request.module]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(perform, name) for name in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.parametrize("drill", DRILLS)
def test_a_drill_ends_as_it_should(drill, reports, capsys):
    report = reports[drill].result()
    for _ in range(1, ATTEMPTS):
        if not (report.wrong and report.disturbed):
            break
        with capsys.disabled():
            print(f"\n{drill}: the machine was elsewhere for {report.latest_seconds:.2f} s; once more")
        report = perform(drill)
    assert not report.wrong, "\n".join(report.wrong)
