"""Run one world from its plan to its end, with all judges looking on. Decides how long a world is watched."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hacore.core.rules import RULES, Rules
from hacore.core.timing import NS
from hacore.core.words import spoken
from hacore.records import State
from hacore.testing.checks import Checks, Ledger, Violation
from hacore.testing.detection import Detection
from hacore.testing.faults import schedule
from hacore.testing.judge import Judge
from hacore.testing.story import Story
from hacore.testing.twins import TWINS, Twins
from hacore.testing.world import WORLD, World

if TYPE_CHECKING:
    from hacore.testing.plan import Plan
    from hacore.testing.world import Watcher


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one world."""

    seed: str
    events: int
    simulated_ns: int
    violations: tuple[Violation, ...]
    fences: int
    needless_fences: int
    detection_over_bound_ns: int | None  # None: nobody had to be detected
    story: tuple[str, ...]


class Run:
    """A world with its judges."""

    def __init__(
        self, seed: str, plan: Plan, rules: Rules = RULES, twins: Twins = TWINS, *, told: bool = False
    ) -> None:
        self.seed, self.plan = seed, plan
        self.told = told
        self.broken = False
        self.world = World(plan, Random(f"{seed}/world"), self._watchers, rules, twins)
        for fault in plan.faults:
            schedule(self.world, fault)

    def _watchers(self, world: World) -> list[Watcher]:
        self.ledger = Ledger(world)
        self.judge = Judge(world, self.ledger)
        self.detection = Detection(world, self.ledger)
        self.story = Story(world)
        watchers: list[Watcher] = [Checks(world, self.ledger), self.judge, self.detection]
        return [*watchers, self.story] if self.told else watchers

    def to_the_end(self, *, settle: bool) -> Outcome:
        """Run until the plan ends; `settle`: and on, until all who can must be members again."""
        ends_ns = self.plan.ends_ns
        if settle:
            last_ns = max((fault.until_ns for fault in self.plan.faults), default=0)
            timing = self.plan.timing
            again_ns = self.plan.reboot_ns + timing.cold_start_ns + 4 * timing.silence_ns
            again_ns += 2 * timing.ghost_ns  # two clean copies are enough
            ends_ns = max(ends_ns, last_ns + again_ns)
        self.until(ends_ns)
        if settle and not self.broken:
            self._settled()
        return self.outcome()

    def until(self, when_ns: int) -> None:
        """Run up to an instant; a machine that raises has broken its promise, and the world ends."""
        if self.broken:
            return
        try:
            self.world.run(when_ns)
        except Exception as error:  # whatever it is, it is a bug in a machine, and the seed must be told
            self.broken = True
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            place = f"{where.tb_frame.f_code.co_name}:{where.tb_lineno}" if where is not None else ""
            self.ledger.accuse("bug", WORLD, f"{type(error).__name__}: {error} in {place}")

    def outcome(self) -> Outcome:
        """Return what is known so far."""
        return Outcome(
            seed=self.seed,
            events=self.world.events,
            simulated_ns=self.world.now_ns,
            violations=tuple(self.ledger.violations),
            fences=self.judge.fences,
            needless_fences=self.judge.needless,
            detection_over_bound_ns=self.detection.most_over_ns,
            story=tuple(self.story.lines),
        )

    def _settled(self) -> None:
        """Accuse whoever is up and is not where it should be, though nothing has been wrong for long."""
        newest = self.ledger.newest
        views = {
            host.index: host.daemon.machine.view() for host in self.world.hosts if host.daemon is not None
        }
        for host, view in views.items():
            if view.state == State.EXCLUDED:
                continue
            if view.state != State.MEMBER or view.decided != newest:
                text = f"is {view.state.name} in epoch {view.epoch} of {newest.epoch}"
                self.ledger.accuse("recovery", host, f"{text}, waits for: {spoken(view.waiting, str)}")


def seconds(ns: int) -> float:
    """Return nanoseconds as seconds, rounded to the millisecond."""
    return round(ns / NS, 3)
