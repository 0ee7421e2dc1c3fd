"""A decoded statefile, for people and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hacore.clock import NS_PER_SECOND
from hacore.commands.watched import Age
from hacore.config import Config
from hacore.edge.slotdevice import difference
from hacore.kernel.native import COPIES, Copy, Reason, Slot
from hacore.records import NOBODY, Decision, SlotBody
from hacore.statefile import Dump, Header

Ages = tuple[Age, ...] | None
"""Of slots, by host; None: nobody watched."""
_SOME_CLOCK_NS = 10**18
"""A sequence below began at no wall clock of these days (`_pump.take_over`): one from 2001 on would."""


def dumped_text(found: Dump, config: Config | None, ages: Ages, *, copies: bool) -> str:
    """Return the statefile as people read it."""
    lines = [f"header {i}: {each.reason.words}" for i, each in enumerate(found.headers)]
    if found.header is None:
        return "\n".join([*lines, "slots: not read: without a header nobody knows whose they are"])
    hosts = found.header.hosts
    called = {host.uuid: host.name for host in config.hosts} if config else {}
    names = [called.get(uuid, uuid) for uuid in hosts]
    lines.append(
        f"generation {found.header.generation}, {len(hosts)} hosts, T {found.header.timeout_ns / 1e9:g} s"
    )
    if not found.authenticated:
        lines.append("without a key: checksums were checked, MACs were not; anybody may have written this")
    newest = newest_decision(found)
    if newest is not None:
        lines.append(decision_text(newest, names))
    if ages is None:
        lines.append("ages: a slot bears no time; --watch SECONDS shows which slots are being written")
    for i, slot in enumerate(found.slots):
        age = "" if ages is None else f", {age_text(ages[i])}"
        lines += _slot(i, slot, names, age, copies=copies)
    return "\n".join(lines)


def disbelief(found: Dump, expected: Header | None) -> str:
    """Say why this is not the statefile that was meant (`expected`: its header, if known); "": it is."""
    reasons = {copy.reason for copy in found.headers}
    if not any(copy.header for copy in found.headers):
        if Reason.AUTHENTICITY in reasons:
            return "its header is sealed with another key, or forged: nothing in it is believed"
        return f"no header is believed: {'; '.join(sorted(reason.words for reason in reasons))}"
    if found.header and expected and (problem := difference(found.header, expected)):
        return problem
    if all(slot.best is None for slot in found.slots):
        return "not one slot is believed"
    return ""


def age_text(age: Age) -> str:
    """Return how long ago a slot was written, as far as that is known."""
    if age.at_most_ns is None:
        return f"not written for {age.at_least_ns / NS_PER_SECOND:.1f} s or longer"
    return f"written {age.at_least_ns / NS_PER_SECOND:.1f} to {age.at_most_ns / NS_PER_SECOND:.1f} s ago"


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


def _slot(i: int, slot: Slot, names: list[str], age: str, *, copies: bool) -> list[str]:
    best = slot.best
    doubt = "; doubted: more is damaged than one incomplete write explains" if slot.doubted else ""
    lines = [
        "",
        f"slot {i} {names[i]}: "
        + (f"no copy is believed{doubt}" if best is None else _head(best) + doubt)
        + age,
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
    return f"sequence {copy.sequence}{numbered_text(copy.sequence)}{burnt}"


def numbered_text(sequence: int) -> str:
    """Say what a sequence tells of the time: a daemon that starts numbers from its wall clock on."""
    if sequence <= COPIES:
        return " (as it was formatted)"
    if sequence < _SOME_CLOCK_NS:
        return ""
    began = datetime.fromtimestamp(sequence // NS_PER_SECOND, UTC)
    return f" (numbered from {began:%Y-%m-%d %H:%M:%S} UTC on)"


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


def dumped_json(found: Dump, ages: Ages) -> str:
    """Return the statefile as one JSON object."""
    header = found.header
    slots = zip(header.hosts if header else (), found.slots, ages or [None] * len(found.slots), strict=False)
    answer: dict[str, Any] = {
        "format": "xenha-dump/1",
        "headers": [copy.reason.name.lower() for copy in found.headers],
        "generation": header.generation if header else None,
        "timeout_seconds": header.timeout_ns / 1e9 if header else None,
        "authenticated": found.authenticated,
        "slots": [_slot_json(host, slot, age) for host, slot, age in slots],
    }
    return json.dumps(answer)


def _slot_json(host: str, slot: Slot, age: Age | None) -> dict[str, Any]:
    copies = [
        {"reason": copy.reason.name.lower(), "sequence": copy.sequence, "burnt": copy.burnt}
        for copy in slot.copies
    ]
    body = slot.best.body if slot.best else None
    return {
        "host": host,
        "newest": slot.newest,
        "doubted": slot.doubted,
        "age_seconds": None if age is None else _age_json(age),
        "copies": copies,
        "body": None if body is None else _body_json(body),
    }


def _age_json(age: Age) -> dict[str, float | None]:
    at_most = None if age.at_most_ns is None else age.at_most_ns / NS_PER_SECOND
    return {"at_least": age.at_least_ns / NS_PER_SECOND, "at_most": at_most}


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
