"""How much is measured: all of it, or just enough to see that measuring works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hacore.clock import Clock


@dataclass(frozen=True, slots=True)
class Scale:
    """`quick`: a smoke test, whose timings say nothing. Plots and files go to `folder`."""

    clock: Clock
    folder: Path
    quick: bool = False

    def count(self, full: int) -> int:
        """Return how many pools, rounds or changes to take where the full bench takes `full`."""
        return max(2, full // 100) if self.quick else full
