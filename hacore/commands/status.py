"""`xenhad status`: the snapshot as a table for people."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

from hacore.clock import SystemClock
from hacore.commands.control import names_of, pause, socket_of
from hacore.edge.client import fetch
from hacore.errors import DaemonUnreachable
from hacore.status import Channel, Peer, Status, waits

HOME, END_OF_LINE, REST = "\x1b[H", "\x1b[K", "\x1b[J"
"""Of a terminal: go to the top, forget the rest of the line, forget everything below. Nothing flickers."""
RULE = "-" * 40
EVERY_SECONDS = 1.0


def status(chosen: Namespace) -> int:
    """Show the snapshot, once or again and again; 1 while this host is no member."""
    path = socket_of(chosen)
    if chosen.watch:
        return _watch(path, as_json=chosen.json)
    found, line = fetch(path, SystemClock())
    print(line.decode().rstrip() if chosen.json else text_of(found))
    return 0 if found.state == "member" else 1


def _watch(path: str, *, as_json: bool) -> int:
    """Show it again and again until interrupted, which is how a watch ends: 0."""
    redraw, first = sys.stdout.isatty() and not as_json, True
    try:
        while True:
            shown = _shown(path, as_json=as_json)
            if redraw:
                shown = redrawn(shown, first=first)
            elif not as_json and not first:
                shown = f"{RULE}\n{shown}"
            print(shown, flush=True)
            first = False
            pause(EVERY_SECONDS)
    except KeyboardInterrupt:
        if redraw:
            print()
        return 0


def _shown(path: str, *, as_json: bool) -> str:
    """Return the snapshot, or why there is none: a daemon may come back."""
    try:
        found, line = fetch(path, SystemClock())
    except DaemonUnreachable as error:
        return json.dumps({"error": str(error)}) if as_json else str(error)
    return line.decode().rstrip() if as_json else text_of(found)


def redrawn(text: str, *, first: bool) -> str:
    """Return a text that takes the place of the one before on a terminal."""
    lines = "".join(f"{line}{END_OF_LINE}\n" for line in text.splitlines())
    return f"{HOME}{REST if first else ''}{lines}{REST}".rstrip("\n")


def text_of(found: Status) -> str:
    """Return the snapshot as people read it."""
    names = names_of(found)
    rows = _summary(found, names)
    width = max(len(label) for label, _ in rows)
    lines = [f"{label:<{width}}  {value}" for label, value in rows]
    if found.peers:
        lines += ["", *_columns(_table(found))]
    if found.warnings:
        lines += ["", *(f"! {warning}" for warning in found.warnings)]
    return "\n".join(lines)


def _summary(found: Status, names: dict[str, str]) -> list[tuple[str, str]]:
    members = ", ".join(names[uuid] for uuid in found.liveset) or "nobody"
    leader = names[found.leader] if found.leader else "nobody"
    rows = [
        ("host", f"{_named(found)}, weight {found.weight}"),
        ("state", f"{found.state} for {duration(found.state_age_seconds)}{_waiting(found)}"),
        ("watchdog", _watchdog(found)),
        ("epoch", f"{found.epoch} ({found.cause}): {members}; leader {leader}"),
        ("lives on", found.mode + (", network degraded" if found.network_degraded else "")),
        ("storage", _storage(found)),
        ("evidence", _evidence(found)),
    ]
    if found.dead:
        rows.append(("dead", ", ".join(names[uuid] for uuid in found.dead)))
    if found.condemned:
        rows.append(
            ("left out", ", ".join(names[uuid] for uuid in found.condemned) + " (not certainly dead yet)")
        )
    if found.unresolved:
        rows.append(("unresolved", "a proposal of this host may have been decided"))
    if found.fences.last_cause != "none":
        rows.append(("last fence", found.fences.last_cause.replace("_", " ")))
    return rows


def _named(found: Status) -> str:
    host = found.host
    return host.uuid if host.name == host.uuid else f"{host.name} ({host.uuid})"


def _waiting(found: Status) -> str:
    return f"; {waits(found.waiting)}" if found.waiting else ""


def _watchdog(found: Status) -> str:
    dog = found.watchdog
    armed = "armed" if found.armed else "not armed"
    left = dog.deadline_in_seconds
    deadline = f", deadline in {duration(left)}" if found.armed and left is not None else ""
    return f"{armed} ({dog.driver}, {duration(dog.timeout_seconds)}){deadline}"


def _storage(found: Status) -> str:
    storage = found.storage
    away = "does not work" if storage.copies_left else "not used: no clean copy of the own slot is left"
    works = "works" if storage.works else away
    age = storage.good_cycle_age_seconds
    parts = [works, "no good cycle yet" if age is None else f"last good cycle {duration(age)} ago"]
    if storage.running_io_age_seconds is not None and storage.running_io_age_seconds > 1:
        parts.append(f"an I/O is out for {duration(storage.running_io_age_seconds)}")
    if storage.failed_writes or storage.failed_reads:
        parts.append(f"{storage.failed_writes} writes and {storage.failed_reads} reads failed")
    return ", ".join([*parts, f"{storage.copies_left} of 8 copies left"])


def _evidence(found: Status) -> str:
    evidence = found.evidence
    carrier = {True: "carrier", False: "no carrier", None: "carrier not known"}[evidence.carrier]
    return f"{carrier}, {evidence.arbiters} of {evidence.arbiters_configured} arbiters answer"


def _table(found: Status) -> list[list[str]]:
    channels = [channel.name for channel in found.peers[0].channels]
    table = [["peer", "state", "armed", "epoch", "storage", *channels]]
    return [*table, *(_row(peer) for peer in found.peers)]


def _row(peer: Peer) -> list[str]:
    epoch = "-" if peer.epoch is None else str(peer.epoch)
    said = [peer.name, peer.state or "-", _flag(peer.armed), epoch, _flag(peer.storage)]
    return [*said, *(_age(channel) for channel in peer.channels)]


def _flag(flag: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[flag]


def _age(channel: Channel) -> str:
    """Return the age of a channel; marks where a quarter, half or all of its time-out has passed."""
    if channel.age_seconds is None:
        return "never"
    left = channel.left_seconds
    over = left is not None and left <= 0
    mark = " (over)" if over else f" (>{channel.warning_percent} %)" if channel.warning_percent else ""
    return f"{duration(channel.age_seconds)}{mark}"


def _columns(table: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def duration(seconds: float) -> str:
    """Return a time span as people say it: 0.04 s, 12.3 s, 5 min, 3 h, 4 d."""
    size = abs(seconds)
    if size < 1:
        return f"{seconds:.2f} s"
    if size < 100:
        return f"{seconds:.1f} s"
    if size < 5940:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if size < 86_400 * 2 else f"{seconds / 86_400:.0f} d"
