"""Simulate pools from seeds and check the guarantees after every step.

Prints one line a failing seed (nothing else) and a summary, one JSON object. A seed with the same options is
the same world, event by event.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hacore.core.timing import NS
from hacore.testing.mix import GROUPS, WEIGHTS, draw
from hacore.testing.mutants import MUTANTS
from hacore.testing.scenario import ScenarioError, run_file
from hacore.testing.seeds import Outcome, Run, seconds

DONE, VIOLATED, USAGE, INTERRUPTED = 0, 1, 2, 130
CHUNK = 8
EXAMPLES = """examples:
  python -m hacore.testing.simulate --seeds 0:1000
  python -m hacore.testing.simulate --hosts 3 --seeds 0:500 --faults disk,crash
  python -m hacore.testing.simulate --hosts 3 --replay 17
  python -m hacore.testing.simulate --mutant skip_paxos_read --seeds 0:100
  python -m hacore.testing.simulate --scenario tests/scenarios/*.toml
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What makes a seed a world."""

    hosts: int | None
    timeout_ns: int
    minutes: float
    kinds: tuple[str, ...]
    mutant: str


def run_seed(options: Options, seed: int, *, told: bool = False) -> Outcome:
    """Run one seed; every other one is watched until everybody must be back.

    A mutant runs in the worlds that bring its bug to light.
    """
    mutant = MUTANTS.get(options.mutant)
    if mutant is not None:
        return Run(str(seed), mutant.profile(str(seed)), mutant.rules, mutant.twins, told=told).to_the_end(
            settle=False
        )
    plan = draw(str(seed), options.hosts, options.timeout_ns, options.minutes, options.kinds)
    return Run(str(seed), plan, told=told).to_the_end(settle=seed % 2 == 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.scenario:
        return _scenarios(chosen.scenario)
    options = Options(chosen.hosts, int(chosen.timeout * NS), chosen.minutes, chosen.faults, chosen.mutant)
    if chosen.replay is not None:
        return _replay(options, chosen.replay)
    try:
        return _seeds(options, chosen.seeds, chosen.jobs)
    except KeyboardInterrupt:
        return INTERRUPTED


def _seeds(options: Options, seeds: range, jobs: int) -> int:
    total = Summary()
    shown = Progress(len(seeds))
    for outcome in _outcomes(options, seeds, jobs):
        total.add(outcome)
        for violation in outcome.violations[:1]:
            shown.clear()
            print(f"seed {outcome.seed}: {violation}", flush=True)
        shown.advance(total)
    shown.clear()
    print(json.dumps(total.figures()))
    return VIOLATED if total.violations else DONE


def _outcomes(options: Options, seeds: range, jobs: int) -> Iterator[Outcome]:
    run = partial(run_seed, options)
    if jobs == 1 or len(seeds) <= CHUNK:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=_ignore_interrupt) as pool:
        try:
            yield from pool.map(run, seeds, chunksize=CHUNK)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ignore_interrupt() -> None:
    """Leave Ctrl-C to the parent, who ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Summary:
    """The figures of all seeds together."""

    def __init__(self) -> None:
        self.seeds = self.events = self.simulated_ns = 0
        self.violations = self.fences = self.needless = 0
        self.over_ns: int | None = None

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.events += outcome.events
        self.simulated_ns += outcome.simulated_ns
        self.violations += len(outcome.violations)
        self.fences += outcome.fences
        self.needless += outcome.needless_fences
        over_ns = outcome.detection_over_bound_ns
        if over_ns is not None:
            self.over_ns = over_ns if self.over_ns is None else max(self.over_ns, over_ns)

    def figures(self) -> dict[str, int | float | None]:
        return {
            "seeds": self.seeds,
            "events": self.events,
            "simulated_seconds": seconds(self.simulated_ns),
            "violations": self.violations,
            "fences": self.fences,
            "needless_fences": self.needless,
            "max_detection_over_bound_seconds": None if self.over_ns is None else seconds(self.over_ns),
        }


class Progress:
    """One line on stderr where that is a terminal."""

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._shown = sys.stderr.isatty()

    def advance(self, total: Summary) -> None:
        if self._shown:
            text = f"\r{total.seeds} of {self._seeds} seeds, {total.violations} violations"
            print(text, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _replay(options: Options, seed: int) -> int:
    outcome = run_seed(options, seed, told=True)
    for line in outcome.story:
        print(line)
    return VIOLATED if outcome.violations else DONE


def _scenarios(paths: Iterable[Path]) -> int:
    code = DONE
    for path in paths:
        try:
            wrong = run_file(path)
        except (ScenarioError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return USAGE
        for line in wrong:
            print(f"{path}: {line}")
        code = VIOLATED if wrong else code
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hacore.testing.simulate",
        description=(__doc__ or "").split("\n\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = f"of: {', '.join((*GROUPS, *WEIGHTS))}; default: all"
    parser.add_argument(
        "--hosts", type=_hosts, metavar="N", help="2 to 64; default: drawn from the seed, 2 to 8"
    )
    parser.add_argument("--seeds", type=_range, default=range(100), metavar="A:B", help="default: 0:100")
    parser.add_argument("--faults", type=_kinds, default=tuple(WEIGHTS), metavar="KIND,…", help=kinds)
    parser.add_argument("--timeout", type=_positive, default=20, metavar="SECONDS", help="T; default: 20")
    parser.add_argument("--minutes", type=_positive, default=3, help="in which faults begin; default: 3")
    parser.add_argument(
        "--mutant", default="", choices=sorted(MUTANTS), help="run a deliberate bug, in worlds of its own"
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="print the story of one seed")
    parser.add_argument("--scenario", type=Path, nargs="+", metavar="FILE", help="run scenario files")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="default: the cores")
    parser.add_argument("--json", action="store_true", help="the summary is always JSON; kept for scripts")
    return parser


def _hosts(text: str) -> int:
    hosts = int(text)
    if not 2 <= hosts <= 64:
        raise argparse.ArgumentTypeError(f"{text}: expected 2 to 64 hosts")
    return hosts


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return value


def _range(text: str) -> range:
    first, colon, last = text.partition(":")
    try:
        seeds = range(int(first), int(last)) if colon else range(int(first), int(first) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: expected A:B, the first seed and the one after the last"
        ) from None
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text}: expected A:B with A < B")
    return seeds


def _kinds(text: str) -> tuple[str, ...]:
    kinds: list[str] = []
    for word in text.split(","):
        if word not in GROUPS and word not in WEIGHTS:
            raise argparse.ArgumentTypeError(f"{word}: expected {', '.join((*GROUPS, *WEIGHTS))}")
        kinds += GROUPS.get(word, (word,))
    return tuple(dict.fromkeys(kinds))


if __name__ == "__main__":
    raise SystemExit(main())
