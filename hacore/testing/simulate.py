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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hacore.core.setup import Isolation, Quorum
from hacore.core.timing import NS
from hacore.testing.mix import GROUPS, WEIGHTS, draw
from hacore.testing.mutants import MUTANTS, NO_MUTANT
from hacore.testing.scenario import ScenarioError, run_file, tell_file
from hacore.testing.seeds import Outcome, Run, seconds

DONE, VIOLATED, USAGE, INTERRUPTED = 0, 1, 2, 130
CHUNK = 8
EXAMPLES = """examples:
  python -m hacore.testing.simulate --seeds 0:1000
  python -m hacore.testing.simulate --hosts 3 --seeds 0:500 --faults disk,crash
  python -m hacore.testing.simulate --hosts 3 --replay 17
  python -m hacore.testing.simulate --hosts 9-16 --timeout 60 --seeds 0:20
  python -m hacore.testing.simulate --isolation fence --seeds 0:200
  python -m hacore.testing.simulate --mutant skip_paxos_read --seeds 0:100
  python -m hacore.testing.simulate --scenario tests/scenarios/*.toml
  python -m hacore.testing.simulate --scenario tests/scenarios/two_link_lost.toml --replay
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What makes a seed a world."""

    hosts: range
    timeout_ns: int | None
    minutes: float | None
    kinds: tuple[str, ...]
    mutant: str = ""
    mixed: bool = False
    isolation: Isolation | None = None  # drawn
    quorum: Quorum | None = None


def run_seed(options: Options, seed: int, *, told: bool = False) -> Outcome:
    """Run one seed; every other one is watched until everybody must be back.

    A mutant runs in the worlds that bring its bug to light, unless it is to be looked for in the general mix.
    """
    name, mutant = str(seed), MUTANTS.get(options.mutant, NO_MUTANT)
    if options.mutant and not options.mixed:
        plan = mutant.profile(name)
    else:
        plan = draw(name, options.hosts, options.timeout_ns, options.minutes, options.kinds)
        plan = replace(
            plan, isolation=options.isolation or plan.isolation, quorum=options.quorum or plan.quorum
        )
    settle = seed % 2 == 0 and not options.mutant
    return Run(name, plan, mutant.rules, mutant.twins, told=told).to_the_end(settle=settle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.scenario:
        return _scenarios(chosen.scenario, chosen.replay)
    timeout_ns = None if chosen.timeout is None else int(chosen.timeout * NS)
    options = Options(
        hosts=chosen.hosts,
        timeout_ns=timeout_ns,
        minutes=chosen.minutes,
        kinds=chosen.faults,
        mutant=chosen.mutant,
        mixed=chosen.mixed,
        isolation=chosen.isolation,
        quorum=chosen.quorum,
    )
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


def _scenarios(paths: Iterable[Path], replay: int | None) -> int:
    """Run scenario files over their seeds, or tell the story of each under the seed to replay."""
    code = DONE
    for path in paths:
        try:
            story, wrong = ((), run_file(path)) if replay is None else tell_file(path, replay)
        except (ScenarioError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return USAGE
        for line in story:
            print(line)
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
        "--hosts",
        type=_hosts,
        default=range(2, 9),
        metavar="N[-M]",
        help="2 to 64; from N to M: drawn from the seed; default: 2-8",
    )
    parser.add_argument("--seeds", type=_range, default=range(100), metavar="A:B", help="default: 0:100")
    parser.add_argument("--faults", type=_kinds, default=tuple(WEIGHTS), metavar="KIND,…", help=kinds)
    parser.add_argument(
        "--timeout", type=_positive, metavar="SECONDS", help="T; default: drawn, 10, 20 or 60"
    )
    parser.add_argument("--minutes", type=_positive, help="in which faults begin; default: 9 T")
    for key, values in (("isolation", Isolation), ("quorum", Quorum)):
        parser.add_argument(f"--{key}", type=values, choices=list(values), help="default: drawn")
    parser.add_argument(
        "--mutant", default="", choices=sorted(MUTANTS), help="run a deliberate bug, in worlds of its own"
    )
    parser.add_argument("--mixed", action="store_true", help="look for the mutant in the general mix instead")
    parser.add_argument(
        "--replay",
        type=int,
        nargs="?",
        const=0,
        metavar="SEED",
        help="print the story of one seed, also of a scenario; default: 0",
    )
    parser.add_argument("--scenario", type=Path, nargs="+", metavar="FILE", help="run scenario files")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="default: the cores")
    parser.add_argument("--json", action="store_true", help="the summary is always JSON; kept for scripts")
    return parser


def _hosts(text: str) -> range:
    first, _, last = text.partition("-")
    hosts = range(int(first), int(last or first) + 1)
    if not hosts or hosts[0] < 2 or hosts[-1] > 64:
        raise argparse.ArgumentTypeError(f"{text}: expected 2 to 64 hosts, N or N-M")
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
