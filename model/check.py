"""Run the models: the protocol must hold in every state, and each rule taken away must be missed.

`python model/check.py [--quick]` prints one line a run and ends with 1 if any says what it should not. What
is right is explored whole (a search that is cut short is a failure); for what is broken the first error is
enough, so its search is bounded. Needs spin and a C compiler.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPLETE = ("-DCOLLAPSE", "-DMEMLIM=4000")
CC = ("-w", "-O2", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR")
BOUNDED = ("-DBITSTATE",)


@dataclass(frozen=True)
class Run:
    """One search of one model."""

    model: str
    world: str  # definitions
    broken: str = ""  # the rule that is taken away
    quick: bool = False  # a few seconds
    depth: int = 2_000_000

    @property
    def name(self) -> str:
        """What the table calls it."""
        return f"{self.model} {self.world}{' without ' + self.broken if self.broken else ''}"


RUNS = (
    Run("epoch", "HOSTS=3 FAILS=0", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=0 ROTS=1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=3 FAILS=1 RESTARTS=1"),
    Run("epoch", "HOSTS=3 FAILS=1"),
    Run("epoch", "HOSTS=2 FAILS=0", "SKIP_PHASE_1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 BADS=1", "SKIP_BAD", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=2 FAILS=1", "REUSE_GHOST", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1", "PROBE_COUNTS", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=0 ROTS=1", "ONE_COPY", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1 RESTARTS=1", "SEQUENCE"),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1 RESTARTS=1", "FORGET_BLOCK", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=3 FAILS=1 RESTARTS=1", "TAKE_OVER"),
    Run("grant", "HOSTS=2 EPOCHS=2"),
    Run("grant", "HOSTS=2 EPOCHS=2 NO_CRASH RESTARTS=1"),
    Run("grant", "HOSTS=2 EPOCHS=3", "COLD_START_BESIDE", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=3", "COLD_START_ANYBODY", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=3", "DEAD_AT_CONFIRMATION", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=3", "DEAD_AT_REMOVAL", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=3", "INCARNATION", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=3", "JOINER_IS_MEMBER", quick=True),
    Run("grant", "HOSTS=2 EPOCHS=2", "SHORT_SILENCE", quick=True),
    Run("grant", "HOSTS=3 FIRST=3 EPOCHS=3 NO_CRASH", "REGAINED_ACTS", quick=True, depth=90),
    Run("grant", "HOSTS=3 FIRST=3 EPOCHS=3 NO_CRASH", "NO_ECHO", depth=90),
    Run("grant", "HOSTS=3 FIRST=3 EPOCHS=3 NO_CRASH", "UNRESOLVED_GRANTS", depth=75),
    Run("grant", "HOSTS=3 FIRST=3 EPOCHS=3 NO_CRASH", "NO_EPOCH", depth=75),
)


@dataclass(frozen=True)
class Outcome:
    """What spin says."""

    errors: int
    states: str
    seconds: str
    complete: bool


def call(folder: str, limit_seconds: int, *words: str) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=True, timeout=limit_seconds
    )
    return done.stdout


def search(run: Run, limit_seconds: int = 900) -> Outcome:
    """Build and run one verifier in a folder of its own."""
    definitions = [f"-D{word}" for word in run.world.split()]
    definitions += [f"-DBUG_{run.broken}"] if run.broken else []
    with tempfile.TemporaryDirectory(prefix="xenha-model-") as folder:
        call(folder, limit_seconds, "spin", *definitions, "-a", str(HERE / f"{run.model}.pml"))
        kind = BOUNDED if run.broken else COMPLETE
        call(
            folder,
            limit_seconds,
            "gcc",
            "-w",
            "-O2",
            "-DSAFETY",
            "-DNOREDUCE",
            "-DNOFAIR",
            *kind,
            "-o",
            "pan",
            "pan.c",
        )
        table = ("-w28", "-k3") if run.broken else ("-w24",)
        return read(call(folder, limit_seconds, "./pan", "-n", f"-m{run.depth}", *table))


def read(text: str) -> Outcome:
    """Read what a verifier printed."""
    number = re.search(r"errors: (\d+)", text)
    states = re.search(r"([\d.e+]+) states, stored", text)
    seconds = re.search(r"elapsed time ([\d.e+-]+)", text)
    cut = any(words in text for words in ("max search depth too small", "not completed", "out of memory"))
    return Outcome(
        errors=int(number[1]) if number else -1,
        states=states[1] if states else "?",
        seconds=seconds[1] if seconds else "?",
        complete=bool(number) and not cut,
    )


def right(run: Run, outcome: Outcome) -> bool:
    """Tell whether the outcome is what it should be."""
    return outcome.errors > 0 if run.broken else outcome.errors == 0 and outcome.complete


def main(words: list[str]) -> int:
    """Run all, or the quick ones; return the exit status."""
    wrong = 0
    for run in RUNS:
        if "--quick" in words and not run.quick:
            continue
        outcome = search(run)
        verdict = "found" if outcome.errors > 0 else "holds" if outcome.complete else "not finished"
        mark = " " if right(run, outcome) else "!"
        wrong += mark == "!"
        sys.stdout.write(
            f"{mark} {verdict:12} {outcome.states:>12} states {outcome.seconds:>7} s  {run.name}\n"
        )
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
