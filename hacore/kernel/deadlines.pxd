"""When each host was last seen alive, and since when it is not (MEMBERSHIP §2)."""

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef struct Deadlines:
    int32_t hosts
    bint started
    uint64_t sequence[64]  # the last one shown; 0: nothing was believed so far
    int64_t shown_ns[64]  # when the read that first showed it completed
    int64_t judged_ns  # when the newest good read started

cdef void clear(Deadlines* table, int32_t hosts) noexcept nogil
# A good read: sequences[hosts], 0: no copy is believed. The first one stamps every host.
cdef void observe(
    Deadlines* table, const uint64_t* sequences, int64_t started_ns, int64_t completed_ns
) noexcept nogil
# The network's way: one host at a time, judged whenever one likes.
cdef void start(Deadlines* table, int64_t now_ns) noexcept nogil
cdef void hear(Deadlines* table, int32_t host, uint64_t sequence, int64_t now_ns) noexcept nogil
cdef void judge(Deadlines* table, int64_t now_ns) noexcept nogil
# Mask of the hosts that showed nothing new for more than `limit_ns`, as of the newest judgement.
cdef uint64_t older(const Deadlines* table, int64_t limit_ns) noexcept nogil
