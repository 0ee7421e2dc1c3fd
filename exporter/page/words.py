"""How the page says things: sizes, ages, lists of names, the verdict on a pool in sentences.

Pure functions from values to text. What is not proven is never worded as if it were.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.constraints.rules import Rules
from planner.results import Bounds, Method, Span, Tolerance, Witness

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def size(size_bytes: int) -> str:
    """Return a size with at most one decimal, e.g. "1.5 GiB"; whole numbers carry none."""
    value = float(size_bytes)
    for unit in _UNITS:
        if abs(value) < 1023.95 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def age(seconds: float) -> str:
    """Return how long ago something was, in one unit, e.g. "3 minutes"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length * 1.5:
            return plural(round(seconds / length), unit)
    return plural(max(0, round(seconds)), "second")


def duration(seconds: float) -> str:
    """Return how long something took, e.g. "0.4 ms" or "2.1 s"."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, e.g. "1 host", "2 hosts"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def spelled(count: int) -> str:
    """Return a small count as a word, e.g. "two"."""
    return _COUNTS[count] if 0 <= count < len(_COUNTS) else str(count)


def listed(names: Sequence[str]) -> str:
    """Return names as an enumeration, e.g. "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def figure(bounds: Bounds) -> str:
    """Return the figure as shown: "2", or "1–2" while it is open."""
    if bounds.proven:
        return signed(bounds.lower)
    return f"{signed(bounds.lower)}{' to ' if bounds.lower < 0 else '–'}{signed(bounds.upper)}"


def signed(number: int) -> str:
    """Return a number with a true minus sign."""
    return str(number).replace("-", "−")


def in_turn(tolerance: Tolerance) -> str:
    """Return what the sequential figure says, and why it may be open."""
    bounds = tolerance.sequential
    if tolerance.protected_vms == 0 or bounds.upper <= 0:
        return ""
    if bounds.proven:
        if bounds.upper < tolerance.simultaneous.upper:
            return "restarts in between can take places that are needed later"
        return "in any order, everything being restarted in between"
    if tolerance.sequential_search == "limit_reached":
        return "not settled within the limit"
    return "bounds: orders of more than two failures are not followed"


def room(span: Span) -> str:
    """Return a size between proven bounds; never more than is proven to fit."""
    if span.upper == 0:
        return "none"
    least, most = rounded_down(span.lower), rounded_down(span.upper)
    return least if span.proven or least == most else f"{least} to {most}"


def rounded_down(size_bytes: int) -> str:
    """Return a size in GiB that is no larger than it is, with at most one decimal."""
    return f"{size_bytes * 10 // (1 << 30) / 10:.1f}".removesuffix(".0") + " GiB"


def kept(target: int) -> str:
    """Return what the headroom leaves survived."""
    return f"with {plural(target, 'host failure')} still survived" if target else "without a target to keep"


def rules(told: Rules) -> str:
    """Return what an operator has counted beside the defaults."""
    ratio = told.vcpus_per_core
    return listed(
        [
            *([] if ratio is None else [f"at most {float(ratio):g} vCPUs per core"]),
            *(["memory ballooned down"] if told.memory == "dynamic-min" else []),
            *([f"{size(told.reserve_bytes)} of every host kept back"] if told.reserve_bytes else []),
        ]
    )


def verdict(tolerance: Tolerance) -> str:
    """Return what is proven about simultaneous failures, in a sentence."""
    bounds = tolerance.simultaneous
    if tolerance.hosts == 0:
        return "No host is in service."
    if tolerance.protected_vms == 0:
        return "No VM is protected: there is nothing that would have to restart."
    if bounds.upper < 0:
        return "Not even the protected VMs that are down now can all be restarted."
    if bounds.proven:
        return _survives(bounds.lower)
    open_end = f"Whether {_any(max(1, bounds.upper))} may fail is not settled."
    return f"{_survives(bounds.lower)} {open_end}" if bounds.lower > 0 else open_end


def _survives(count: int) -> str:
    if count <= 0:
        return "If a host fails, some protected VM may stay down."
    if count == 1:
        return "Any one host may fail: every protected VM restarts."
    return f"Any {spelled(count)} hosts may fail at once: every protected VM restarts."


def _any(count: int) -> str:
    return "any one host" if count == 1 else f"any {spelled(count)} hosts"


def target(tolerance: Tolerance) -> str:
    """Return how the figure stands to the target, in a sentence."""
    if tolerance.target is None:
        return "HA is off on this pool: there is no target to compare with."
    asked = f"The pool is asked to survive {plural(tolerance.target, 'host failure')}"
    if tolerance.overcommitted is None:
        return f"{asked}: undecided."
    if tolerance.overcommitted:
        return f"{asked}: it is overcommitted."
    return f"{asked}: it does."


def witness_head(witness: Witness, hosts: Sequence[str]) -> str:
    """Return what the witness of an upper bound means; `hosts` are the names of its hosts."""
    if witness.reason == "quorum":
        return "More would cost the pool the majority that clustering needs."
    if witness.reason == "all_hosts":
        return "Then no host would be left to restart anything on."
    vms = plural(len(witness.vms), "protected VM")
    if witness.reason == "down":
        return f"{_these(vms, len(witness.vms), 'down')} {_because(witness)}."
    lost = f"If {listed(hosts)} failed{' together' if len(hosts) > 1 else ''}"
    return f"{lost}, {_these(vms, len(witness.vms), '')} {_because(witness)}."


def _these(vms: str, count: int, state: str) -> str:
    if state:
        return (
            f"{vms} {'is' if count == 1 else 'are'} {state} and cannot {'' if count == 1 else 'all '}restart:"
        )
    return "this protected VM could not restart:" if count == 1 else f"these {vms} could not all restart:"


def _because(witness: Witness) -> str:
    return {
        "memory": "there is not enough memory left",
        "reach": "no host left that reaches storage, networks and devices has room",
        "cpu": "there are not enough CPUs left",
        "affinity": "their groups must stay apart",
    }.get(witness.reason, "there is no room left")


def witness_question(bounds: Bounds) -> str:
    """Return the question that the witness answers."""
    return f"Why not {signed(bounds.upper + 1)}?" if bounds.upper >= 0 else "Why is nothing safe?"


def method(how: Method) -> str:
    """Return by what the lower bound is proven."""
    return {
        "trivial": "plain to see",
        "certificate": "proven by certificate",
        "reservation": "proven by reservation",
        "enumeration": "every failure set looked at",
        "solver": "proven by solver",
    }[how]


def xapi(exists_for: int, tolerance: Tolerance) -> str:
    """Return how xapi's own figure stands to ours; it never counts beyond the target. Empty if they agree."""
    bounds = tolerance.simultaneous
    if exists_for > bounds.upper:
        return "promises more than is possible"
    if tolerance.target is not None and exists_for < min(bounds.lower, tolerance.target):
        return "sees less than is proven"
    return ""
