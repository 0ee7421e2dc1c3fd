"""What others may live on by my leave: nothing may be decided against them until that is over."""

from __future__ import annotations

from hacore.core.events import Heard
from hacore.core.mind import Mind
from hacore.core.rules import RULES
from hacore.core.setup import Setup
from hacore.core.timing import NS, timing

TIMING = timing(20 * NS, NS // 10, lab=True)


def test_what_the_pump_granted_while_the_brain_stood_still_counts() -> None:
    mind = Mind(Setup(3, 0, 10, TIMING), RULES)
    granted_ns, now_ns = 1005 * NS, 1010 * NS
    mind.net.take(Heard([0] * 3, [None] * 3, [0] * 3, granted_ns))
    mind.living.look(now_ns, unresolved=False)
    assert not mind.says.grants
    assert not mind.living.may_act(granted_ns + TIMING.silence_ns)
    assert mind.living.may_act(granted_ns + TIMING.silence_ns + 1)


def test_nobody_is_well_before_a_first_good_cycle_however_young_the_clock() -> None:
    """The monotonic clock starts with the host."""
    assert not Mind(Setup(3, 0, 10, TIMING), RULES).living.well(NS)


def test_a_round_ends_without_a_proposal_if_somebody_may_live_on_a_grant_by_now(pool):
    """The pump granted as the brain had told it, until the brain came to hear of it."""
    box = pool[0]
    proposer = box.machine._deciding.proposer
    pool.crash(2)
    silent_ns = pool.now_ns + pool.timing.silence_ns
    while proposer.round is None:
        pool.now_ns += pool.timing.beat_ns
        box.listen(), box.cycle(), pool[1].listen(), pool[1].cycle()
    assert pool.now_ns > silent_ns
    assert proposer.round.phase == 1
    box.granted_ns = pool.now_ns
    box.listen()
    box.cycle(), box.cycle()
    assert proposer.round is None
    assert proposer.block.value is None
    assert box.waiting.startswith("those who may live on my grants")
