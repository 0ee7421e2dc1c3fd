"""The pump as Python sees it: bytes of bodies in, what disk and network showed out.

Every call takes the lock for as long as it takes to copy, without the GIL, and waits for nothing else. Must
never hand out a body that changed while it was copied, nor one twice that did not change.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_SetFromErrno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from hacore.kernel.packetcodec cimport PACKET_BODY_BYTES
from hacore.kernel.pumprules cimport MAX_NETWORKS, lease_since
from hacore.kernel.pumpstate cimport (
    BUCKETS, PACKET_REASONS, TALLIED, Address, BeatMeter, Cycle, DiskMeter, Histogram, Network, Pump, Tally,
    hold, release
)
from hacore.kernel.pumpsys cimport (
    AF_INET, AF_INET6, F_DUPFD_CLOEXEC, c_close, eventfd_read, eventfd_write, fcntl, htons, now_ns, ntohs,
    pthread_cond_signal, pthread_cond_timedwait, sockaddr_in, sockaddr_in6, timespec, wake_at
)
from hacore.kernel.pumpthreads cimport Crew, free_pump, make_pump, start_threads, stop_threads
from hacore.kernel.slotcodec cimport COPIES, SLOT_BODY_BYTES
from hacore.kernel.wire cimport REASONS, PoolIdentity

cdef enum:
    PING_GRACE_NS = 1_000_000_000   # how long `watch` waits for a ping that is out


cdef int own(object fd) except -2:
    """Return a descriptor of our own for the same file, −1 for None."""
    cdef int copy
    if fd is None:
        return -1
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)
    if copy < 0:
        PyErr_SetFromErrno(OSError)
    return copy


cdef class PumpThreads:
    """Three native threads: disk, network, watchdog. See `hacore.edge.doors.Pump` for what each call means.

    pool, me, incarnation: who speaks. device: the open statefile, slots_at: where its slots begin. sockets:
    one UDP socket a network, None where there is none now. beat_ns … ghost_ns: see `hacore.core.timing`.
    wall_ns: the wall clock, sequences start above it. since_ns: the disk's S of a predecessor that handed
    over; finished: what it says of its end, as its `left` returned it.
    """
    cdef Pump* p
    cdef Crew crew
    cdef bint started
    cdef uint64_t cycle_seen
    cdef uint64_t slots_seen[64]
    cdef uint64_t words_seen[64]

    def __cinit__(
        self, PoolIdentity pool not None, int32_t me, uint64_t incarnation, *, device, uint64_t slots_at,
        sockets, int64_t beat_ns, int64_t dog_beat_ns, int64_t ping_until_ns, int64_t over_ns,
        int64_t check_in_ns, int64_t unheard_ns, int64_t ghost_ns, uint64_t wall_ns, int64_t since_ns=0,
        finished=(0, (0,) * 8, 0)
    ):
        cdef int32_t i
        if not 0 <= me < pool.raw.hosts or incarnation == 0:
            raise ValueError(f"host {me} of {pool.raw.hosts}, incarnation {incarnation}")
        if len(sockets) > MAX_NETWORKS:
            raise ValueError(f"{len(sockets)} networks, expected at most {MAX_NETWORKS}")
        if min(beat_ns, dog_beat_ns) <= 0:
            raise ValueError(f"beats of {beat_ns} and {dog_beat_ns} ns, expected more than 0")
        self.p = make_pump(&pool.raw, me)
        if self.p == NULL:
            raise MemoryError
        self.p.incarnation, self.p.slots_at = incarnation, slots_at
        self.p.timings.beat_ns, self.p.timings.dog_beat_ns = beat_ns, dog_beat_ns
        self.p.timings.ping_until_ns, self.p.timings.over_ns = ping_until_ns, over_ns
        self.p.timings.check_in_ns = check_in_ns
        self.p.timings.unheard_ns, self.p.timings.ghost_ns = unheard_ns, ghost_ns
        self.p.wall_ns = wall_ns
        self.p.book.hosts, self.p.book.me, self.p.book.unheard_ns = pool.raw.hosts, me, unheard_ns
        self.p.book.networks = self.p.networks = <int32_t> len(sockets)
        self.p.disk.since_ns = since_ns
        self.p.device = own(device)
        for i in range(self.p.networks):
            self.p.network[i].fd = own(sockets[i])
        self.p.finished.sequence, failed_ns, self.p.finished.returned_ns = finished
        for i in range(COPIES):
            self.p.finished.failed_ns[i] = failed_ns[i]

    def __dealloc__(self):
        if self.p == NULL:
            return
        if self.started:
            stop_threads(self.p, &self.crew, PING_GRACE_NS)
        if not self.crew.left_behind:
            free_pump(self.p)

    def start(self):
        """Start; return which of disk, net and dog run in real time, and why memory is not locked (errno)."""
        cdef int failure
        if self.started or self.p.stopping:
            raise RuntimeError("a pump is started once")
        with nogil:
            failure = start_threads(self.p, &self.crew)
        if failure != 0:
            raise OSError(-failure, "cannot start the threads of the pump")
        self.started = True
        return tuple([bool(self.crew.realtime[i]) for i in range(3)]), self.crew.lock_errno

    def stop(self, int64_t grace_ns):
        """Stop; return whether everything has ended within the grace. What has not is left behind."""
        if self.started:
            with nogil:
                stop_threads(self.p, &self.crew, grace_ns)
            self.started = False
        return not self.crew.left_behind

    def left(self):
        """Return (sequence of the last attempt to write, failed_ns by copy, returned_ns).

        RuntimeError unless `stop` has told that everything has ended: it is the disk thread's until then.
        """
        cdef int32_t copy
        if self.started or not self.p.stopping or self.crew.left_behind:
            raise RuntimeError("the pump has not ended")
        failed_ns = [self.p.turn.failed_ns[copy] for copy in range(COPIES)]
        return self.p.sequence, failed_ns, self.p.turn.returned_ns

    def fileno(self):
        """Return the descriptor of news."""
        return self.p.news_fd

    # -- what Python wants -------------------------------------------------------------------------------

    def publish(self, uint64_t version, bytes body not None, bint at_once):
        """Write this body from now on."""
        cdef const uint8_t* raw = body
        if len(body) != SLOT_BODY_BYTES:
            raise ValueError(f"{len(body)} bytes, expected {SLOT_BODY_BYTES}")
        with nogil:
            hold(self.p)
            memcpy(self.p.body, raw, SLOT_BODY_BYTES)
            self.p.version = version
            self.p.published = True
            if at_once:
                self.p.disk_kick = True
                pthread_cond_signal(&self.p.disk_wake)
            release(self.p)

    def say(self, bytes body not None, bint at_once):
        """Send this body from now on."""
        cdef const uint8_t* raw = body
        if len(body) != PACKET_BODY_BYTES:
            raise ValueError(f"{len(body)} bytes, expected {PACKET_BODY_BYTES}")
        with nogil:
            hold(self.p)
            memcpy(self.p.word, raw, PACKET_BODY_BYTES)
            self.p.said = True
            if at_once:
                self.p.net_kick = True
            release(self.p)
            if at_once:
                eventfd_write(self.p.kick_fd, 1)

    def lease(self, bint disk, int64_t granted_ns):
        """Set what the watchdog is pinged by."""
        with nogil:
            hold(self.p)
            self.p.lease_disk = disk
            self.p.lease_granted_ns = granted_ns
            release(self.p)

    def watch(self, watchdog):
        """Ping this descriptor while the lease allows; None: no more, and none is out when this returns."""
        cdef int fd = -1 if watchdog is None else watchdog
        cdef int64_t until_ns = now_ns() + PING_GRACE_NS
        cdef timespec until
        with nogil:
            hold(self.p)
            self.p.watchdog = fd
            self.p.dog_kick = True
            pthread_cond_signal(&self.p.dog_wake)
            while self.p.pinging and now_ns() < until_ns:
                until = wake_at(until_ns)
                pthread_cond_timedwait(&self.p.ended, &self.p.lock, &until)
            release(self.p)

    def check_in(self):
        """Say that the brain works."""
        with nogil:
            hold(self.p)
            self.p.checked_in_ns = now_ns()
            release(self.p)

    def set_device(self, device):
        """Use this statefile from the next cycle on; None: it is gone."""
        cdef int fd = own(device), unused
        with nogil:
            hold(self.p)
            unused = self.p.next_device
            self.p.next_device = fd
            release(self.p)
            if unused >= 0:
                c_close(unused)

    def set_socket(self, int32_t network, socket):
        """Use this UDP socket from now on; None: the network is gone."""
        cdef int fd, unused
        self._check(0, network)
        fd = own(socket)
        with nogil:
            hold(self.p)
            unused = self.p.network[network].next_fd
            self.p.network[network].next_fd = fd
            release(self.p)
            eventfd_write(self.p.kick_fd, 1)
            if unused >= 0:
                c_close(unused)

    def set_address(self, int32_t peer, int32_t network, bytes address, uint16_t port, uint32_t scope):
        """Send to this address (4 or 16 bytes, none: to nobody; scope: IPv6's interface) from now on."""
        cdef Address to
        self._check(peer, network)
        fill_address(&to, address, port, scope)
        with nogil:
            hold(self.p)
            self.p.network[network].addresses[peer] = to
            release(self.p)

    cdef int _check(self, int32_t peer, int32_t network) except -1:
        if not (0 <= peer < self.p.pool.hosts and 0 <= network < self.p.networks):
            raise ValueError(f"peer {peer} on network {network}: no such pair")
        return 0

    # -- what the threads saw ----------------------------------------------------------------------------

    def take_cycle(self):
        """Return the newest cycle not yet taken, or None. Takes the news away.

        (fields of a DiskCycle but sequences and bodies, sequences, [(host, bytes of a body that changed or
        None)])
        """
        cdef uint8_t bodies[64][1160]
        cdef uint64_t sequences[64]
        cdef uint64_t changed = 0, present = 0, news
        cdef int32_t host, hosts = self.p.pool.hosts
        cdef Cycle cycle
        with nogil:
            eventfd_read(self.p.news_fd, &news)
            hold(self.p)
            cycle = self.p.cycle
            if cycle.serial != self.cycle_seen:
                for host in range(hosts):
                    sequences[host] = self.p.slot_sequences[host]
                    present |= <uint64_t> (self.p.slot_present[host]) << host
                    if self.p.slot_serials[host] != self.slots_seen[host]:
                        changed |= <uint64_t> 1 << host
                        self.slots_seen[host] = self.p.slot_serials[host]
                        memcpy(bodies[host], self.p.slot_bodies[host], SLOT_BODY_BYTES)
            release(self.p)
        if cycle.serial == self.cycle_seen:
            return None
        self.cycle_seen = cycle.serial
        return (
            (
                cycle.version, cycle.started_ns, bool(cycle.written), cycle.read_started_ns,
                cycle.completed_ns, bool(cycle.read), cycle.doubted, cycle.copy, cycle.burnt,
                bool(cycle.foreign),
            ),
            [sequences[host] for host in range(hosts)],
            [
                (host, PyBytes_FromStringAndSize(<const char*> bodies[host], SLOT_BODY_BYTES)
                 if present >> host & 1 else None)
                for host in range(hosts) if changed >> host & 1
            ],
        )

    def take_words(self):
        """Return (heard_ns, echoes_ns, granted_ns, [(host, bytes of a body that changed)])."""
        cdef uint8_t words[64][64]
        cdef int64_t[64] heard, echoes
        cdef uint64_t changed = 0
        cdef int64_t granted_ns
        cdef int32_t host, hosts = self.p.pool.hosts
        with nogil:
            hold(self.p)
            memcpy(heard, self.p.book.heard_ns, sizeof(heard))
            memcpy(echoes, self.p.book.echo_ns, sizeof(echoes))
            granted_ns = self.p.granted_ns
            for host in range(hosts):
                if self.p.word_serials[host] != self.words_seen[host]:
                    changed |= <uint64_t> 1 << host
                    self.words_seen[host] = self.p.word_serials[host]
                    memcpy(words[host], self.p.words[host], PACKET_BODY_BYTES)
            release(self.p)
        return (
            [heard[host] for host in range(hosts)],
            [echoes[host] for host in range(hosts)],
            granted_ns,
            [
                (host, PyBytes_FromStringAndSize(<const char*> words[host], PACKET_BODY_BYTES))
                for host in range(hosts) if changed >> host & 1
            ],
        )

    # -- meters ------------------------------------------------------------------------------------------

    def beats(self):
        """Return (beats, missed, lateness) of disk, net and dog."""
        cdef BeatMeter meters[3]
        with nogil:
            hold(self.p)
            meters[0], meters[1], meters[2] = self.p.disk_beat, self.p.net_beat, self.p.dog_beat
            release(self.p)
        return [
            (meters[i].beats, meters[i].missed, histogram(&meters[i].lateness)) for i in range(3)
        ]

    def disk(self):
        """Return what hacore.edge.doors.DiskMeter holds, in its order; refusals by reason of wire.pxd."""
        cdef DiskMeter now
        cdef int64_t running_ns
        with nogil:
            hold(self.p)
            now = self.p.disk
            release(self.p)
            running_ns = now_ns() - now.io_since_ns if now.io_since_ns else 0
        return (
            (histogram(&now.write_time), histogram(&now.read_time), histogram(&now.cycle_time)),
            (
                now.failed_writes, now.failed_reads, now.write_errno, now.read_errno, running_ns,
                now.since_ns, now.sequence, now.burnt, now.foreign_writes,
            ),
            [now.refused[i] for i in range(REASONS)],
        )

    def network(self, int32_t network):
        """Return what NetMeter holds, in its order; refusals by reason, addresses as (bytes, port, scope)."""
        cdef Network now
        cdef int64_t heard[64]
        cdef int32_t i, hosts = self.p.pool.hosts
        self._check(0, network)
        with nogil:
            hold(self.p)
            now = self.p.network[network]
            memcpy(heard, self.p.book.channel_ns[network], sizeof(heard))
            release(self.p)
        return (
            now.sent, now.received, tallied(&now.send_errors), tallied(&now.receive_errors),
            [now.refused[i] for i in range(PACKET_REASONS)], [heard[i] for i in range(hosts)],
            [address_of(&now.addresses[i]) for i in range(hosts)],
        )

    def dog(self):
        """Return what DogMeter holds, in its order."""
        cdef bint watching
        cdef uint64_t pings, failed
        cdef int64_t last_ns, since_ns, checked_in_ns
        with nogil:
            hold(self.p)
            watching = self.p.watchdog >= 0
            pings, failed, last_ns = self.p.pings, self.p.failed_pings, self.p.last_ping_ns
            since_ns = lease_since(self.p.lease_disk, self.p.disk.since_ns, self.p.lease_granted_ns)
            checked_in_ns = self.p.checked_in_ns
            release(self.p)
        return bool(watching), pings, failed, last_ns, since_ns, checked_in_ns


cdef tuple histogram(const Histogram* h):
    cdef int i
    return tuple([h.counts[i] for i in range(BUCKETS)]), h.sum_ns


cdef list tallied(const Tally* tally):
    cdef int i
    return [(tally.numbers[i], tally.counts[i]) for i in range(TALLIED) if tally.numbers[i]]


cdef int fill_address(Address* to, bytes address, uint16_t port, uint32_t scope) except -1:
    cdef sockaddr_in* four = <sockaddr_in*> to.raw
    cdef sockaddr_in6* six = <sockaddr_in6*> to.raw
    memset(to, 0, sizeof(Address))
    if len(address) == 4:
        four.sin_family, four.sin_port, to.length = <uint16_t> AF_INET, htons(port), sizeof(sockaddr_in)
        memcpy(&four.sin_addr, <const char*> address, 4)
    elif len(address) == 16:
        six.sin6_family, six.sin6_port, to.length = <uint16_t> AF_INET6, htons(port), sizeof(sockaddr_in6)
        memcpy(&six.sin6_addr, <const char*> address, 16)
        six.sin6_scope_id = scope
    elif address:
        raise ValueError(f"an address of {len(address)} bytes, expected 4 or 16")
    return 0


cdef object address_of(const Address* address):
    cdef const sockaddr_in* four = <const sockaddr_in*> address.raw
    cdef const sockaddr_in6* six = <const sockaddr_in6*> address.raw
    if address.length == 0:
        return None
    if four.sin_family == AF_INET:
        return PyBytes_FromStringAndSize(<const char*> &four.sin_addr, 4), ntohs(four.sin_port), 0
    return (
        PyBytes_FromStringAndSize(<const char*> &six.sin6_addr, 16), ntohs(six.sin6_port), six.sin6_scope_id
    )
