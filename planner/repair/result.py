"""What `xenha repair` answers: frozen results with their JSON (DESIGN §5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.results import Move

NEW_HOST = "new"
"""`Purchase.host` of one more host."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """Memory to add: to a host (uuid), or as the memory left for VMs of one more host.

    `cpus`: the cores of one more host, where rules count vCPUs; as few as do with so much memory.
    """

    host: str
    bytes: int
    cpus: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"host": self.host, "bytes": self.bytes, "cpus": self.cpus}


@dataclass(frozen=True, slots=True)
class Repair:
    """The fewest, then lightest migrations that reach the target, or what else would.

    `possible` None: open. `minimal`: no smaller number of moves reaches it, proven. `safe`: the tolerance
    never falls below the start meanwhile, proven. `purchase` and `demote` come with a proven "no" only, and
    nothing moved; None: none reaches the target, or none was found. Their `_proven` say that nothing cheaper
    does. `breaks_groups`: groups (uuids) whose preference is kept less well afterwards: nothing better was
    found.
    """

    target: int
    possible: bool | None
    minimal: bool
    safe: bool
    moves: tuple[Move, ...]
    purchase: Purchase | None
    purchase_proven: bool
    demote: tuple[str, ...] | None
    demote_proven: bool
    elapsed_seconds: float
    breaks_groups: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "format": "xenha-repair/1",
            "target": self.target,
            "possible": self.possible,
            "minimal": self.minimal,
            "safe": self.safe,
            "moves": [move.to_json() for move in self.moves],
            "breaks_groups": list(self.breaks_groups),
            "purchase": None if self.purchase is None else self.purchase.to_json(),
            "purchase_proven": self.purchase_proven,
            "demote": None if self.demote is None else list(self.demote),
            "demote_proven": self.demote_proven,
            "elapsed_seconds": self.elapsed_seconds,
        }
