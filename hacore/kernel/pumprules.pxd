"""What the pump decides: may it ping, was a cycle good, which copy is next, is a packet believed."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef enum:
    MAX_NETWORKS = 8
    NO_COPY = -1

cdef enum Word:
    # What becomes of an authentic packet (hacore.kernel._pump.Word).
    NEWS = 0
    AGAIN = 1
    REPLAYED = 2
    INCARNATION = 3
    STRANGER = 4
    WORDS = 5

cdef struct Turn:
    int64_t ghost_ns    # how late after its failure a write may land
    uint8_t burnt       # mask of copies that a failed write may still reach
    int32_t last        # copy written last
    int32_t probing     # burnt copy that is tried until it works, or NO_COPY
    int64_t failed_ns[8]  # by copy: the end of its last failure
    int64_t returned_ns  # when a copy last came back; 0: never

cdef struct Finished:
    # What a predecessor of this boot says of its end (hacore.kernel._pump.take_over).
    uint64_t sequence   # of its last write, that worked; 0: it does not say
    int64_t failed_ns[8]
    int64_t returned_ns

cdef struct Taken:
    uint64_t sequence
    Turn turn

cdef struct PeerBook:
    int32_t hosts
    int32_t me
    int32_t networks
    int64_t unheard_ns
    uint64_t incarnation[64]
    uint64_t sequence[64]
    uint64_t stamp_ns[64]       # to echo: of the sender's clock
    int64_t echo_ns[64]         # of mine
    int64_t heard_ns[64]
    uint64_t way[8][64]         # by network: the highest sequence that came this way
    int64_t channel_ns[8][64]   # by network: when anything new came this way

cdef int64_t lease_since(bint disk, int64_t disk_since_ns, int64_t granted_ns) noexcept nogil
cdef bint may_ping_now(
    int64_t now_ns, int64_t since_ns, int64_t checked_in_ns, bint watching, int64_t ping_until_ns,
    int64_t check_in_ns
) noexcept nogil
cdef bint outlived(int64_t now_ns, int64_t since_ns, bint watching, int64_t over_ns) noexcept nogil
# Returns the next beat and adds those missed in between to `missed`.
cdef int64_t beat_after(int64_t due_ns, int64_t now_ns, int64_t beat_ns, uint64_t* missed) noexcept nogil
# Blocks are the newest believed copy of each host, NULL where none is.
cdef bint admitted_by(const uint8_t** blocks, int32_t hosts, int32_t me, uint64_t incarnation) noexcept nogil
cdef bint read_is_good(
    bint published, bint written, bint read, uint64_t sequence, uint64_t shown
) noexcept nogil
cdef int64_t disk_since(
    int64_t before_ns, int64_t started_ns, bint written, bint good, bint member
) noexcept nogil
cdef int32_t turn_next(const Turn* turn, int64_t now_ns) noexcept nogil
cdef bint turn_clean(const Turn* turn, int32_t copy) noexcept nogil
cdef void turn_ended(
    Turn* turn, int32_t copy, bint worked, int64_t started_ns, int64_t ended_ns
) noexcept nogil
# `sequences`, `incarnations`, `burnts` of the own copies; sequence 0: none. `wall_ns`: the wall clock (ns).
cdef Taken take_over_copies(
    const uint64_t* sequences, const uint64_t* incarnations, const uint8_t* burnts, uint64_t incarnation,
    int64_t now_ns, uint64_t wall_ns, int64_t ghost_ns, const Finished* finished
) noexcept nogil
cdef Word accept_packet(
    PeerBook* book, int32_t network, int32_t sender, uint64_t incarnation, uint64_t sequence,
    uint64_t stamp_ns, int64_t echo_ns, int64_t now_ns
) noexcept nogil
