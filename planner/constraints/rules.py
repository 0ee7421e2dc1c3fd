"""Which constraints an operator switched on: a value that every figure, plan and what-if takes.

Nothing is switched on by default. Enforced anti-affinity groups need no switch: they are part of the pool.
Decides nothing; must never be guessed from a pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from planner.errors import InputError

MemoryPolicy = Literal["static-max", "dynamic-min"]
MEMORY_POLICIES: tuple[MemoryPolicy, ...] = get_args(MemoryPolicy)
MOST_VCPUS_PER_CORE = 1000


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts beside the defaults."""

    vcpus_per_core: Fraction | None = None
    """The vCPUs on a host are no more than its `cpus` times this; None: not counted."""
    memory: MemoryPolicy = "static-max"
    """What a VM takes and needs: its static maximum, or its dynamic minimum where it can balloon."""
    reserve_bytes: int = 0
    """Memory of every host that no VM may take."""


NO_RULES = Rules()


class RatioError(InputError):
    """A ratio of vCPUs to cores is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r}: expected vCPUs per core, above 0 and up to {MOST_VCPUS_PER_CORE}, such as 4 or 2.5"
        )


class MemoryPolicyError(InputError):
    """A memory policy is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r}: expected {' or '.join(MEMORY_POLICIES)}")


def memory_policy_of(text: str) -> MemoryPolicy:
    """Return the memory policy of this name. Errors: MemoryPolicyError."""
    for policy in MEMORY_POLICIES:
        if text == policy:
            return policy
    raise MemoryPolicyError(text)


def ratio(text: str) -> Fraction:
    """Return a number of vCPUs per core as people type it: 4, 2.5, 5/2. Errors: RatioError."""
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise RatioError(text) from None
    if not 0 < value <= MOST_VCPUS_PER_CORE:
        raise RatioError(text)
    return value
