"""Names of hosts and VMs, and the order people expect them in: the same on the page and in commands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from planner.model import Pool


class Named(Protocol):
    """A host, VM, pool, SR, network or group."""

    @property
    def uuid(self) -> str: ...

    @property
    def name(self) -> str: ...


_PARTS = re.compile(r"\d{1,18}|\D+")


def called(thing: Named) -> str:
    """Return a thing's name, its UUID if there is nothing of it to be seen."""
    return thing.name if thing.name.strip() else thing.uuid


def host_name(pool: Pool, uuid: str) -> str:
    """Return a host's name, its UUID if it has none."""
    host = pool.host_by_uuid.get(uuid)
    return called(host) if host else uuid


def vm_name(pool: Pool, uuid: str) -> str:
    """Return a VM's name, its UUID if it has none."""
    vm = pool.vm_by_uuid.get(uuid)
    return called(vm) if vm else uuid


@lru_cache(maxsize=16384)
def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which host-2 comes before host-10; kept, for it is asked for at every look."""
    parts = _PARTS.findall(name.casefold())
    return tuple((0, int(part), "") if part[0].isdecimal() else (1, 0, part) for part in parts)


def host_names(pool: Pool, uuids: Iterable[str]) -> list[str]:
    """Return the names of hosts, host-2 before host-10: the order of uuids means nothing to anybody."""
    return sorted((host_name(pool, uuid) for uuid in uuids), key=natural)
