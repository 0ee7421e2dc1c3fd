"""Run the models: the protocol must hold in every state, and each rule taken away must be missed.

`python model/check.py [--quick | --deep]` prints one line a run and ends with 1 if any says what it should
not: `--quick` what takes seconds, `--deep` also what takes long. What is right is explored whole: a search
that is cut short is a failure. For what is broken the first error is enough. Needs spin and a C compiler.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CC = ("-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR")
COMPLETE = ("-O2", "-DCOLLAPSE", "-DMEMLIM=6000")
BOUNDED = ("-O1", "-DBITSTATE")  # an error it shows is one, whatever it has left out
LIMIT_SECONDS = 1800
SHALLOW = 48  # steps: what is broken shows sooner there than at the end of a long story


@dataclass(frozen=True)
class Run:
    """One search of one model."""

    model: str
    world: str = ""  # definitions
    broken: str = ""  # the rule that is taken away
    quick: bool = False  # a few seconds
    deep: bool = False  # minutes
    depth: int = 3_000_000

    @property
    def name(self) -> str:
        """What the table calls it."""
        return " ".join(filter(None, (self.model, self.world, self.broken and f"without {self.broken}")))


RUNS = (
    Run("epoch", "HOSTS=3 FAILS=0", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=0 ROTS=1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=3 FAILS=1 RESTARTS=1"),
    Run("epoch", "HOSTS=3 FAILS=1", deep=True),
    Run("epoch", "HOSTS=2 FAILS=0", "SKIP_PHASE_1", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 BADS=1", "SKIP_BAD", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=2 FAILS=1", "REUSE_GHOST", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1", "PROBE_COUNTS", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=0 ROTS=1", "ONE_COPY", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1 RESTARTS=1", "SEQUENCE"),
    Run("epoch", "HOSTS=2 ROUNDS=2 FAILS=1 RESTARTS=1", "FORGET_BLOCK", quick=True),
    Run("epoch", "HOSTS=2 ROUNDS=2 COPIES=3 FAILS=1 RESTARTS=1", "TAKE_OVER"),
    Run("grant", "HOSTS=2", quick=True),
    Run("grant", "HOSTS=2 T=3"),
    Run("grant", "HOSTS=3 NO_CRASH", quick=True),
    Run("grant", "HOSTS=3"),
    Run("grant", "HOSTS=2", "COLD_START_BESIDE"),
    Run("grant", "HOSTS=2", "COLD_START_ANYBODY"),
    Run("grant", "HOSTS=2", "DEAD_AT_CONFIRMATION"),
    Run("grant", "HOSTS=2", "DEAD_AT_REMOVAL"),
    Run("grant", "HOSTS=2", "INCARNATION"),
    Run("grant", "HOSTS=2", "JOINER_IS_MEMBER"),
    Run("grant", "HOSTS=2", "SHORT_SILENCE"),
    Run("grant", "HOSTS=2", "REGAINED_ACTS", quick=True),
    Run("grant", "HOSTS=2", "NO_ECHO"),
    Run("grant", "HOSTS=2", "UNRESOLVED_GRANTS"),
    Run("grant", "HOSTS=2", "WRITE_RENEWS"),
    Run("grant", "HOSTS=2", "RESTART_FORGETS", quick=True),
    Run("grant", "HOSTS=3", "FRESH_HEIR", quick=True),
    Run("grant", "HOSTS=3", "NO_EPOCH"),
    Run("grant", "HOSTS=2 FORCED NOBODY_GRANTS"),
    Run("leaving", quick=True),
    Run("leaving", "T=3"),
    Run("leaving", broken="ANY_CAUSE"),
    Run("leaving", broken="NOT_DIRECT"),
    Run("leaving", broken="LEAVES_UNSAID"),
    Run("leaving", broken="DISARMS_UNSAID"),
    Run("leaving", broken="CONFIRMED_IS_OVER", quick=True),
    Run("leaving", broken="LEAVER_IS_FENCED"),
    Run("leaving", broken="REMEMBERS_WHO_LEFT"),
    Run("leaving", broken="OLD_REMOVAL_COUNTS", quick=True),
    Run("slot", "COPIES=3 GHOSTS=1", quick=True),
    Run("slot", "COPIES=3 GHOSTS=2"),
    Run("slot", "COPIES=3 GHOSTS=1 LOSSES=1", deep=True),
    Run("slot", "COPIES=3 GHOSTS=1 LIFE=2", deep=True),
    Run("slot", "COPIES=3 GHOSTS=1 LOSSES=1", "ONE_COPY", depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=1 LOSSES=1", "NO_PROBE", depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=2", "COME_BACK_EARLY", depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=2", "REUSE_GHOST", quick=True, depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=2", "PROBE_COUNTS", depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=2", "NOT_ERASED", depth=SHALLOW),
    Run("slot", "COPIES=3 GHOSTS=2", "SEQUENCE", deep=True),
    Run("slot", "COPIES=3 GHOSTS=2", "TRUST_NEWEST", deep=True),
    Run("majority", quick=True),
    Run("majority", broken="DENIAL_OF_A_BOOT", quick=True),
    Run("majority", broken="DENIAL_UNWRITTEN", quick=True),
    Run("majority", broken="MINORITY"),
    Run("majority", broken="START"),
    Run("majority", broken="NO_SILENCE"),
    Run("majority", broken="GRANTS_WHOM_IT_DENIES"),
    Run("majority", broken="COLD_START_BESIDE"),
    Run("majority", "LEAVING", "DEAD_AT_REMOVAL"),
)


@dataclass(frozen=True)
class Outcome:
    """What spin says."""

    errors: int
    states: str
    seconds: str
    megabytes: str
    complete: bool


def call(folder: str, limit_seconds: int, *words: str) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=True, timeout=limit_seconds
    )
    return done.stdout


def search(run: Run, limit_seconds: int = LIMIT_SECONDS) -> Outcome:
    """Build and run one verifier in a folder of its own."""
    definitions = [f"-D{word}" for word in run.world.split()]
    definitions += [f"-DBUG_{run.broken}"] if run.broken else []
    kind, table = (BOUNDED, ("-w28", "-k3")) if run.broken else (COMPLETE, ("-w24",))
    with tempfile.TemporaryDirectory(prefix="xenha-model-") as folder:
        call(folder, limit_seconds, "spin", *definitions, "-a", str(HERE / f"{run.model}.pml"))
        call(folder, limit_seconds, "gcc", *CC, *kind, "-o", "pan", "pan.c")
        return read(call(folder, limit_seconds, "./pan", "-n", f"-m{run.depth}", *table))


def read(text: str) -> Outcome:
    """Read what a verifier printed."""
    number = re.search(r"errors: (\d+)", text)
    states = re.search(r"([\d.e+]+) states, stored", text)
    seconds = re.search(r"elapsed time ([\d.e+-]+)", text)
    memory = re.search(r"([\d.]+)\s+total actual memory usage", text)
    cut = any(words in text for words in ("max search depth too small", "not completed", "out of memory"))
    return Outcome(
        errors=int(number[1]) if number else -1,
        states=states[1] if states else "?",
        seconds=seconds[1] if seconds else "?",
        megabytes=memory[1] if memory else "?",
        complete=bool(number) and not cut,
    )


def right(run: Run, outcome: Outcome) -> bool:
    """Tell whether the outcome is what it should be."""
    return outcome.errors > 0 if run.broken else outcome.errors == 0 and outcome.complete


def line(run: Run, outcome: Outcome) -> str:
    """Return what is printed of a run; "!" marks what should not be."""
    mark = " " if right(run, outcome) else "!"
    verdict = "found" if outcome.errors > 0 else "holds" if outcome.complete else "not finished"
    size = f"{outcome.states:>13} states {outcome.megabytes:>8} MB {outcome.seconds:>6} s"
    return f"{mark} {verdict:12} {size}  {run.name}"


def main(words: list[str]) -> int:
    """Run all, or the quick ones; return the exit status."""
    wrong = 0
    for run in RUNS:
        if ("--quick" in words and not run.quick) or ("--deep" not in words and run.deep):
            continue
        outcome = search(run)
        wrong += not right(run, outcome)
        sys.stdout.write(f"{line(run, outcome)}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
