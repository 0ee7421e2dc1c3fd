"""What the threads of the pump share with each other and with Python: one struct, one short lock.

Whoever holds the lock copies, decides and goes; it never waits for disk, network or watchdog. Fields are
guarded by `lock` unless they say whose they are alone.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from hacore.kernel.packetcodec cimport PACKET_BODY_BYTES, PACKET_BYTES
from hacore.kernel.pumprules cimport MAX_NETWORKS, Finished, PeerBook, Turn, beat_after
from hacore.kernel.pumpsys cimport (
    now_ns, pthread_cond_broadcast, pthread_cond_t, pthread_cond_timedwait, pthread_mutex_lock,
    pthread_mutex_t, pthread_mutex_unlock, timespec, wake_at
)
from hacore.kernel.slotcodec cimport COPIES, SLOT_BODY_BYTES
from hacore.kernel.wire cimport MAX_HOSTS, REASONS, Identity

cdef enum:
    BUCKETS = 15                # hacore.edge.doors.BUCKETS_NS and one without a bound
    TALLIED = 8                 # different errnos that are told apart
    UNCHANGED = -2              # of a descriptor: nobody gave another one
    REPLAYED_PACKET = 11        # further reasons behind those of wire.pxd (REASONS of them)
    INCARNATION_PACKET = 12
    OWN_PACKET = 13
    PACKET_REASONS = 14

cdef struct Histogram:
    uint64_t counts[15]
    int64_t sum_ns

cdef struct BeatMeter:
    uint64_t beats
    uint64_t missed
    Histogram lateness

cdef struct Tally:
    int32_t numbers[8]          # errno; the last one takes in what finds no room. 0: free
    uint64_t counts[8]

cdef struct Address:
    uint32_t raw[7]             # sockaddr_in or sockaddr_in6
    uint32_t length             # 0: nobody's

cdef struct Network:
    int fd                      # the net thread's alone
    bint deaf                   # the net thread's alone: broken, not listened to until the next beat
    int next_fd                 # −1: none; UNCHANGED
    uint64_t sent
    uint64_t received
    Tally send_errors
    Tally receive_errors
    uint64_t refused[14]        # by reason
    Address addresses[64]       # by host

cdef struct Cycle:              # hacore.core.events.DiskCycle
    uint64_t serial             # 0: none ended yet
    uint64_t version
    int64_t started_ns
    int64_t read_started_ns
    int64_t completed_ns
    uint64_t doubted
    int32_t copy                # that was written, NO_COPY: none
    uint8_t burnt
    bint written
    bint read
    bint foreign                # the own slot showed something other than what was just written

cdef struct DiskMeter:          # hacore.edge.doors.DiskMeter
    int64_t since_ns            # the disk's S
    int64_t io_since_ns         # when the call that is out began; 0: none is
    Histogram write_time
    Histogram read_time
    Histogram cycle_time
    uint64_t failed_writes
    uint64_t failed_reads
    int32_t write_errno
    int32_t read_errno
    uint64_t sequence
    uint8_t burnt
    uint64_t foreign_writes
    uint64_t refused[11]        # copies, by reason of wire.pxd

cdef struct Timings:
    int64_t beat_ns
    int64_t dog_beat_ns
    int64_t ping_until_ns
    int64_t over_ns
    int64_t check_in_ns
    int64_t unheard_ns
    int64_t ghost_ns

cdef struct Pump:
    # Fixed before the threads start.
    Identity pool
    int32_t me
    uint64_t incarnation
    uint64_t slots_at           # offset of the first slot on the device
    Finished finished           # what a predecessor says of its end
    uint64_t wall_ns            # of sequences: the wall clock at the start, in ns
    Timings timings
    int32_t networks
    int news_fd                 # eventfd: Python has something to look at
    int kick_fd                 # eventfd: the net thread has

    pthread_mutex_t lock
    pthread_cond_t disk_wake
    pthread_cond_t dog_wake
    pthread_cond_t ended        # a ping or a thread has ended
    bint stopping
    int32_t running             # threads

    # What Python wants.
    bint published
    uint64_t version
    uint8_t body[1160]
    bint disk_kick
    int next_device             # −1: none; UNCHANGED
    bint said
    uint8_t word[64]
    bint net_kick
    bint lease_disk
    int64_t lease_granted_ns
    int64_t checked_in_ns
    bint dog_kick

    # The disk thread.
    int device                  # its alone, as all down to the blank line
    uint8_t* block              # one copy, to be written
    uint8_t* slots[2]           # all slots: this read and the one before
    int32_t newest              # which of the two the last read that worked is in
    bint looked                 # there was one
    uint8_t reasons[512]        # why each copy of it is not believed
    uint8_t reasons_before[512]
    Turn turn
    uint64_t sequence
    bint taken_over
    uint8_t touched             # mask of own copies that were written since
    bint intruded               # it showed a write to the own slot by somebody else

    Cycle cycle                 # the newest that ended
    uint64_t slot_sequences[64]  # of the last good read, as is all down to the blank line
    uint8_t slot_present[64]
    uint64_t slot_serials[64]   # changes with the body
    uint8_t slot_bodies[64][1160]

    DiskMeter disk
    BeatMeter disk_beat

    # The net thread.
    uint8_t packet[1168]        # its alone, as is `packet_sequence`
    uint64_t packet_sequence

    PeerBook book
    uint8_t word_present[64]
    uint64_t word_serials[64]
    uint8_t words[64][64]
    int64_t granted_ns          # when a packet that granted anything was last made
    Network network[8]
    BeatMeter net_beat

    # The dog.
    int watchdog                # −1: not watching
    bint pinging                # a ping is out
    uint64_t pings
    uint64_t failed_pings
    int64_t last_ping_ns
    BeatMeter dog_beat


cdef inline void hold(Pump* p) noexcept nogil:
    pthread_mutex_lock(&p.lock)


cdef inline void release(Pump* p) noexcept nogil:
    pthread_mutex_unlock(&p.lock)


cdef inline void thread_ends(Pump* p) noexcept nogil:
    hold(p)
    p.running -= 1
    pthread_cond_broadcast(&p.ended)
    release(p)


cdef inline void measure(Histogram* h, int64_t ns) noexcept nogil:
    cdef int64_t[14] bounds_ms = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000]
    cdef int32_t bucket = 0
    while bucket < BUCKETS - 1 and ns > bounds_ms[bucket] * 1_000_000:
        bucket += 1
    h.counts[bucket] += 1
    h.sum_ns += ns


cdef inline bint take_beat(
    BeatMeter* meter, int64_t beat_ns, int64_t* due_ns, int64_t at_ns, bint waited
) noexcept nogil:
    """Tell whether the beat is due; then count it and set the next one. The lock is held."""
    if at_ns < due_ns[0]:
        return False
    meter.beats += 1
    if waited:
        measure(&meter.lateness, at_ns - due_ns[0])
    due_ns[0] = beat_after(due_ns[0], at_ns, beat_ns, &meter.missed)
    return True


cdef inline void await_beat(
    Pump* p, pthread_cond_t* wake, bint* kicked, BeatMeter* meter, int64_t beat_ns, int64_t* due_ns
) noexcept nogil:
    """Wait until the beat is due, somebody kicks, or all stop. The lock is held, but while it waits."""
    cdef timespec until
    cdef int64_t at_ns = now_ns()
    cdef bint waited = at_ns < due_ns[0]
    while not p.stopping and not kicked[0] and at_ns < due_ns[0]:
        until = wake_at(due_ns[0])
        pthread_cond_timedwait(wake, &p.lock, &until)
        at_ns = now_ns()
    kicked[0] = False
    take_beat(meter, beat_ns, due_ns, at_ns, waited)


cdef inline void count_errno(Tally* tally, int32_t number) noexcept nogil:
    cdef int32_t i = 0
    while i < TALLIED - 1 and tally.numbers[i] not in (0, number):
        i += 1
    tally.numbers[i] = number
    tally.counts[i] += 1
