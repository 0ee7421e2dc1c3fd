"""The VM table: which VMs are asked for, in which order, one page of them.

Pure. The page of a pool with thousands of VMs must stay small: filtering, sorting and paging happen here, and
reasons are worked out for the rows shown only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

from exporter.facts import priority
from exporter.names import called, host_name, natural
from exporter.page import words
from exporter.page.tone import Tone
from planner.agility import Reach, obstacles
from planner.model import VM, Host, Pool

Show = Literal["all", "restart", "best-effort", "unprotected", "trouble"]
SHOWN: tuple[tuple[Show, str], ...] = (
    ("all", "all VMs"),
    ("restart", "protected"),
    ("best-effort", "best-effort"),
    ("unprotected", "unprotected"),
    ("trouble", "down or not agile"),
)
COLUMNS = (
    ("name", "VM"),
    ("priority", "priority"),
    ("order", "order"),
    ("need", "need"),
    ("host", "host"),
    ("state", "state"),
    ("agile", "could run on"),
)
PAGE_SIZE = 50
MAX_REASONS = 4
_PAGE = re.compile(r"[1-9]\d{0,5}", re.ASCII)
_PRIORITY_RANK = {"restart": 0, "best-effort": 1, "unprotected": 2}


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader asks of the table. `sort`: a column's key, after a "-" for the other way round."""

    text: str = ""
    show: Show = "all"
    sort: str = "priority"
    page: int = 1

    def address(self, key: str, **changes: Any) -> str:
        """Return the query string of this table with some things changed; what is default is left out."""
        asked, default = replace(self, **changes), Query()
        values = {"pool": key}
        if asked.text:
            values["q"] = asked.text
        for name in ("show", "sort", "page"):
            if getattr(asked, name) != getattr(default, name):
                values[name] = str(getattr(asked, name))
        return "?" + urlencode(values)


def query_of(text: str, show: str, sort: str, page: str) -> Query:
    """Return the query of an address; what makes no sense there falls back to the default."""
    known: Show = next((name for name, _ in SHOWN if name == show), "all")
    column = sort.removeprefix("-")
    good_sort = sort if any(column == name for name, _ in COLUMNS) else Query().sort
    number = int(page) if _PAGE.fullmatch(page) else 1
    return Query(text.strip()[:100], known, good_sort, number)


@dataclass(frozen=True, slots=True)
class VMRow:
    """One VM as shown."""

    uuid: str
    name: str
    priority: str
    order: int
    need: str
    host: str
    state: str
    state_tone: Tone
    agility: str
    agility_tone: Tone
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A heading that sorts; `order` as in aria-sort."""

    text: str
    address: str
    order: Literal["ascending", "descending", "none"]
    key: str


@dataclass(frozen=True, slots=True)
class VMTable:
    """One page of the table."""

    rows: tuple[VMRow, ...]
    columns: tuple[ColumnView, ...]
    query: Query
    found: str
    pages: int
    previous: str
    next: str


def vm_table(pool: Pool, query: Query, key: str) -> VMTable:
    """Return the page that `query` asks for, the last one if it is beyond that. `key`: the pool's."""
    reach = Reach(pool)
    guests = [vm for vm in pool.vms if not vm.is_control_domain]
    found = [vm for vm in guests if _shown(pool, reach, vm, query.show) and _matches(pool, vm, query.text)]
    found.sort(key=lambda vm: (natural(vm.name), vm.uuid))
    found.sort(key=_order(pool, reach, query.sort), reverse=query.sort.startswith("-"))
    pages = max(1, -(-len(found) // PAGE_SIZE))
    asked = replace(query, page=min(query.page, pages))
    start = (asked.page - 1) * PAGE_SIZE
    return VMTable(
        rows=tuple(_row(pool, reach, vm) for vm in found[start : start + PAGE_SIZE]),
        columns=tuple(_column(name, text, asked, key) for name, text in COLUMNS),
        query=asked,
        found=_found(len(found), len(guests), start),
        pages=pages,
        previous=asked.address(key, page=asked.page - 1) if asked.page > 1 else "",
        next=asked.address(key, page=asked.page + 1) if asked.page < pages else "",
    )


def _found(count: int, total: int, start: int) -> str:
    if count == 0:
        return "no VM matches" if total else "no VM"
    shown = words.plural(count, "VM")
    if count > PAGE_SIZE:
        shown = f"{start + 1}–{min(count, start + PAGE_SIZE)} of {shown}"
    return shown if count == total else f"{shown} found, {total} in all"


def _column(name: str, text: str, query: Query, key: str) -> ColumnView:
    if query.sort == name:
        return ColumnView(text, query.address(key, sort=f"-{name}", page=1), "ascending", name)
    order: Literal["descending", "none"] = "descending" if query.sort == f"-{name}" else "none"
    return ColumnView(text, query.address(key, sort=name, page=1), order, name)


# Which, and in which order


def _shown(pool: Pool, reach: Reach, vm: VM, show: Show) -> bool:
    if show == "all":
        return True
    if show == "trouble":
        return pool.is_down(vm) or not _agile(reach, vm)
    return priority(vm) == show


def _matches(pool: Pool, vm: VM, text: str) -> bool:
    """Tell whether every word of a search is in the VM's name, UUID, tags, state or host."""
    if not text:
        return True
    home = host_name(pool, vm.home) if vm.home else ""
    hay = " ".join((vm.name, vm.uuid, home, vm.power_state, *vm.tags)).casefold()
    return all(word in hay for word in text.casefold().split())


def _order(pool: Pool, reach: Reach, sort: str) -> Callable[[VM], Any]:
    keys: dict[str, Callable[[VM], Any]] = {
        "name": lambda vm: natural(vm.name),
        "priority": lambda vm: (_PRIORITY_RANK[priority(vm)], vm.order),
        "order": lambda vm: vm.order,
        "need": lambda vm: -vm.need_bytes,
        "host": lambda vm: natural(host_name(pool, vm.home)) if vm.home else (),
        "state": lambda vm: (not pool.is_down(vm), vm.power_state),
        "agile": lambda vm: (_agile(reach, vm), reach.candidates(vm).bit_count()),
    }
    return keys[sort.removeprefix("-")]


def _agile(reach: Reach, vm: VM) -> bool:
    return reach.agile(vm) and not vm.unagile_because


# A row


def _row(pool: Pool, reach: Reach, vm: VM) -> VMRow:
    down = pool.is_down(vm)
    hosts, agile = reach.candidates(vm).bit_count(), reach.agile(vm)
    in_service = len(pool.hosts_in_service)
    return VMRow(
        uuid=vm.uuid,
        name=called(vm),
        priority=priority(vm),
        order=vm.order,
        need=words.size(vm.need_bytes),
        host=host_name(pool, vm.home) if vm.home else "–",
        state=_state(vm, down),
        state_tone="bad" if down else "plain",
        agility="every host" if agile else f"{hosts} of {words.plural(in_service, 'host')}",
        agility_tone="plain" if agile or not vm.protected else "bad",
        reasons=() if _agile(reach, vm) else _reasons(pool, vm),
    )


def _state(vm: VM, down: bool) -> str:
    if down and vm.power_state != "Halted":
        return f"down (its host is out of service; {vm.power_state})"
    return vm.power_state + (" (down)" if down else "")


def _reasons(pool: Pool, vm: VM) -> tuple[str, ...]:
    """Return why a VM cannot run everywhere: what the inventory said, then what the hosts do not reach."""
    missing: dict[tuple[str, str], list[Host]] = {}
    for host in pool.hosts_in_service:
        for obstacle in obstacles(pool, vm, host):
            missing.setdefault((obstacle.kind, obstacle.uuid), []).append(host)
    found = list(vm.unagile_because)
    found += [_obstacle(pool, kind, uuid, hosts) for (kind, uuid), hosts in missing.items()]
    if len(found) > MAX_REASONS:
        found[MAX_REASONS - 1 :] = [f"and {len(found) - MAX_REASONS + 1} more reasons"]
    return tuple(found)


def _obstacle(pool: Pool, kind: str, uuid: str, hosts: Sequence[Host]) -> str:
    if len(hosts) > 3:
        where = words.plural(len(hosts), "host")
    else:
        where = words.listed([called(host) for host in hosts])
    if kind == "device":
        return f"no suitable device on {where}"
    if kind == "sr":
        return f"SR {called(pool.sr_by_uuid[uuid])} not reached from {where}"
    return f"network {called(pool.network_by_uuid[uuid])} not on {where}"
