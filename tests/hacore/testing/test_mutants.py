"""Each deliberate bug is found, in worlds in which the protocol as it is holds."""

from __future__ import annotations

import pytest

from hacore.testing.mutants import MUTANTS
from hacore.testing.seeds import Run

SEEDS = 250


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_the_mutant_is_found(name):
    mutant = MUTANTS[name]
    for seed in map(str, range(SEEDS)):
        plan = mutant.profile(seed)
        if Run(seed, plan, mutant.rules, mutant.twins).to_the_end(settle=False).violations:
            assert Run(seed, plan).to_the_end(settle=False).violations == ()
            return
    pytest.fail(f"{name} ({mutant.says}) is not found in {SEEDS} seeds")
