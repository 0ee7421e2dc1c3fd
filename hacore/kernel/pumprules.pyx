"""The pump's decisions in C; the same in Python, and why, in `_pump.py`. Must never read a clock.

The doors at the end let tests hold both against each other; the threads call the C functions only.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

from hacore.kernel.slotcodec cimport COPIES, decided_epoch, decided_member, next_copy


# -- the dog ---------------------------------------------------------------------------------------------

cdef int64_t lease_since(bint disk, int64_t disk_since_ns, int64_t granted_ns) noexcept nogil:
    return disk_since_ns if disk and disk_since_ns > granted_ns else granted_ns


cdef bint may_ping_now(
    int64_t now_ns, int64_t since_ns, int64_t checked_in_ns, bint watching, int64_t ping_until_ns,
    int64_t check_in_ns
) noexcept nogil:
    if not watching or since_ns <= 0 or checked_in_ns <= 0:
        return False
    return now_ns - checked_in_ns <= check_in_ns and now_ns <= since_ns + ping_until_ns


cdef bint outlived(int64_t now_ns, int64_t since_ns, bint watching, int64_t over_ns) noexcept nogil:
    return watching and since_ns > 0 and now_ns > since_ns + over_ns


cdef int64_t beat_after(int64_t due_ns, int64_t now_ns, int64_t beat_ns, uint64_t* missed) noexcept nogil:
    cdef int64_t skipped
    if now_ns < due_ns:
        return due_ns
    skipped = (now_ns - due_ns) // beat_ns
    missed[0] += <uint64_t> skipped
    return due_ns + (skipped + 1) * beat_ns


# -- a disk cycle ----------------------------------------------------------------------------------------

cdef bint admitted_by(const uint8_t** blocks, int32_t hosts, int32_t me, uint64_t incarnation) noexcept nogil:
    cdef uint64_t epoch, newest = 0
    cdef bint has = False
    cdef int32_t host
    for host in range(hosts):
        if blocks[host] == NULL:
            continue
        epoch = decided_epoch(blocks[host])
        if epoch > newest:
            newest, has = epoch, True
        if epoch == newest and (incarnation == 0 or decided_member(blocks[host], me) != incarnation):
            has = False
    return has and newest > 0


cdef bint read_is_good(
    bint published, bint written, bint read, uint64_t sequence, uint64_t shown
) noexcept nogil:
    if not published:
        return read
    return written and read and shown == sequence


cdef int64_t disk_since(
    int64_t before_ns, int64_t started_ns, bint written, bint good, bint member
) noexcept nogil:
    return started_ns if written and good and member else before_ns


# -- copies in turn --------------------------------------------------------------------------------------

cdef int32_t clean_after(int32_t last, uint8_t burnt) noexcept nogil:
    """Return the copy after `last` that is clean, `last` itself if it is the only one."""
    cdef int32_t copy = next_copy(last, burnt)
    if copy < 0 and not burnt >> last & 1:
        return last
    return copy


cdef bint is_due(const Turn* turn, int32_t copy, int64_t now_ns) noexcept nogil:
    if not turn.burnt >> copy & 1 or now_ns - turn.failed_ns[copy] <= turn.ghost_ns:
        return False
    return turn.returned_ns == 0 or now_ns - turn.returned_ns > turn.ghost_ns


cdef int32_t turn_next(const Turn* turn, int64_t now_ns) noexcept nogil:
    cdef int32_t copy
    if turn.probing != NO_COPY:
        return turn.probing
    for copy in range(COPIES):
        if is_due(turn, copy, now_ns):
            return copy
    return clean_after(turn.last, turn.burnt)


cdef bint turn_clean(const Turn* turn, int32_t copy) noexcept nogil:
    return not turn.burnt >> copy & 1


cdef void turn_ended(
    Turn* turn, int32_t copy, bint worked, int64_t started_ns, int64_t ended_ns
) noexcept nogil:
    turn.last = copy
    if not worked:
        turn.burnt |= <uint8_t> (1 << copy)
        turn.failed_ns[copy] = ended_ns
        turn.probing = copy
        return
    turn.probing = NO_COPY
    if is_due(turn, copy, started_ns):
        turn.burnt &= <uint8_t> ~(1 << copy)
        turn.returned_ns = ended_ns


cdef inline uint64_t next_round(uint64_t sequence) noexcept nogil:
    return ((sequence >> 32) + 1) << 32


cdef uint8_t burnt_before(
    const uint64_t* sequences, const uint64_t* incarnations, const uint8_t* burnts, uint64_t incarnation
) noexcept nogil:
    cdef uint8_t burnt = 0
    cdef int32_t copy
    for copy in range(COPIES):
        if sequences[copy] and incarnations[copy] == incarnation:
            burnt |= burnts[copy]
    return burnt


cdef uint8_t invalid(const uint64_t* sequences) noexcept nogil:
    cdef uint8_t mask = 0
    cdef int32_t copy
    for copy in range(COPIES):
        if sequences[copy] == 0:
            mask |= <uint8_t> (1 << copy)
    return mask


cdef Taken take_over_copies(
    const uint64_t* sequences, const uint64_t* incarnations, const uint8_t* burnts, uint64_t incarnation,
    int64_t now_ns, uint64_t wall_ns, int64_t ghost_ns, const Finished* finished
) noexcept nogil:
    cdef Taken taken
    cdef Turn* turn = &taken.turn
    cdef uint64_t highest = 0
    cdef int32_t copy, following
    cdef bint mine = False
    memset(&taken, 0, sizeof(Taken))
    turn.ghost_ns, turn.last, turn.probing = ghost_ns, COPIES - 1, NO_COPY
    for copy in range(COPIES):
        turn.failed_ns[copy] = now_ns
        if sequences[copy] and sequences[copy] >= highest:
            mine = incarnations[copy] == incarnation or (mine and sequences[copy] == highest)
            highest = sequences[copy]
            turn.last = copy
    taken.sequence = wall_ns if wall_ns > highest else next_round(highest)
    following = clean_after(turn.last, burnts[turn.last] if mine else 0)
    if mine and finished.sequence == highest:
        go_on(turn, finished, burnts[turn.last], now_ns)
        return taken
    if mine:
        turn.burnt = burnt_before(sequences, incarnations, burnts, incarnation)
        turn.burnt |= invalid(sequences) | <uint8_t> (1 << turn.last)
    if following != NO_COPY:
        turn.burnt |= <uint8_t> (1 << following)
        turn.probing = following
    return taken


cdef void go_on(Turn* turn, const Finished* finished, uint8_t burnt, int64_t now_ns) noexcept nogil:
    """Go on with the turn of a predecessor of whom nothing is out."""
    cdef int32_t copy
    turn.burnt = burnt
    turn.returned_ns = min(finished.returned_ns, now_ns)
    for copy in range(COPIES):
        if 0 < finished.failed_ns[copy] <= now_ns:
            turn.failed_ns[copy] = finished.failed_ns[copy]


# -- packets ---------------------------------------------------------------------------------------------

cdef void forget(PeerBook* book, int32_t sender, uint64_t incarnation) noexcept nogil:
    cdef int32_t network
    book.incarnation[sender] = incarnation
    book.sequence[sender] = 0
    book.stamp_ns[sender] = 0
    book.echo_ns[sender] = 0
    for network in range(MAX_NETWORKS):
        book.way[network][sender] = 0


cdef bint may_change(const PeerBook* book, int32_t sender, int64_t echo_ns, int64_t now_ns) noexcept nogil:
    cdef int64_t heard_ns = book.heard_ns[sender]
    return heard_ns == 0 or now_ns - heard_ns > book.unheard_ns or echo_ns > heard_ns


cdef Word accept_packet(
    PeerBook* book, int32_t network, int32_t sender, uint64_t incarnation, uint64_t sequence,
    uint64_t stamp_ns, int64_t echo_ns, int64_t now_ns
) noexcept nogil:
    if not 0 <= sender < book.hosts or sender == book.me or incarnation == 0:
        return STRANGER
    if echo_ns > now_ns or echo_ns < 0:
        echo_ns = 0
    if incarnation != book.incarnation[sender]:
        if not may_change(book, sender, echo_ns, now_ns):
            return INCARNATION
        forget(book, sender, incarnation)
    if sequence <= book.way[network][sender]:
        return REPLAYED
    book.way[network][sender] = sequence
    book.channel_ns[network][sender] = now_ns
    if sequence <= book.sequence[sender]:
        return AGAIN
    book.sequence[sender] = sequence
    book.heard_ns[sender] = now_ns
    book.stamp_ns[sender] = stamp_ns
    book.echo_ns[sender] = echo_ns
    return NEWS


# -- for tests -------------------------------------------------------------------------------------------

def lease_since_ns(bint disk, int64_t disk_since_ns, int64_t granted_ns):
    """See `_pump.lease_since_ns`."""
    return lease_since(disk, disk_since_ns, granted_ns)


def may_ping(
    int64_t now_ns, int64_t since_ns, int64_t checked_in_ns, *, bint watching, int64_t ping_until_ns,
    int64_t check_in_ns
):
    """See `_pump.may_ping`."""
    return bool(may_ping_now(now_ns, since_ns, checked_in_ns, watching, ping_until_ns, check_in_ns))


def has_outlived(int64_t now_ns, int64_t since_ns, *, bint watching, int64_t over_ns):
    """See `_pump.has_outlived`."""
    return bool(outlived(now_ns, since_ns, watching, over_ns))


def next_beat(int64_t due_ns, int64_t now_ns, int64_t beat_ns):
    """See `_pump.next_beat`."""
    cdef uint64_t missed = 0
    cdef int64_t due = beat_after(due_ns, now_ns, beat_ns, &missed)
    return due, missed


def read_good(bint published, bint written, bint read, uint64_t sequence, uint64_t shown):
    """See `_pump.read_good`."""
    return bool(read_is_good(published, written, read, sequence, shown))


def disk_since_ns(int64_t before_ns, int64_t started_ns, bint written, bint good, bint member):
    """See `_pump.disk_since_ns`."""
    return disk_since(before_ns, started_ns, written, good, member)


def admitted(blocks, int32_t me, uint64_t incarnation):
    """See `_pump.admitted`; takes sealed blocks, or None."""
    cdef const uint8_t* at[64]
    cdef int32_t host
    for host in range(<int32_t> len(blocks)):
        at[host] = NULL
        if blocks[host] is not None:
            at[host] = <const uint8_t*> <bytes> blocks[host]
    return bool(admitted_by(at, <int32_t> len(blocks), me, incarnation))


cdef class CopyTurn:
    """See `_pump.CopyTurn`."""
    cdef Turn turn

    def __cinit__(
        self, int64_t ghost_ns, uint8_t burnt=0, int32_t last=COPIES - 1, int32_t probing=NO_COPY
    ):
        memset(&self.turn, 0, sizeof(Turn))
        self.turn.ghost_ns = ghost_ns
        self.turn.burnt, self.turn.last, self.turn.probing = burnt, last, probing

    def next(self, int64_t now_ns):
        return turn_next(&self.turn, now_ns)

    def clean(self, int32_t copy):
        return bool(turn_clean(&self.turn, copy))

    def ended(self, int32_t copy, bint worked, int64_t started_ns, int64_t ended_ns):
        turn_ended(&self.turn, copy, worked, started_ns, ended_ns)

    def state(self):
        """Return (burnt, last, probing, failed_ns by copy, returned_ns)."""
        return state_of(&self.turn)


cdef tuple state_of(const Turn* turn):
    cdef int32_t i
    return (
        turn.burnt, turn.last, turn.probing, [turn.failed_ns[i] for i in range(COPIES)], turn.returned_ns
    )


def take_over(
    copies, uint64_t incarnation, *, int64_t now_ns, uint64_t wall_ns, int64_t ghost_ns,
    uint64_t finished=0, failed_ns=(0,) * 8, int64_t returned_ns=0
):
    """See `_pump.take_over`; takes (sequence, incarnation, burnt) or None for each copy."""
    cdef uint64_t[8] sequences, incarnations
    cdef uint8_t burnts[8]
    cdef int32_t i
    cdef Taken taken
    cdef Finished left
    left.sequence, left.returned_ns = finished, returned_ns
    for i in range(COPIES):
        sequences[i], incarnations[i], burnts[i] = copies[i] or (0, 0, 0)
        left.failed_ns[i] = failed_ns[i]
    taken = take_over_copies(
        sequences, incarnations, burnts, incarnation, now_ns, wall_ns, ghost_ns, &left
    )
    return taken.sequence, state_of(&taken.turn)


cdef class Book:
    """See `_pump.PeerBook`."""
    cdef PeerBook book

    def __cinit__(self, int32_t hosts, int32_t me, int32_t networks, int64_t unheard_ns):
        memset(&self.book, 0, sizeof(PeerBook))
        self.book.hosts, self.book.me, self.book.networks = hosts, me, networks
        self.book.unheard_ns = unheard_ns

    def accept(
        self, int32_t network, int32_t sender, uint64_t incarnation, uint64_t sequence, uint64_t stamp_ns,
        int64_t echo_ns, int64_t now_ns
    ):
        """Return a Word as its number."""
        return <int> accept_packet(
            &self.book, network, sender, incarnation, sequence, stamp_ns, echo_ns, now_ns
        )

    def state(self):
        """Return heard, incarnations, sequences, stamps, echoes by host; channels and ways by network."""
        cdef PeerBook* b = &self.book
        cdef int32_t n = b.hosts, h, k
        return (
            [b.heard_ns[h] for h in range(n)], [b.incarnation[h] for h in range(n)],
            [b.sequence[h] for h in range(n)], [b.stamp_ns[h] for h in range(n)],
            [b.echo_ns[h] for h in range(n)],
            [[b.channel_ns[k][h] for h in range(n)] for k in range(b.networks)],
            [[b.way[k][h] for h in range(n)] for k in range(b.networks)],
        )
