"""A decoded statefile, for people and as JSON."""

from __future__ import annotations

import json
from typing import Any

from hacore.config import Config
from hacore.kernel.native import Copy, Reason, Slot
from hacore.records import NOBODY, Decision, SlotBody
from hacore.statefile import Dump


def dumped_text(found: Dump, config: Config | None, *, copies: bool) -> str:
    """Return the statefile as people read it."""
    lines = [f"header {i}: {each.reason.words}" for i, each in enumerate(found.headers)]
    if found.header is None:
        return "\n".join([*lines, "slots: not read: without a header nobody knows whose they are"])
    hosts = found.header.hosts
    names = [host.name for host in config.hosts] if config else list(hosts)
    lines.append(
        f"generation {found.header.generation}, {len(hosts)} hosts, T {found.header.timeout_ns / 1e9:g} s"
    )
    if not found.authenticated:
        lines.append("without a key: checksums were checked, MACs were not; anybody may have written this")
    newest = newest_decision(found)
    if newest is not None:
        lines.append(decision_text(newest, names))
    for i, slot in enumerate(found.slots):
        lines += _slot(i, slot, names, copies=copies)
    return "\n".join(lines)


def newest_decision(found: Dump) -> Decision | None:
    """Return the newest epoch that a believed slot holds."""
    bodies = [slot.best.body for slot in found.slots if slot.best is not None and slot.best.body is not None]
    return max((body.decided for body in bodies), key=lambda decision: decision.epoch, default=None)


def decision_text(decision: Decision, names: list[str]) -> str:
    """Return an epoch in words."""
    members = _names(decision.liveset, names)
    leader = "nobody" if decision.leader == NOBODY else names[decision.leader]
    cause = decision.cause.name.lower()
    return f"epoch {decision.epoch} ({cause}): liveset {members}; leader {leader}"


def _names(mask: int, names: list[str]) -> str:
    return ", ".join(name for i, name in enumerate(names) if mask >> i & 1) or "nobody"


def _slot(i: int, slot: Slot, names: list[str], *, copies: bool) -> list[str]:
    best = slot.best
    doubt = "; doubted: more is damaged than one incomplete write explains" if slot.doubted else ""
    lines = [
        "",
        f"slot {i} {names[i]}: " + (f"no copy is believed{doubt}" if best is None else _head(best) + doubt),
    ]
    if best is not None and best.body is not None:
        lines += [f"  {line}" for line in _body(best.body, names)]
    for number, copy in enumerate(slot.copies):
        if copies or copy.reason is not Reason.VALID:
            newest = " (newest)" if number == slot.newest else ""
            sequence = f", sequence {copy.sequence}" if copy.reason is Reason.VALID else ""
            lines.append(f"  copy {number}: {copy.reason.words}{sequence}{newest}")
    return lines


def _head(copy: Copy) -> str:
    burnt = f", burnt copies {copy.burnt:08b}" if copy.burnt else ""
    return f"sequence {copy.sequence}{burnt}"


def _body(body: SlotBody, names: list[str]) -> list[str]:
    armed = "armed" if body.armed else "not armed"
    storage = "has storage" if body.storage else "no storage"
    carrier = "carrier" if body.carrier else "no carrier"
    lines = [
        f"{body.state.name.lower()}, {armed}, incarnation {body.incarnation:016x}, weight {body.weight}",
        f"{storage}, {carrier}, {body.arbiters} arbiters, hears {_names(body.row, names)}",
        decision_text(body.decided, names),
    ]
    if body.block.epoch:
        value = decision_text(body.block.value, names) if body.block.value else "none"
        block = body.block
        lines.append(f"proposes epoch {block.epoch}: mbal {block.mbal}, bal {block.bal}, value: {value}")
    if body.leader_wish != NOBODY:
        lines.append(f"wishes that {names[body.leader_wish]} leads")
    if body.polled or body.denied:
        lines.append(f"asks about {_names(body.polled, names)}; denies {_names(body.denied, names)}")
    if body.confirmed:
        lines.append(f"confirms epoch {body.confirmed}, which leaves it out")
    if body.fence.name != "NONE":
        lines.append(f"fence: {body.fence.name.lower()}")
    return lines


def dumped_json(found: Dump) -> str:
    """Return the statefile as one JSON object."""
    header = found.header
    answer: dict[str, Any] = {
        "format": "xenha-dump/1",
        "headers": [copy.reason.name.lower() for copy in found.headers],
        "generation": header.generation if header else None,
        "timeout_seconds": header.timeout_ns / 1e9 if header else None,
        "authenticated": found.authenticated,
        "slots": [_slot_json(header.hosts[i], slot) for i, slot in enumerate(found.slots)] if header else [],
    }
    return json.dumps(answer)


def _slot_json(host: str, slot: Slot) -> dict[str, Any]:
    copies = [
        {"reason": copy.reason.name.lower(), "sequence": copy.sequence, "burnt": copy.burnt}
        for copy in slot.copies
    ]
    body = slot.best.body if slot.best else None
    return {
        "host": host,
        "newest": slot.newest,
        "doubted": slot.doubted,
        "copies": copies,
        "body": None if body is None else _body_json(body),
    }


def _body_json(body: SlotBody) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(body, name) for name in SlotBody.__dataclass_fields__}
    found["state"] = body.state.name.lower()
    found["fence"] = body.fence.name.lower()
    found["decided"] = _decision_json(body.decided)
    block = body.block
    value = _decision_json(block.value) if block.value else None
    found["block"] = {"epoch": block.epoch, "mbal": block.mbal, "bal": block.bal, "value": value}
    return found


def _decision_json(decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(decision, name) for name in Decision.__dataclass_fields__}
    return found | {"cause": decision.cause.name.lower()}
