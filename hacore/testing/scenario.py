"""Scenario files: a pool, timed faults, and what must come of it. Run by the simulator, over several seeds.

The format is described in docs/scenarios.md. Parsed once and whole; a file that says something unknown is
refused with one line. Decides what a file means and whether it came true, never how hosts behave.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hacore.core.setup import Isolation, Quorum
from hacore.core.timing import NS
from hacore.testing.expectation import LOOK, Expectation, Moment, wrong_at, wrong_in_the_end
from hacore.testing.faults import KINDS
from hacore.testing.network import ALL_NETWORKS
from hacore.testing.plan import Fault, Plan
from hacore.testing.seeds import Run

Value = TypeVar("Value")
SEEDS = 3
MAX_NETWORKS = 8
KEYS = {
    "about", "because", "covers", "hosts", "timeout", "isolation", "quorum", "weights", "fencing", "reboot",
    "starts", "seeds", "ends", "networks", "ppm", "fault", "expect", "fences", "log", "violates",
}  # fmt: skip
FAULT_KEYS = {"at", "until", "kind", "hosts", "others", "value", "network"}
EXPECT_KEYS = {"at", "until", *LOOK}


class ScenarioError(ValueError):
    """A scenario file says something that is not understood; one line says what was expected."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file, understood."""

    about: str
    because: str
    covers: tuple[str, ...]
    plan: Plan
    moments: tuple[Moment, ...]
    expected: Expectation
    seeds: int


def run_file(path: Path) -> list[str]:
    """Run a scenario file; return a line for each thing that did not come as it says."""
    return run(parse(path.read_text(encoding="utf-8")))


def tell_file(path: Path, seed: int) -> tuple[tuple[str, ...], list[str]]:
    """Run a scenario file under one seed; return its story, and what was wrong."""
    return run_seed(parse(path.read_text(encoding="utf-8")), seed)


def run(scenario: Scenario) -> list[str]:
    """Run a scenario over its seeds; return what was wrong, each thing once."""
    wrong: dict[str, str] = {}
    for seed in range(scenario.seeds):
        for text in run_seed(scenario, seed)[1]:
            wrong.setdefault(text, f"seed {seed}: {text}")
    return list(wrong.values())


def run_seed(scenario: Scenario, seed: int) -> tuple[tuple[str, ...], list[str]]:
    """Run a scenario under one seed; return its story, and a line for each thing that was wrong."""
    run = Run(str(seed), scenario.plan, told=True)
    wrong: dict[tuple[int, str], str] = {}
    looks = sorted(
        (at_ns, place) for place, each in enumerate(scenario.moments) for at_ns in each.instants_ns
    )
    for at_ns, place in looks:
        run.until(at_ns)
        for key, text in wrong_at(scenario.moments[place], at_ns, run):
            wrong.setdefault((place, key), text)
    outcome = run.to_the_end(settle=False)
    return outcome.story, [*wrong.values(), *wrong_in_the_end(scenario.expected, outcome, run)]


# --- parsing -------------------------------------------------------------------------------------------


def parse(text: str) -> Scenario:
    """Understand a scenario file.

    Raises:
        ScenarioError: it is no TOML, has an unknown key, or a value that is not as expected.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"no TOML: {error}") from None
    _known(table, KEYS, "the file")
    hosts = _get(table, "hosts", int)
    if not 1 <= hosts <= 64:
        raise ScenarioError(f"hosts = {hosts}: expected 1 to 64")
    networks = _get(table, "networks", int, 1)
    if not 1 <= networks <= MAX_NETWORKS:
        raise ScenarioError(f"networks = {networks}: expected 1 to {MAX_NETWORKS}")
    faults = [_fault(each, hosts, networks) for each in table.get("fault", [])]
    moments = tuple(_moment(each) for each in table.get("expect", []))
    last_ns = max((moment.until_ns for moment in moments), default=0)
    ends_ns = int(_get(table, "ends", float, last_ns / NS) * NS)
    return Scenario(
        about=_get(table, "about", str),
        because=_get(table, "because", str, ""),
        covers=tuple(_get(table, "covers", list, [])),
        plan=_plan(table, hosts, faults, ends_ns),
        moments=moments,
        expected=Expectation(
            fences={int(host): str(cause) for host, cause in table.get("fences", {}).items()},
            log=tuple(_get(table, "log", list, [])),
            violates=frozenset(_get(table, "violates", list, [])),
        ),
        seeds=_get(table, "seeds", int, SEEDS),
    )


def _plan(table: Mapping[str, Any], hosts: int, faults: Sequence[Fault], ends_ns: int) -> Plan:
    return Plan(
        hosts=hosts,
        timeout_ns=int(_get(table, "timeout", float, 10.0) * NS),
        minutes=ends_ns / NS / 60,
        isolation=_word(table, "isolation", Isolation, Isolation.EVIDENCE),
        quorum=_word(table, "quorum", Quorum, Quorum.DISK),
        fencing=_get(table, "fencing", bool, True),
        networks=_get(table, "networks", int, 1),
        weights=tuple(_get(table, "weights", list, [])),
        reboot_ns=int(_get(table, "reboot", float, 40.0) * NS),
        faults=faults,
        late_start_ns=tuple(int(at * NS) for at in _get(table, "starts", list, [])),
        ppm=tuple(_get(table, "ppm", list, [])),
    )


def _fault(table: Mapping[str, Any], hosts: int, networks: int) -> Fault:
    _known(table, FAULT_KEYS, "[[fault]]")
    kind = _get(table, "kind", str)
    if kind not in KINDS:
        raise ScenarioError(f'kind = "{kind}": expected one of {", ".join(sorted(KINDS))}')
    at = _get(table, "at", float)
    network = _get(table, "network", int, ALL_NETWORKS)
    if network != ALL_NETWORKS and not 0 <= network < networks:
        raise ScenarioError(f"network = {network}: expected an index below {networks}")
    return Fault(
        at_ns=int(at * NS),
        until_ns=_until_ns(table, at),
        kind=kind,
        hosts=_mask(table.get("hosts", "all"), hosts),
        others=_mask(table.get("others", []), hosts),
        value=_get(table, "value", float, 0.0),
        network=network,
    )


def _moment(table: Mapping[str, Any]) -> Moment:
    _known(table, EXPECT_KEYS, "[[expect]]")
    values = {key: value for key, value in table.items() if key in LOOK}
    at = _get(table, "at", float)
    return Moment(int(at * NS), _until_ns(table, at), values)


def _until_ns(table: Mapping[str, Any], at: float) -> int:
    until = _get(table, "until", float, at)
    if until < at:
        raise ScenarioError(f"until = {until}: expected a time after at = {at}")
    return int(until * NS)


def _mask(hosts: object, configured: int) -> int:
    if hosts == "all":
        return (1 << configured) - 1
    if not isinstance(hosts, list) or any(
        not isinstance(host, int) or not 0 <= host < configured for host in hosts
    ):
        raise ScenarioError(f'hosts = {hosts}: expected "all" or a list of indexes below {configured}')
    return sum(1 << host for host in set(hosts))


def _known(table: Mapping[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise ScenarioError(f"{where} has {unknown[0]}: expected of {', '.join(sorted(keys))}")


def _get(table: Mapping[str, Any], key: str, kind: type[Value], default: Value | None = None) -> Value:
    value = table.get(key, default)
    if value is None:
        raise ScenarioError(f"{key} is missing")
    if kind is float and isinstance(value, int):
        return kind(value)  # type: ignore[call-arg]
    if not isinstance(value, kind):
        raise ScenarioError(f"{key} = {value!r}: expected {kind.__name__}")
    return value


def _word(table: Mapping[str, Any], key: str, words: Callable[[str], Value], default: Value) -> Value:
    if key not in table:
        return default
    try:
        return words(table[key])
    except ValueError:
        raise ScenarioError(f"{key} = {table[key]!r}: not known") from None
