"""The disk thread: each beat it writes the own slot, then reads all slots (MEMBERSHIP §2, §3).

Decides nothing itself (pumprules does). Must never count a write as done that is not known to be on the disk
and safe from ghosts, nor show a read as good that may be of an old image. Only this thread may be held up by
the disk: it holds no lock while a call is out, and says since when one is.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from hacore.kernel.pumprules cimport (
    NO_COPY, Taken, admitted_by, disk_since, lease_since, outlived, read_is_good,
    take_over_copies, turn_clean, turn_ended, turn_next
)
from hacore.kernel.pumpstate cimport UNCHANGED, Cycle, Pump, await_beat, hold, measure, release, thread_ends
from hacore.kernel.pumpsys cimport c_close, eventfd_write, now_ns, touch_stack
from hacore.kernel.slotcodec cimport (
    COPIES, SLOT_BODY_AT, SLOT_BODY_BYTES, SLOT_BYTES, STRIDE, Choice, check_all, choose, seal, slot_burnt,
    slot_incarnation, slot_sequence
)
from hacore.kernel.slotio cimport read_range, write_range
from hacore.kernel.wire cimport REASONS, VALID

cdef enum:
    NO_DEVICE = -19             # −ENODEV
    NO_ROOM = -28               # −ENOSPC: every copy is burnt

cdef struct Seen:
    # What one read showed.
    bint good
    bint member
    uint64_t doubted
    const uint8_t* blocks[64]   # by host: the newest believed copy, or NULL


# -- writing ---------------------------------------------------------------------------------------------

cdef void io_begins(Pump* p, int64_t at_ns) noexcept nogil:
    hold(p)
    p.disk.io_since_ns = at_ns
    release(p)


cdef void write_ended(Pump* p, int failure, int64_t took_ns) noexcept nogil:
    hold(p)
    p.disk.io_since_ns = 0
    if failure == 0:
        measure(&p.disk.write_time, took_ns)
    else:
        p.disk.failed_writes += 1
        p.disk.write_errno = -failure
    p.disk.sequence = p.sequence
    p.disk.burnt = p.turn.burnt
    release(p)


cdef bint write_slot(Pump* p, const uint8_t* body, Cycle* cycle) noexcept nogil:
    """Write the own slot's next copy; True: it counts. After a probe that worked the next cycle is due."""
    cdef int64_t began_ns = now_ns()
    cdef int32_t copy = turn_next(&p.turn, began_ns)
    cdef int failure = NO_ROOM if copy == NO_COPY else NO_DEVICE
    cdef bint clean = False
    cycle.copy = copy
    if copy != NO_COPY and p.device >= 0:
        clean = turn_clean(&p.turn, copy)
        p.sequence += 1
        p.touched |= <uint8_t> (1 << copy)
        seal(p.block, body, &p.pool, p.me, copy, p.sequence, p.turn.burnt)
        io_begins(p, began_ns)
        failure = write_range(p.device, p.block, STRIDE, own_slot(p) + <uint64_t> copy * STRIDE)
        turn_ended(&p.turn, copy, failure == 0, began_ns, now_ns())
    write_ended(p, failure, now_ns() - began_ns)
    if failure == 0 and not clean:
        kick(p)
    return failure == 0 and clean


cdef uint64_t own_slot(const Pump* p) noexcept nogil:
    return p.slots_at + <uint64_t> p.me * SLOT_BYTES


cdef void kick(Pump* p) noexcept nogil:
    hold(p)
    p.disk_kick = True
    release(p)


# -- reading ---------------------------------------------------------------------------------------------

cdef bint read_slots(Pump* p) noexcept nogil:
    """Read all slots in one call and check every copy that changed."""
    cdef int32_t other = 1 - p.newest
    cdef int64_t began_ns = now_ns()
    cdef int failure = NO_DEVICE
    if p.device >= 0:
        io_begins(p, began_ns)
        failure = read_range(p.device, p.slots[other], <size_t> p.pool.hosts * SLOT_BYTES, p.slots_at)
    read_ended(p, failure, now_ns() - began_ns)
    if failure != 0:
        return False
    memcpy(p.reasons_before, p.reasons, sizeof(p.reasons))
    check_all(p.slots[other], p.slots[p.newest] if p.looked else NULL, &p.pool, p.reasons)
    p.intruded = p.looked and somebody_wrote(p)
    p.touched = 0
    p.newest = other
    p.looked = True
    return True


cdef bint somebody_wrote(const Pump* p) noexcept nogil:
    """Tell whether the own slot changed where this pump did not write: another daemon takes itself for us.

    Two that beat in step overwrite each other's copies before they read: only such changes show it. A burnt
    copy may change by a ghost.
    """
    cdef int32_t copy
    cdef size_t at
    for copy in range(COPIES):
        at = <size_t> p.me * SLOT_BYTES + <size_t> copy * STRIDE
        if (p.touched | p.turn.burnt) >> copy & 1 or p.reasons[p.me * COPIES + copy] != VALID:
            continue
        if memcmp(p.slots[0] + at, p.slots[1] + at, STRIDE) != 0:
            return True
    return False


cdef void read_ended(Pump* p, int failure, int64_t took_ns) noexcept nogil:
    hold(p)
    p.disk.io_since_ns = 0
    if failure == 0:
        measure(&p.disk.read_time, took_ns)
    else:
        p.disk.failed_reads += 1
        p.disk.read_errno = -failure
    release(p)


cdef void take_over(Pump* p) noexcept nogil:
    """Go on where the own slot's last writer stopped."""
    cdef const uint8_t* copies = p.slots[p.newest] + <size_t> p.me * SLOT_BYTES
    cdef uint64_t[8] sequences, incarnations
    cdef uint8_t burnts[8]
    cdef int32_t copy
    cdef Taken taken
    for copy in range(COPIES):
        sequences[copy] = incarnations[copy] = burnts[copy] = 0
        if p.reasons[p.me * COPIES + copy] == VALID:
            sequences[copy] = slot_sequence(copies + copy * STRIDE)
            incarnations[copy] = slot_incarnation(copies + copy * STRIDE)
            burnts[copy] = slot_burnt(copies + copy * STRIDE)
    taken = take_over_copies(
        sequences, incarnations, burnts, p.incarnation, now_ns(), p.wall_ns, p.timings.ghost_ns, &p.finished
    )
    p.sequence = taken.sequence
    p.turn = taken.turn
    p.taken_over = True


cdef void look(Pump* p, bint published, bint written, Seen* seen) noexcept nogil:
    """Choose each host's newest believed copy and judge the whole."""
    cdef const uint8_t* slot
    cdef Choice choice
    cdef int32_t host
    cdef uint64_t shown = 0
    seen.doubted = 0
    for host in range(p.pool.hosts):
        slot = p.slots[p.newest] + <size_t> host * SLOT_BYTES
        choice = choose(slot, p.reasons + host * COPIES)
        seen.blocks[host] = slot + choice.newest * STRIDE if choice.newest >= 0 else NULL
        seen.doubted |= <uint64_t> choice.doubted << host
    if seen.blocks[p.me] != NULL:
        shown = slot_sequence(seen.blocks[p.me])
    seen.good = read_is_good(published, written, True, p.sequence, shown) and not p.intruded
    seen.member = admitted_by(seen.blocks, p.pool.hosts, p.me, p.incarnation)


# -- telling ---------------------------------------------------------------------------------------------

cdef void show_slots(Pump* p, const Seen* seen) noexcept nogil:
    """Copy what changed; a body that only got another sequence has not. The lock is held."""
    cdef const uint8_t* block
    cdef int32_t host
    for host in range(p.pool.hosts):
        block = seen.blocks[host]
        p.slot_sequences[host] = slot_sequence(block) if block != NULL else 0
        if block == NULL:
            if p.slot_present[host]:
                p.slot_present[host] = False
                p.slot_serials[host] += 1
        elif not p.slot_present[host] or memcmp(
            p.slot_bodies[host], block + SLOT_BODY_AT, SLOT_BODY_BYTES
        ) != 0:
            memcpy(p.slot_bodies[host], block + SLOT_BODY_AT, SLOT_BODY_BYTES)
            p.slot_present[host] = True
            p.slot_serials[host] += 1


cdef void count_refused(Pump* p) noexcept nogil:
    """Count each copy once when it comes to be not believed, not at every read. The lock is held."""
    cdef int32_t i
    for i in range(p.pool.hosts * COPIES):
        if p.reasons[i] != p.reasons_before[i] and VALID < p.reasons[i] < REASONS:
            p.disk.refused[p.reasons[i]] += 1


cdef void tell(Pump* p, Cycle* cycle, const Seen* seen, bint worked) noexcept nogil:
    hold(p)
    if worked:
        count_refused(p)
        cycle.foreign = p.intruded or (cycle.written and not seen.good)
        p.disk.foreign_writes += cycle.foreign
        if seen.good:
            show_slots(p, seen)
            cycle.doubted = seen.doubted
        else:
            cycle.doubted = p.cycle.doubted
        p.disk.since_ns = disk_since(
            p.disk.since_ns, cycle.started_ns, cycle.written, seen.good, seen.member
        )
    else:
        cycle.doubted = p.cycle.doubted
    cycle.serial = p.cycle.serial + 1
    p.cycle = cycle[0]
    measure(&p.disk.cycle_time, cycle.completed_ns - cycle.started_ns)
    release(p)
    eventfd_write(p.news_fd, 1)


cdef bint is_overdue(const Pump* p, int64_t at_ns) noexcept nogil:
    """Tell whether this host slept for so long that the others may take it for dead. The lock is held.

    One whose lease was cut may still say so: it is fencing, or leaving.
    """
    cdef int64_t since_ns = lease_since(True, p.disk.since_ns, p.lease_granted_ns)
    return outlived(at_ns, since_ns, p.lease_disk and p.watchdog >= 0, p.timings.over_ns)


cdef void disk_cycle(Pump* p) noexcept nogil:
    cdef uint8_t body[SLOT_BODY_BYTES]
    cdef Cycle cycle
    cdef Seen seen
    cdef bint published, overdue, worked
    seen.good = seen.member = False
    seen.doubted = 0
    hold(p)
    cycle.started_ns = now_ns()
    published = p.published
    overdue = is_overdue(p, cycle.started_ns)
    cycle.version = p.version
    memcpy(body, p.body, SLOT_BODY_BYTES)
    release(p)
    cycle.copy = NO_COPY
    cycle.foreign = False
    cycle.written = published and p.taken_over and not overdue and write_slot(p, body, &cycle)
    cycle.read_started_ns = now_ns()
    worked = read_slots(p)
    if worked:
        look(p, published, cycle.written, &seen)
        if not p.taken_over:
            take_over(p)
    cycle.completed_ns = now_ns()
    cycle.read = worked and seen.good
    cycle.burnt = p.turn.burnt
    tell(p, &cycle, &seen, worked)


# -- the thread ------------------------------------------------------------------------------------------

cdef void change_device(Pump* p, int device) noexcept nogil:
    """Use another descriptor. Closing may take long on a device that is gone: it is done here."""
    if p.device >= 0:
        c_close(p.device)
    p.device = device


cdef bint wait_for_beat(Pump* p, int64_t* due_ns) noexcept nogil:
    """Return True when a cycle is due, False when it is time to stop."""
    cdef int device
    cdef bint go
    hold(p)
    await_beat(p, &p.disk_wake, &p.disk_kick, &p.disk_beat, p.timings.beat_ns, due_ns)
    go = not p.stopping
    device = p.next_device
    p.next_device = UNCHANGED
    release(p)
    if device != UNCHANGED:
        change_device(p, device)
    return go


cdef void* disk_thread(void* pump) noexcept nogil:
    cdef Pump* p = <Pump*> pump
    cdef int64_t due_ns = now_ns()
    touch_stack()
    while wait_for_beat(p, &due_ns):
        disk_cycle(p)
    change_device(p, -1)
    thread_ends(p)
    return NULL
