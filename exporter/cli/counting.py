"""Options that say what counts beside memory and reach, and what they mean together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from planner.errors import InputError

if TYPE_CHECKING:
    from planner.constraints.rules import Rules

VcpusPerCore = Annotated[
    str | None,
    typer.Option(
        "--vcpus-per-core",
        metavar="RATIO",
        help="Count vCPUs: no more of them on a host than its cores times this, such as 4 or 2.5.",
        show_default=False,
    ),
]
MemoryPolicy = Annotated[
    str | None,
    typer.Option(
        "--memory-policy",
        metavar="POLICY",
        help="What a VM takes: static-max (default), or dynamic-min where it can balloon.",
        show_default=False,
    ),
]
Reserve = Annotated[
    str | None,
    typer.Option(
        "--reserve",
        metavar="SIZE",
        help="Memory that is kept free on every host, such as 4GiB.",
        show_default=False,
    ),
]


class CountingError(InputError):
    """An option that says what counts is refused."""

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option} {problem}")


def size_of(option: str, text: str) -> int:
    """Return the bytes of the size given with `option`. Errors: CountingError."""
    from planner.changes.sizes import SizeError, size_bytes

    try:
        return size_bytes(text)
    except SizeError as error:
        raise CountingError(option, str(error)) from error


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts beside memory, reach and enforced groups."""

    vcpus_per_core: VcpusPerCore = None
    memory_policy: MemoryPolicy = None
    reserve: Reserve = None

    def rules(self) -> Rules:
        """Return what counts. Errors: CountingError."""
        from planner.constraints.rules import RatioError, Rules, memory_policy_of, ratio

        kept_bytes = 0 if self.reserve is None else size_of("--reserve", self.reserve)
        try:
            return Rules(
                vcpus_per_core=None if self.vcpus_per_core is None else ratio(self.vcpus_per_core),
                memory=memory_policy_of(self.memory_policy or "static-max"),
                reserve_bytes=kept_bytes,
            )
        except RatioError as error:
            raise CountingError("--vcpus-per-core", str(error)) from error
        except InputError as error:
            raise CountingError("--memory-policy", str(error)) from error
