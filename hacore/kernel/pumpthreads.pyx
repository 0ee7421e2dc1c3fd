"""The life of the pump's threads: memory that stays, fixed stacks, real-time priority where granted.

Decides nothing. Must never wait without an end for a thread that hangs in I/O: its memory is given up.
"""

from libc.errno cimport errno
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from hacore.kernel.pumpdisk cimport disk_thread
from hacore.kernel.pumpdog cimport dog_thread
from hacore.kernel.pumpnet cimport net_thread
from hacore.kernel.pumpstate cimport UNCHANGED, Pump, hold, release
from hacore.kernel.pumprules cimport MAX_NETWORKS, NO_COPY
from hacore.kernel.pumpsys cimport (
    CLOCK_MONOTONIC, EFD_CLOEXEC, EFD_NONBLOCK, MCL_CURRENT, MCL_ONFAULT, PTHREAD_EXPLICIT_SCHED,
    PTHREAD_PRIO_INHERIT, SCHED_RR, SIG_SETMASK, c_close, eventfd, eventfd_write, mlockall, now_ns,
    pthread_attr_destroy, pthread_attr_init, pthread_attr_setinheritsched, pthread_attr_setschedparam,
    pthread_attr_setschedpolicy, pthread_attr_setstacksize, pthread_attr_t, pthread_cond_broadcast,
    pthread_cond_destroy, pthread_cond_init, pthread_cond_t, pthread_cond_timedwait, pthread_condattr_destroy,
    pthread_condattr_init, pthread_condattr_setclock, pthread_condattr_t, pthread_create, pthread_detach,
    pthread_join, pthread_mutex_destroy, pthread_mutex_init, pthread_mutexattr_destroy,
    pthread_mutexattr_init, pthread_mutexattr_setprotocol, pthread_mutexattr_t, pthread_setname_np,
    pthread_sigmask, pthread_t, sched_param, sigfillset, sigset_t, timespec, wake_at
)
from hacore.kernel.slotcodec cimport SLOT_BYTES, STRIDE
from hacore.kernel.slotio cimport aligned_buffer
from hacore.kernel.wire cimport Identity

cdef enum:
    STACK_BYTES = 262144
    PRIORITY = 48               # of SCHED_RR, 1 … 99: above all usual work, below interrupt threads (50)

ctypedef void* (*thread_main)(void*) noexcept nogil


# -- memory and locks ------------------------------------------------------------------------------------

cdef void make_lock(Pump* p) noexcept nogil:
    """Make the lock with priority inheritance: Python must not hold up a real-time thread by being slow."""
    cdef pthread_mutexattr_t attributes
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT)
    if pthread_mutex_init(&p.lock, &attributes) != 0:
        pthread_mutex_init(&p.lock, NULL)
    pthread_mutexattr_destroy(&attributes)


cdef void make_condition(pthread_cond_t* condition) noexcept nogil:
    cdef pthread_condattr_t attributes
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)


cdef Pump* make_pump(const Identity* pool, int32_t me) noexcept nogil:
    cdef Pump* p = <Pump*> calloc(1, sizeof(Pump))
    cdef size_t slots = <size_t> pool.hosts * SLOT_BYTES
    cdef int32_t i
    if p == NULL:
        return NULL
    memcpy(&p.pool, pool, sizeof(Identity))
    p.me = me
    p.device = p.watchdog = -1
    p.next_device = UNCHANGED
    p.turn.probing = NO_COPY
    for i in range(MAX_NETWORKS):
        p.network[i].fd = -1
        p.network[i].next_fd = UNCHANGED
    make_lock(p)
    make_condition(&p.disk_wake)
    make_condition(&p.dog_wake)
    make_condition(&p.ended)
    p.block = aligned_buffer(STRIDE)
    p.slots[0] = aligned_buffer(slots)
    p.slots[1] = aligned_buffer(slots)
    p.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
    p.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
    if p.block != NULL and p.slots[0] != NULL and p.slots[1] != NULL and p.news_fd >= 0 and p.kick_fd >= 0:
        return p
    free_pump(p)
    return NULL


cdef void close_if_open(int fd) noexcept nogil:
    if fd >= 0:
        c_close(fd)


cdef void free_pump(Pump* p) noexcept nogil:
    cdef int32_t i
    close_if_open(p.device)
    close_if_open(p.next_device)
    for i in range(MAX_NETWORKS):
        close_if_open(p.network[i].fd)
        close_if_open(p.network[i].next_fd)
    close_if_open(p.news_fd)
    close_if_open(p.kick_fd)
    pthread_cond_destroy(&p.disk_wake)
    pthread_cond_destroy(&p.dog_wake)
    pthread_cond_destroy(&p.ended)
    pthread_mutex_destroy(&p.lock)
    free(p.block)
    free(p.slots[0])
    free(p.slots[1])
    free(p)


# -- starting --------------------------------------------------------------------------------------------

cdef int create(Pump* p, pthread_t* thread, thread_main main, bint realtime) noexcept nogil:
    cdef pthread_attr_t attributes
    cdef sched_param priority
    cdef int failure
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, STACK_BYTES)
    if realtime:
        priority.sched_priority = PRIORITY
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED)
        pthread_attr_setschedpolicy(&attributes, SCHED_RR)
        pthread_attr_setschedparam(&attributes, &priority)
    failure = pthread_create(thread, &attributes, main, p)
    pthread_attr_destroy(&attributes)
    return failure


cdef int start_thread(Pump* p, Crew* crew, int32_t which, thread_main main, const char* name) noexcept nogil:
    cdef int failure = create(p, &crew.threads[which], main, True)
    crew.realtime[which] = failure == 0
    if failure != 0:
        failure = create(p, &crew.threads[which], main, False)
    if failure != 0:
        thread_missing(p, THREADS - which)
        return -failure
    crew.started += 1
    pthread_setname_np(crew.threads[which], name)
    return 0


cdef void thread_missing(Pump* p, int32_t count) noexcept nogil:
    hold(p)
    p.running -= count
    release(p)


cdef int start_all(Pump* p, Crew* crew) noexcept nogil:
    cdef int failure = start_thread(p, crew, 0, disk_thread, b"xenhad-disk")
    if failure == 0:
        failure = start_thread(p, crew, 1, net_thread, b"xenhad-net")
    if failure == 0:
        failure = start_thread(p, crew, 2, dog_thread, b"xenhad-dog")
    return failure


cdef int start_threads(Pump* p, Crew* crew) noexcept nogil:
    """Start all three with all signals blocked: those are for Python's main thread."""
    cdef sigset_t every, before
    cdef int failure
    crew.lock_errno = 0
    crew.started = 0
    p.running = THREADS
    sigfillset(&every)
    pthread_sigmask(SIG_SETMASK, &every, &before)
    failure = start_all(p, crew)
    if mlockall(MCL_CURRENT | MCL_ONFAULT) != 0:  # now that their stacks are there
        crew.lock_errno = errno
    pthread_sigmask(SIG_SETMASK, &before, NULL)
    if failure != 0:
        stop_threads(p, crew, 1_000_000_000)
    return failure


# -- stopping --------------------------------------------------------------------------------------------

cdef bint await_end(Pump* p, int64_t grace_ns) noexcept nogil:
    cdef int64_t until_ns = now_ns() + grace_ns
    cdef timespec until
    cdef bint ended
    hold(p)
    p.stopping = True
    pthread_cond_broadcast(&p.disk_wake)
    pthread_cond_broadcast(&p.dog_wake)
    eventfd_write(p.kick_fd, 1)
    while p.running > 0 and now_ns() < until_ns:
        until = wake_at(until_ns)
        pthread_cond_timedwait(&p.ended, &p.lock, &until)
    ended = p.running == 0
    release(p)
    return ended


cdef bint stop_threads(Pump* p, Crew* crew, int64_t grace_ns) noexcept nogil:
    cdef bint ended = await_end(p, grace_ns)
    cdef int32_t i
    for i in range(crew.started):
        if ended:
            pthread_join(crew.threads[i], NULL)
        else:
            pthread_detach(crew.threads[i])
    crew.started = 0
    crew.left_behind = not ended
    return ended
