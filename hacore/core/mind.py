"""What one host's brain is made of, the moment it looks at, and the steps that all who move it take.

Decides nothing: which step is taken, say machine.py by what is seen, orders.py by what an operator wants, and
resuming.py by what a predecessor left.
"""

from __future__ import annotations

from hacore.core.deciding import Deciding
from hacore.core.effects import CloseWatchdog
from hacore.core.living import Living
from hacore.core.posture import Posture
from hacore.core.removals import Removals
from hacore.core.rules import Rules
from hacore.core.says import Says
from hacore.core.seen import Disk, Net
from hacore.core.setup import Setup
from hacore.core.takeover import Takeover
from hacore.core.telling import Telling
from hacore.records import Decision, FenceCause, State


class Mind:
    """The parts, each of which says for itself what it is about."""

    def __init__(self, setup: Setup, rules: Rules) -> None:
        self.setup, self.rules = setup, rules
        self.disk = Disk(setup, rules.sighted_ns)
        self.net = Net(setup)
        self.says = Says(setup.incarnation, self.disk.newest, setup.weight, 1 << setup.me)
        self.living = Living(setup, rules, self.disk, self.net, self.says)
        self.removals = Removals(setup)
        self.deciding = Deciding(setup, rules, self.disk, self.says, self.living, self.removals)
        self.telling = Telling(self.says)
        self.posture = Posture(setup, self.says, self.living, self.telling)
        self.takeover = Takeover(setup)
        self.now_ns = 0
        """When the event came that is being handled."""

    def is_member(self, decided: Decision) -> bool:
        """Tell whether an epoch has this host, as who it is."""
        return self.rules.is_member(decided, self.setup.me, self.setup.incarnation)

    def enter(self, state: State) -> None:
        """Be in this state from now on."""
        self.posture.enter(state, self.now_ns)

    def fence(self, cause: FenceCause) -> None:
        """Begin to reboot this host."""
        self.posture.fence(cause, self.now_ns)

    def exclude(self, reason: str, patience_ns: int) -> None:
        """Disarm and leave; wait no longer for the slot to say so."""
        if self.takeover.pending:
            self.posture.out.append(CloseWatchdog())  # a predecessor may have left it open
            self.posture.stop(reason)
            return
        self.deciding.proposer.drop()
        self.posture.leave(reason, patience_ns, self.now_ns)
