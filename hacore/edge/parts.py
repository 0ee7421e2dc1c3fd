"""What a daemon works with, put together by `hacore.edge.start`. Decides nothing."""

from __future__ import annotations

import selectors
from dataclasses import dataclass, field

from hacore.clock import Clock
from hacore.config import Config
from hacore.core.machine import Machine
from hacore.core.numbering import Finished
from hacore.edge.channels import Channels
from hacore.edge.doors import Pump
from hacore.edge.evidence import EvidenceWatch
from hacore.edge.hands import Hands
from hacore.edge.journal import Journal
from hacore.edge.slotdevice import StatefileOpener
from hacore.edge.transport import Networks
from hacore.edge.watchdog import Watchdog
from hacore.kernel.native import SlotDevice


@dataclass(frozen=True, slots=True)
class Memory:
    """Fences of this host that its journal remembers."""

    last_cause: str = "none"
    last_at_seconds: float | None = None
    by_cause: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the daemon works with."""

    config: Config
    clock: Clock
    selector: selectors.BaseSelector
    journal: Journal
    machine: Machine
    pump: Pump
    hands: Hands
    networks: Networks
    evidence: EvidenceWatch
    channels: Channels
    watchdog: Watchdog
    opener: StatefileOpener
    device: SlotDevice | None  # the statefile, if it could be opened at once
    memory: Memory
    warnings: tuple[str, ...]  # what the pump was not granted
    bug_ns: int  # when a predecessor's brain failed; 0: it did not
    finished: Finished  # what the daemon before said of its writes
