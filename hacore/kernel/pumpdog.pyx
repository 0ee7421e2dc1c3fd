"""The dog thread: every W/4 it pings the watchdog if it may (MEMBERSHIP §2, §7).

Decides nothing itself (pumprules does). Must never ping on anything but the newest lease and check-in, both
looked at in the instant before; one that is held up after that pings a watchdog that has fired.
"""

from libc.stdint cimport int64_t

from hacore.kernel.pumprules cimport lease_since, may_ping_now
from hacore.kernel.pumpstate cimport Pump, await_beat, hold, release, thread_ends
from hacore.kernel.pumpsys cimport c_write, now_ns, pthread_cond_broadcast, touch_stack


cdef int may_ping(Pump* p) noexcept nogil:
    """Return the watchdog to ping, by everything as it is now; −1: none. The lock is held."""
    cdef int64_t since_ns = lease_since(p.lease_disk, p.disk.since_ns, p.lease_granted_ns)
    cdef bint watching = p.watchdog >= 0 and not p.stopping
    if may_ping_now(
        now_ns(), since_ns, p.checked_in_ns, watching, p.timings.ping_until_ns, p.timings.check_in_ns
    ):
        return p.watchdog
    return -1


cdef void ping(Pump* p) noexcept nogil:
    """Ping if that is allowed. The write holds no lock: a watchdog that hangs must not stop the brain."""
    cdef ssize_t done
    cdef int watchdog
    hold(p)
    watchdog = may_ping(p)
    p.pinging = watchdog >= 0
    release(p)
    if watchdog < 0:
        return
    done = c_write(watchdog, b"\0", 1)
    hold(p)
    if done == 1:
        p.pings += 1
        p.last_ping_ns = now_ns()
    else:
        p.failed_pings += 1
    p.pinging = False
    pthread_cond_broadcast(&p.ended)
    release(p)


cdef bint wait_for_beat(Pump* p, int64_t* due_ns) noexcept nogil:
    """Return True when a ping may be due, False when it is time to stop."""
    cdef bint go
    hold(p)
    await_beat(p, &p.dog_wake, &p.dog_kick, &p.dog_beat, p.timings.dog_beat_ns, due_ns)
    go = not p.stopping
    release(p)
    return go


cdef void* dog_thread(void* pump) noexcept nogil:
    cdef Pump* p = <Pump*> pump
    cdef int64_t due_ns = now_ns()
    touch_stack()
    while wait_for_beat(p, &due_ns):
        ping(p)
    thread_ends(p)
    return NULL
