"""The lab, where the machine allows one: root, namespaces, loop devices, FUSE."""

from __future__ import annotations

import pytest

from lab.cluster.needs import missing
from lab.cluster.undo import Undo


@pytest.fixture
def undo():
    """A list of things to undo; skips where the lab cannot be built. What cannot be undone fails the test."""
    if lacking := missing():
        pytest.skip(f"no lab here: it needs {'; '.join(lacking)}")
    with Undo() as made:
        yield made
