"""Making, starting, stopping and giving back a pump."""

from libc.stdint cimport int32_t, int64_t

from hacore.kernel.pumpstate cimport Pump
from hacore.kernel.pumpsys cimport pthread_t
from hacore.kernel.wire cimport Identity

cdef enum:
    THREADS = 3                 # disk, net, dog

cdef struct Crew:
    pthread_t threads[3]
    bint realtime[3]            # SCHED_RR was granted
    int32_t started
    bint left_behind            # one hung in I/O when it should have ended: the pump must never be freed
    int32_t lock_errno          # why memory could not be locked; 0: it is

# All of it zeroed, NULL: no memory or no descriptors left.
cdef Pump* make_pump(const Identity* pool, int32_t me) noexcept nogil
# Only when no thread runs.
cdef void free_pump(Pump* p) noexcept nogil
# 0 or −errno; after a failure nothing runs.
cdef int start_threads(Pump* p, Crew* crew) noexcept nogil
# Returns whether all have ended.
cdef bint stop_threads(Pump* p, Crew* crew, int64_t grace_ns) noexcept nogil
