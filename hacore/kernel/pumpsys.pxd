"""The system calls of the pump, by their own names; none of them raises, none needs the GIL."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "<pthread.h>" nogil:
    ctypedef unsigned long pthread_t
    ctypedef struct pthread_attr_t:
        pass
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_mutexattr_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    ctypedef struct pthread_condattr_t:
        pass
    int PTHREAD_PRIO_INHERIT, PTHREAD_EXPLICIT_SCHED
    int pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*) noexcept nogil, void*)
    int pthread_detach(pthread_t)
    int pthread_setname_np(pthread_t, const char*)
    int pthread_join(pthread_t, void**)
    int pthread_attr_init(pthread_attr_t*)
    int pthread_attr_destroy(pthread_attr_t*)
    int pthread_attr_setstacksize(pthread_attr_t*, size_t)
    int pthread_attr_setinheritsched(pthread_attr_t*, int)
    int pthread_attr_setschedpolicy(pthread_attr_t*, int)
    int pthread_attr_setschedparam(pthread_attr_t*, const sched_param*)
    int pthread_mutexattr_init(pthread_mutexattr_t*)
    int pthread_mutexattr_destroy(pthread_mutexattr_t*)
    int pthread_mutexattr_setprotocol(pthread_mutexattr_t*, int)
    int pthread_mutex_init(pthread_mutex_t*, const pthread_mutexattr_t*)
    int pthread_mutex_destroy(pthread_mutex_t*)
    int pthread_mutex_lock(pthread_mutex_t*)
    int pthread_mutex_unlock(pthread_mutex_t*)
    int pthread_condattr_init(pthread_condattr_t*)
    int pthread_condattr_destroy(pthread_condattr_t*)
    int pthread_condattr_setclock(pthread_condattr_t*, int)
    int pthread_cond_init(pthread_cond_t*, const pthread_condattr_t*)
    int pthread_cond_destroy(pthread_cond_t*)
    int pthread_cond_signal(pthread_cond_t*)
    int pthread_cond_broadcast(pthread_cond_t*)
    int pthread_cond_timedwait(pthread_cond_t*, pthread_mutex_t*, const timespec*)

cdef extern from "<sched.h>" nogil:
    cdef struct sched_param:
        int sched_priority
    int SCHED_RR

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    int SIG_SETMASK
    int sigfillset(sigset_t*)
    int pthread_sigmask(int, const sigset_t*, sigset_t*)

cdef extern from "<time.h>" nogil:
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int CLOCK_BOOTTIME, CLOCK_MONOTONIC
    int clock_gettime(int, timespec*)

cdef extern from "<sys/mman.h>" nogil:
    int MCL_CURRENT, MCL_ONFAULT
    int mlockall(int)

cdef extern from "<sys/eventfd.h>" nogil:
    int EFD_CLOEXEC, EFD_NONBLOCK
    int eventfd(unsigned int, int)
    int eventfd_read(int, uint64_t*)
    int eventfd_write(int, uint64_t)

cdef extern from "<poll.h>" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    short POLLIN
    int ppoll(pollfd*, unsigned long, const timespec*, const sigset_t*)

cdef extern from "<fcntl.h>" nogil:
    int F_DUPFD_CLOEXEC
    int fcntl(int, int, ...)

cdef extern from "<unistd.h>" nogil:
    ssize_t c_write "write"(int, const void*, size_t)
    int c_close "close"(int)

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        unsigned short sa_family
    int AF_INET, AF_INET6, MSG_DONTWAIT, MSG_NOSIGNAL
    ssize_t sendto(int, const void*, size_t, int, const sockaddr*, socklen_t)
    ssize_t recvfrom(int, void*, size_t, int, sockaddr*, socklen_t*)

cdef extern from "<netinet/in.h>" nogil:
    cdef struct in_addr:
        pass
    cdef struct in6_addr:
        pass
    cdef struct sockaddr_in:
        unsigned short sin_family
        unsigned short sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        unsigned short sin6_family
        unsigned short sin6_port
        in6_addr sin6_addr
        unsigned int sin6_scope_id
    unsigned short htons(unsigned short)
    unsigned short ntohs(unsigned short)


cdef extern from "<string.h>" nogil:
    void explicit_bzero(void*, size_t)


cdef inline void touch_stack() noexcept nogil:
    """Use what a thread will need of its stack: the pages are there before its first beat."""
    cdef uint8_t room[98304]
    explicit_bzero(room, sizeof(room))


cdef inline int64_t read_clock(int clock) noexcept nogil:
    cdef timespec at
    clock_gettime(clock, &at)
    return at.tv_sec * <int64_t> 1_000_000_000 + at.tv_nsec


cdef inline int64_t now_ns() noexcept nogil:
    """Return the time as `hacore.clock` does: it goes on while the machine is suspended."""
    return read_clock(CLOCK_BOOTTIME)


cdef inline timespec timespec_of(int64_t ns) noexcept nogil:
    """Return a point in time, or an interval, of ≥ 0 ns."""
    cdef timespec at
    at.tv_sec = <long> (ns // 1_000_000_000)
    at.tv_nsec = <long> (ns % 1_000_000_000)
    return at


cdef inline timespec wake_at(int64_t due_ns) noexcept nogil:
    """Return until when to wait for `due_ns`, by the clock of conditions: it stands still in sleep.

    Who waits looks at the time again and asks anew: if the machine was suspended, what was left of the wait
    is left still, and less is done late, never more.
    """
    cdef int64_t waking_ns = read_clock(CLOCK_MONOTONIC)
    return timespec_of(max(<int64_t> 0, waking_ns + due_ns - now_ns()))
