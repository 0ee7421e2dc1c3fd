"""Who is meant: things of a pool by uuid or unique name. A name that two have means neither."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from planner.changes.errors import ChangeError


class Named(Protocol):
    """Anything of a pool that has a uuid and a name."""

    @property
    def uuid(self) -> str: ...
    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


def find(things: Iterable[Thing], wanted: str, what: str, text: str) -> Thing:
    """Return the one that `wanted` means; `what` names its kind in the error. Errors: ChangeError."""
    named = []
    for thing in things:
        if thing.uuid == wanted:
            return thing
        if thing.name == wanted:
            named.append(thing)
    if len(named) == 1:
        return named[0]
    if not named:
        raise ChangeError(text, f"no such {what}: {wanted}; expected a uuid or unique name")
    uuids = ", ".join(sorted(thing.uuid for thing in named))
    raise ChangeError(text, f"{len(named)} have the name {wanted}; use a uuid: {uuids}")
