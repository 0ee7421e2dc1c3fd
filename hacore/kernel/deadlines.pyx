"""Since when each host has shown nothing new (MEMBERSHIP §2).

A host's news is stamped with the *completion* of the read that first showed it, and judged by the *start* of
a later good read: whatever time I/O takes counts for the host, never against it. Any other sequence is news,
a lower one, too; no sequence at all (0) is none. Must never call a host silent before the first good read.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from hacore.kernel.wire cimport MAX_HOSTS


cdef void clear(Deadlines* table, int32_t hosts) noexcept nogil:
    memset(table, 0, sizeof(Deadlines))
    table.hosts = hosts


cdef void start(Deadlines* table, int64_t now_ns) noexcept nogil:
    cdef int32_t host
    for host in range(table.hosts):
        table.shown_ns[host] = now_ns
    table.judged_ns = now_ns
    table.started = True


cdef void hear(Deadlines* table, int32_t host, uint64_t sequence, int64_t now_ns) noexcept nogil:
    if sequence == 0 or sequence == table.sequence[host]:
        return
    table.sequence[host] = sequence
    table.shown_ns[host] = now_ns


cdef void judge(Deadlines* table, int64_t now_ns) noexcept nogil:
    if now_ns > table.judged_ns:
        table.judged_ns = now_ns


cdef void observe(
    Deadlines* table, const uint64_t* sequences, int64_t started_ns, int64_t completed_ns
) noexcept nogil:
    cdef int32_t host
    if not table.started:
        start(table, completed_ns)
        table.judged_ns = started_ns
    for host in range(table.hosts):
        hear(table, host, sequences[host], completed_ns)
    judge(table, started_ns)


cdef uint64_t older(const Deadlines* table, int64_t limit_ns) noexcept nogil:
    cdef uint64_t mask = 0
    cdef int32_t host
    if not table.started:
        return 0
    for host in range(table.hosts):
        if table.judged_ns - table.shown_ns[host] > limit_ns:
            mask |= <uint64_t> 1 << host
    return mask


cdef class DeadlineTable:
    """The table of 1 … 64 hosts; all times in nanoseconds of one monotonic clock."""
    cdef Deadlines table

    def __cinit__(self, int32_t hosts):
        if not 1 <= hosts <= MAX_HOSTS:
            raise ValueError(f"hosts: {hosts}, expected 1 to {MAX_HOSTS}")
        clear(&self.table, hosts)

    def observe(self, sequences, int64_t read_started_ns, int64_t read_completed_ns):
        """Note a good read: the highest believed sequence of every host, 0 for none."""
        cdef uint64_t[64] raw
        cdef int32_t host
        if len(sequences) != self.table.hosts:
            raise ValueError(f"sequences: {len(sequences)} hosts, expected {self.table.hosts}")
        for host in range(self.table.hosts):
            raw[host] = sequences[host]
        observe(&self.table, raw, read_started_ns, read_completed_ns)

    def start(self, int64_t now_ns):
        """Count every host as seen now: for the network, where hosts are heard one at a time."""
        start(&self.table, now_ns)

    def hear(self, int32_t host, uint64_t sequence, int64_t now_ns):
        """Note a packet's arrival."""
        if not 0 <= host < self.table.hosts:
            raise ValueError(f"host: {host}, expected 0 to {self.table.hosts - 1}")
        hear(&self.table, host, sequence, now_ns)

    def judge(self, int64_t now_ns):
        """Let time pass without a read: for the network."""
        judge(&self.table, now_ns)

    def older(self, int64_t limit_ns):
        """Return the mask of hosts without news for more than `limit_ns`; 0 before the first good read."""
        return older(&self.table, limit_ns)

    def masks(self, limits_ns):
        """Return `older` of each limit, say silence, 50 % and 25 % of T."""
        return tuple([older(&self.table, limit) for limit in limits_ns])

    def ages_ns(self, int64_t now_ns):
        """Return how old each host's news are; None before the first good read."""
        if not self.table.started:
            return None
        return tuple([now_ns - self.table.shown_ns[host] for host in range(self.table.hosts)])

    @property
    def shown_ns(self):
        """When each host's news came; zeros before the first good read."""
        return tuple([self.table.shown_ns[host] for host in range(self.table.hosts)])

    @property
    def judged_ns(self):
        """When the newest good read started."""
        return self.table.judged_ns
