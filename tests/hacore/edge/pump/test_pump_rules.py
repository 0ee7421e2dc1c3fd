"""What the native pump decides is what its Python twin decides, and both keep what they promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hacore.kernel import _pump as twin
from hacore.kernel import pumprules as native
from hacore.kernel.native import PoolIdentity, blank_body, pack_slot_body, seal_slot
from hacore.records import NOBODY, Cause, Decision, SlotBody, State

MANY = settings(max_examples=300)
SMALL = st.integers(0, 40)
"""Times close to each other: what matters is which comes first."""
FLAG = st.booleans()
RULES = [twin, native]


@MANY
@given(FLAG, SMALL, SMALL)
def test_lease(disk, disk_since_ns, granted_ns):
    found = native.lease_since_ns(disk, disk_since_ns, granted_ns)
    assert found == twin.lease_since_ns(disk, disk_since_ns, granted_ns)
    assert found == (max(disk_since_ns, granted_ns) if disk else granted_ns)


@MANY
@given(SMALL, SMALL, SMALL, FLAG, SMALL, SMALL)
def test_may_ping(now_ns, since_ns, checked_in_ns, watching, ping_until_ns, check_in_ns):
    intervals = {"watching": watching, "ping_until_ns": ping_until_ns, "check_in_ns": check_in_ns}
    found = native.may_ping(now_ns, since_ns, checked_in_ns, **intervals)
    assert found is twin.may_ping(now_ns, since_ns, checked_in_ns, **intervals)


@pytest.mark.parametrize("rules", RULES)
def test_the_last_instant_of_a_ping(rules):
    def may(now_ns=1_000, since_ns=900, checked_in_ns=980, watching=True):
        return rules.may_ping(
            now_ns, since_ns, checked_in_ns, watching=watching, ping_until_ns=100, check_in_ns=20
        )

    assert may()
    assert not may(since_ns=899)
    assert not may(checked_in_ns=979)
    assert not may(watching=False)
    assert not rules.may_ping(10, 0, 10, watching=True, ping_until_ns=100, check_in_ns=20)
    assert not rules.may_ping(10, 10, 0, watching=True, ping_until_ns=100, check_in_ns=20)


@MANY
@given(SMALL, SMALL, FLAG, SMALL)
def test_who_has_outlived_its_watchdog(now_ns, since_ns, watching, over_ns):
    found = native.has_outlived(now_ns, since_ns, watching=watching, over_ns=over_ns)
    assert found is twin.has_outlived(now_ns, since_ns, watching=watching, over_ns=over_ns)
    assert found is (watching and since_ns > 0 and now_ns - since_ns > over_ns)


@pytest.mark.parametrize("rules", RULES)
def test_an_hour_of_sleep_ends_every_lease(rules):
    """Whatever S was: after it there is no ping, and no write as long as a watchdog is there."""
    hour_ns, since_ns = 3600 * 10**9, 77 * 10**9
    now_ns = since_ns + hour_ns
    intervals = {"watching": True, "ping_until_ns": 42 * 10**9, "check_in_ns": 2 * hour_ns}
    assert rules.may_ping(now_ns - hour_ns, since_ns, since_ns, **intervals)
    assert not rules.may_ping(now_ns, since_ns, since_ns, **intervals)
    assert rules.has_outlived(now_ns, since_ns, watching=True, over_ns=48 * 10**9)
    assert not rules.has_outlived(now_ns - hour_ns, since_ns, watching=True, over_ns=48 * 10**9)
    assert not rules.has_outlived(now_ns, since_ns, watching=False, over_ns=48 * 10**9)
    assert not rules.has_outlived(now_ns, 0, watching=True, over_ns=48 * 10**9)


@MANY
@given(SMALL, st.integers(0, 400), st.integers(1, 15))
def test_beats_stay_on_their_grid(due_ns, now_ns, beat_ns):
    following, missed = twin.next_beat(due_ns, now_ns, beat_ns)
    assert native.next_beat(due_ns, now_ns, beat_ns) == (following, missed)
    assert (following - due_ns) % beat_ns == 0
    assert following > now_ns
    assert following - beat_ns <= max(now_ns, due_ns - beat_ns)
    assert following == due_ns + (0 if now_ns < due_ns else (missed + 1) * beat_ns)


@MANY
@given(FLAG, FLAG, FLAG, SMALL, SMALL)
def test_a_good_read(published, written, read, sequence, shown):
    found = native.read_good(published, written, read, sequence, shown)
    assert found is twin.read_good(published, written, read, sequence, shown)
    assert found is (read if not published else written and read and sequence == shown)


@MANY
@given(SMALL, SMALL, FLAG, FLAG, FLAG)
def test_the_disks_since(before_ns, started_ns, written, good, member):
    found = native.disk_since_ns(before_ns, started_ns, written, good, member)
    assert found == twin.disk_since_ns(before_ns, started_ns, written, good, member)
    assert found == (started_ns if written and good and member else before_ns)


# --- membership -------------------------------------------------------------------------------------------

HOSTS = 3
POOL = PoolIdentity(bytes(32), bytes(16), [bytes([host + 1]) * 16 for host in range(HOSTS)])


@st.composite
def bodies(draw: st.DrawFn) -> SlotBody | None:
    if draw(st.integers(0, 4)) == 0:
        return None
    members = tuple(draw(st.lists(st.integers(0, 2), min_size=HOSTS, max_size=HOSTS)))
    liveset = sum(1 << host for host, who in enumerate(members) if who)
    decided = Decision(draw(st.integers(0, 3)), liveset, members, NOBODY, Cause.NONE)
    return replace(blank_body(decided), incarnation=1, state=State.MEMBER)


def sealed(body: SlotBody | None, host: int) -> bytes | None:
    return None if body is None else bytes(seal_slot(POOL, pack_slot_body(body), host, 0, 1, 0))


@MANY
@given(st.lists(bodies(), min_size=HOSTS, max_size=HOSTS), st.integers(0, HOSTS - 1), st.integers(1, 2))
def test_who_is_admitted(slots, me, incarnation):
    blocks = [sealed(body, host) for host, body in enumerate(slots)]
    assert native.admitted(blocks, me, incarnation) is twin.admitted(slots, me, incarnation)


@pytest.mark.parametrize("rules", RULES)
def test_only_the_newest_epoch_admits(rules):
    def told(epoch: int, members: tuple[int, ...]) -> SlotBody:
        liveset = sum(1 << host for host, who in enumerate(members) if who)
        return blank_body(Decision(epoch, liveset, members, NOBODY, Cause.NONE))

    def admitted(*slots: SlotBody | None) -> bool:
        shown = slots if rules is twin else [sealed(body, host) for host, body in enumerate(slots)]
        return rules.admitted(shown, 0, 7)

    mine, without, other = told(2, (7, 7, 0)), told(3, (0, 7, 0)), told(2, (8, 7, 0))
    assert admitted(mine, mine, None)
    assert not admitted(mine, without, None)
    assert not admitted(other, None, None)
    assert not admitted(mine, other, None)
    assert not admitted(None, None, None)


# --- copies in turn ---------------------------------------------------------------------------------------


@MANY
@given(
    st.integers(0, 255),
    st.integers(0, 7),
    st.integers(-1, 7),
    st.lists(st.tuples(FLAG, st.sampled_from([1, 40, 99, 101, 300]), st.integers(0, 120)), max_size=30),
)
def test_copies_in_turn(burnt, last, probing, outcomes):
    slow, fast = twin.CopyTurn(100, burnt, last, probing), native.CopyTurn(100, burnt, last, probing)
    now_ns = 50
    for worked, waited_ns, took_ns in outcomes:
        now_ns += waited_ns
        copy = slow.next(now_ns)
        assert fast.next(now_ns) == copy
        if copy == twin.NO_COPY:
            continue
        assert fast.clean(copy) is slow.clean(copy)
        slow.ended(copy, worked, now_ns, now_ns + took_ns)
        fast.ended(copy, worked, now_ns, now_ns + took_ns)
        now_ns += took_ns
        assert fast.state() == state_of(slow)


def state_of(turn: twin.CopyTurn) -> tuple[int, int, int, list[int], int]:
    return turn.burnt, turn.last, turn.probing, turn.failed_ns, turn.returned_ns


@MANY
@given(st.lists(FLAG, max_size=60))
def test_what_a_failed_write_may_reach_does_not_count(outcomes):
    turn, failed = twin.CopyTurn(100), set()
    for worked in outcomes:
        copy = turn.next(0)
        if copy == twin.NO_COPY:
            assert len(failed) == twin.COPIES
            break
        assert turn.clean(copy) is (copy not in failed)
        turn.ended(copy, worked, 0, 0)
        failed |= set() if worked else {copy}
        assert turn.left == twin.COPIES - len(failed)


@pytest.mark.parametrize("make", [twin.CopyTurn, native.CopyTurn])
def test_an_outage_costs_one_copy(make):
    turn = make(100)
    tried = []
    for worked in (True, False, False, False, True, True, True):
        tried.append((turn.next(0), turn.clean(turn.next(0))))
        turn.ended(turn.next(0), worked, 0, 0)
    assert tried == [(0, True), (1, True), (1, False), (1, False), (1, False), (2, True), (3, True)]


@st.composite
def own_copies(draw: st.DrawFn) -> twin.OwnCopy | None:
    if draw(st.integers(0, 5)) == 0:
        return None
    return twin.OwnCopy(draw(st.integers(1, 6)), draw(st.integers(1, 2)), draw(st.integers(0, 255)))


@MANY
@given(
    st.lists(own_copies(), min_size=8, max_size=8),
    st.integers(1, 2),
    st.sampled_from([0, 1 << 60, 1 << 63]),
    st.integers(0, 6),
    st.lists(st.integers(0, 6), min_size=8, max_size=8),
    st.integers(0, 6),
)
def test_taking_over(copies, incarnation, wall_ns, finished, failed_ns, returned_ns):
    given = {"now_ns": 5, "wall_ns": wall_ns, "ghost_ns": 100}
    given |= {"finished": finished, "failed_ns": failed_ns, "returned_ns": returned_ns}
    sequence, turn = twin.take_over(copies, incarnation, **given)
    fields = [None if copy is None else (copy.sequence, copy.incarnation, copy.burnt) for copy in copies]
    assert native.take_over(fields, incarnation, **given) == (sequence, state_of(turn))
    assert sequence >= wall_ns
    assert all(sequence > copy.sequence for copy in copies if copy is not None)


@pytest.mark.parametrize("take_over", [twin.take_over, native.take_over])
def test_attempts_that_never_landed_are_older_than_any_of_the_next_start(take_over):
    """Two lives in a row find the same slot: nothing that the first one wrote has landed, so far."""
    attempts = 1000
    for wall_ns, later_ns in ((0, 1), (10**18, 10**18 + 3600 * 10**9)):
        first, _ = take_over([None] * 8, 1, now_ns=5, wall_ns=wall_ns, ghost_ns=100)
        second, _ = take_over([None] * 8, 1, now_ns=5, wall_ns=later_ns, ghost_ns=100)
        assert (first + attempts < second) == (wall_ns > 0), "without a clock both begin the same round"


@pytest.mark.parametrize("finished", [False, True])
def test_a_predecessor_of_this_boot_hands_on_what_it_burnt(finished):
    copies = [twin.OwnCopy(10 + copy, 1, 0b1000) for copy in range(5)] + [None] * 2 + [twin.OwnCopy(1, 1, 0)]
    given = {"now_ns": 5, "wall_ns": 0, "ghost_ns": 100, "finished": 14 if finished else 0}
    sequence, turn = twin.take_over(copies, 1, **given)
    assert turn.last == 4
    assert turn.burnt == (0b1000 if finished else 0b0111_1000)
    assert turn.next(6) == 5, "next in turn, or where the predecessor may have died"
    assert turn.clean(5) is finished
    assert sequence == twin.ROUND
    assert twin.take_over(copies, 2, **given)[1].burnt == 1 << 5, "of another boot nothing is believed"


def native_take_over(copies, incarnation, **given):
    fields = [(copy.sequence, copy.incarnation, copy.burnt) for copy in copies]
    sequence, (burnt, last, probing, failed_ns, returned_ns) = native.take_over(fields, incarnation, **given)
    return sequence, twin.CopyTurn(given["ghost_ns"], burnt, last, probing, failed_ns, returned_ns)


@pytest.mark.parametrize("take_over", [twin.take_over, native_take_over])
def test_who_finished_hands_on_since_when_copies_are_set_aside(take_over):
    copies = [twin.OwnCopy(10 + copy, 1, 0b1001) for copy in range(8)]
    given = {"now_ns": 500, "wall_ns": 0, "ghost_ns": 100, "failed_ns": (50, 0, 0, 501, 0, 0, 0, 0)}
    _, turn = take_over(copies, 1, **given, finished=17, returned_ns=420)
    assert turn.burnt == 0b1001
    assert turn.failed_ns == [50, 500, 500, 500, 500, 500, 500, 500], "a time to come is none"
    assert turn.returned_ns == 420
    assert turn.next(510) == 1, "one came back less than a hundred ago"
    assert turn.next(521) == 0
    assert take_over(copies, 1, **given, finished=17, returned_ns=900)[1].returned_ns == 500


@pytest.mark.parametrize("finished", [16, 18, 0])
def test_who_finished_is_not_believed_where_the_slot_shows_another_write(finished):
    """Another volume, one that was formatted, or another daemon in between; or an image of before."""
    copies = [twin.OwnCopy(10 + copy, 1, 0b1000) for copy in range(8)]
    _, turn = twin.take_over(copies, 1, now_ns=5, wall_ns=0, ghost_ns=100, finished=finished)
    assert turn.burnt == 0b1000_1001
    blank = [twin.OwnCopy(1, 0, 0) for copy in range(8)]
    assert twin.take_over(blank, 1, now_ns=5, wall_ns=0, ghost_ns=100, finished=1)[1].burnt == 1


@MANY
@given(
    st.lists(own_copies(), min_size=8, max_size=8),
    st.permutations(range(1, 9)),
    st.sampled_from([(0,) * 8, (1,) * 8]),
)
def test_a_start_that_dies_of_its_first_write_leaves_no_copy_that_its_successor_trusts(
    drawn, numbers, failed_ns
):
    """Nothing of it landed, so the next start finds what it found, and knows nothing of its predecessor.

    No two writes have one number.
    """
    copies = [copy and replace(copy, sequence=number) for copy, number in zip(drawn, numbers, strict=True)]
    newest = max((copy.sequence for copy in copies if copy is not None), default=0)
    given = {"now_ns": 500, "wall_ns": 0, "ghost_ns": 100}
    _, turn = twin.take_over(copies, 1, **given, finished=newest, failed_ns=failed_ns)
    tried = turn.next(501)
    _, after = twin.take_over(copies, 1, **given)
    assert tried == twin.NO_COPY or not after.clean(tried)


def test_a_newest_copy_that_landed_late_is_never_trusted():
    """3, 4, 5 went to copy 0 (failed, failed, a good probe), 6 to copy 1 failed; then 3 landed after 5."""
    copies = [twin.OwnCopy(3, 1, 0)] + [None] + [twin.OwnCopy(1, 1, 0), twin.OwnCopy(2, 1, 0)] * 3
    _, turn = twin.take_over(copies, 1, now_ns=5, wall_ns=0, ghost_ns=100)
    assert turn.burnt & 0b11 == 0b11
    assert [copy for copy in range(8) if turn.clean(copy)] == [2, 3, 4, 5, 6, 7]


# --- packets ----------------------------------------------------------------------------------------------

PACKETS = st.tuples(
    st.integers(0, 1),  # network
    st.integers(-1, 4),  # sender
    st.integers(0, 2),  # incarnation
    st.integers(0, 6),  # sequence
    st.integers(1, 9),  # stamp
    st.integers(0, 60),  # echo
    st.integers(0, 4),  # time that passes
)


@MANY
@given(st.lists(PACKETS, max_size=40))
def test_which_packets_are_believed(packets):
    slow, fast = twin.PeerBook(4, 1, 2, 5), native.Book(4, 1, 2, 5)
    now_ns = 1
    for network, sender, incarnation, sequence, stamp_ns, echo_ns, passes in packets:
        now_ns += passes
        packet = (network, sender, incarnation, sequence, stamp_ns, echo_ns, now_ns)
        assert fast.accept(*packet) == slow.accept(*packet)
        assert fast.state() == (
            slow.heard_ns,
            slow.incarnations,
            slow.sequences,
            slow.stamps_ns,
            slow.echoes_ns,
            slow.channels_ns,
            slow.ways,
        )


@pytest.fixture(params=[twin.PeerBook, native.Book])
def accept(request):
    """Tell what becomes of a packet of host 0, come over one of two networks; a peer is unheard after 100."""
    book = request.param(2, 1, 2, 100)

    def accept(incarnation, sequence, now_ns, network=0, echo_ns=0):
        return twin.Word(book.accept(network, 0, incarnation, sequence, 1, echo_ns, now_ns))

    return accept


def test_no_packet_counts_twice(accept):
    assert accept(5, 1, 10) is twin.Word.NEWS
    assert accept(5, 1, 11) is twin.Word.REPLAYED
    assert accept(5, 1, 12, network=1) is twin.Word.AGAIN
    assert accept(5, 3, 13, network=1) is twin.Word.NEWS
    assert accept(5, 2, 14) is twin.Word.AGAIN
    assert accept(5, 1, 15) is twin.Word.REPLAYED


def test_another_boot_must_have_heard_me_after_the_last_word_of_the_one_before(accept):
    assert accept(5, 9, 10) is twin.Word.NEWS
    assert accept(6, 1, 20) is twin.Word.INCARNATION
    assert accept(6, 2, 21, echo_ns=9) is twin.Word.INCARNATION
    assert accept(6, 3, 22, echo_ns=11) is twin.Word.NEWS
    assert accept(5, 10, 23, echo_ns=12) is twin.Word.INCARNATION


def test_another_boot_may_speak_when_the_one_before_is_unheard(accept):
    assert accept(5, 9, 10) is twin.Word.NEWS
    assert accept(6, 1, 110) is twin.Word.INCARNATION
    assert accept(6, 2, 111) is twin.Word.NEWS


def test_an_echo_from_the_future_proves_nothing(accept):
    assert accept(5, 9, 10) is twin.Word.NEWS
    assert accept(6, 1, 20, echo_ns=21) is twin.Word.INCARNATION
