"""What a scenario expects, and whether it came so. Looks at the world as it is, not as hosts claim it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hacore.core.timing import NS
from hacore.core.view import View
from hacore.testing.network import bits

if TYPE_CHECKING:
    from hacore.testing.seeds import Outcome, Run


@dataclass(frozen=True, slots=True)
class Moment:
    """What must be true at one instant, or all the time until another, by the keys of `[[expect]]`."""

    at_ns: int
    until_ns: int
    values: Mapping[str, Any]

    @property
    def instants_ns(self) -> range:
        """When to look: once a second."""
        return range(self.at_ns, self.until_ns + 1, NS)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be true of the whole."""

    fences: Mapping[int, str]  # host: cause; "WATCHDOG" where it was not the machine's own deed
    log: Sequence[str]  # patterns of lines that come in this order
    violates: frozenset[str]  # guarantees that an operator has given up


def wrong_at(moment: Moment, at_ns: int, run: Run) -> list[tuple[str, str]]:
    """Return the key and a line for each thing that is not as the moment says."""
    found = {key: LOOK[key](run) for key in moment.values}
    return [
        (key, f"at {at_ns / NS:g} s {key} is {found[key]}, expected {expected}")
        for key, expected in moment.values.items()
        if not _matches(found[key], expected)
    ]


def wrong_in_the_end(expected: Expectation, outcome: Outcome, run: Run) -> list[str]:
    """Return a line for each violation, wrong fence and line of the log that never came."""
    wrong = [str(each) for each in outcome.violations if each.guarantee not in expected.violates]
    fenced = {host: "/".join(causes) for host, causes in run.judge.causes.items()}
    if fenced != dict(expected.fences):
        wrong.append(f"fenced were {fenced or 'none'}, expected {dict(expected.fences) or 'none'}")
    return wrong + _missing(expected.log, [line[10:].strip() for line in outcome.story])


def _missing(patterns: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return the first pattern that no line matches after those of the patterns before it."""
    rest = iter(lines)
    for pattern in patterns:
        if not any(fnmatchcase(line, pattern) for line in rest):
            return [f"the log has no line {pattern!r} there"]
    return []


def _matches(found: object, expected: object) -> bool:
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(found.get(int(key)) == value for key, value in expected.items())
    return found == expected


def _views(run: Run) -> dict[int, View]:
    return {host.index: host.daemon.machine.view() for host in run.world.hosts if host.daemon is not None}


def _members(run: Run) -> list[View]:
    """Return the views of those that know the newest epoch and are in it."""
    newest = run.ledger.newest
    return [
        view for host, view in _views(run).items() if view.decided == newest and newest.liveset >> host & 1
    ]


def _dead(run: Run) -> list[int]:
    """Return whom every member has declared dead."""
    everybody = (1 << run.plan.hosts) - 1
    views = _members(run)
    for view in views:
        everybody &= view.dead
    return list(bits(everybody)) if views else []


def _states(run: Run) -> dict[int, str]:
    views = _views(run)
    return {
        host.index: views[host.index].state.name if host.index in views else "DOWN" if not host.up else "GONE"
        for host in run.world.hosts
    }


LOOK: Mapping[str, Callable[[Run], object]] = {
    "liveset": lambda run: list(bits(run.ledger.newest.liveset)),
    "leader": lambda run: run.ledger.newest.leader,
    "dead": _dead,
    "vms": lambda run: [host.index for host in run.world.hosts if host.vms],
    "armed": lambda run: [host.index for host in run.world.hosts if host.watchdog.armed],
    "states": _states,
    "degraded": lambda run: any(view.degraded for view in _members(run)),
    "mode": lambda run: {host: view.mode.value for host, view in _views(run).items()},
    "copies_left": lambda run: {host: view.copies_left for host, view in _views(run).items()},
}
"""How each key of `[[expect]]` is looked up."""
