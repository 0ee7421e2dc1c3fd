"""The membership machine: events in, effects out. Decides what this host says, when it arms, when it fences.

Must never read a clock, nor do anything itself: the shell carries its effects out in order.

The shell: hands over every event with the time of this host's monotonic clock; ticks at least once a beat and
whenever the pump has news; gives `Heard` and `DiskCycle` as the pump's `heard()` and `cycle()` return them;
carries the effects of one `handle` out before the next. Before the first `Publish` the pump only reads.
"""

from __future__ import annotations

from hacore.core.effects import Effect
from hacore.core.events import Event
from hacore.core.rules import RULES, Rules
from hacore.core.setup import Setup
from hacore.core.view import Mode, View
from hacore.records import NOBODY, Cause, Decision, FenceCause, State


class Machine:
    """One host's brain."""

    def __init__(self, setup: Setup, rules: Rules = RULES) -> None:
        self._setup = setup
        self._rules = rules

    def handle(self, event: Event, now_ns: int) -> tuple[Effect, ...]:
        """Take in one event; return what is to be done, in order."""
        del event, now_ns
        return ()

    def view(self) -> View:
        """Return what it shows of itself now."""
        setup = self._setup
        return View(
            state=State.ABSENT,
            since_ns=0,
            decided=Decision(0, 0, (0,) * setup.hosts, NOBODY, Cause.NONE),
            armed=False,
            dead=0,
            condemned=0,
            uncertain=0,
            mode=Mode.DISK,
            storage=False,
            degraded=False,
            unresolved=True,
            row=1 << setup.me,
            silent=0,
            lived_ns=0,
            granted_ns=0,
            carrier=False,
            arbiters=0,
            weight=setup.weight,
            leader_wish=NOBODY,
            copies_left=0,
            fence=FenceCause.NONE,
            waiting="the first read of the statefile",
        )
