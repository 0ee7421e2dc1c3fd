"""Reachable sums: what can a host have received from an any-fit packer that then fails?

Decides the two tables of TOLERANCE §2 and §3, for every kind of VM and every host: the least sum that
leaves no room for one more VM of the kind's size, and the greatest sum that fits. Must never know what a VM
is.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free as release
from libc.string cimport memcpy

cdef extern from *:
    """
    #define xenha_lowest_bit(x) ((int64_t)__builtin_ctzll(x))
    #define xenha_highest_bit(x) ((int64_t)(63 - __builtin_clzll(x)))
    """
    int64_t lowest_bit "xenha_lowest_bit" (uint64_t x) noexcept nogil
    int64_t highest_bit "xenha_highest_bit" (uint64_t x) noexcept nogil

cdef array _INT64 = array("q")


cdef void close_under(uint64_t* reached, int64_t words, int64_t size) noexcept nogil:
    """Add every multiple of `size` > 0 to every reached sum: unbounded subset sum.

    Shifts below a word are doubled until they pass it (then the multiples 0 … 2^j − 1 are in); from there
    one ascending pass in place closes the set, because the words it reads lie below and are finished.
    """
    cdef int64_t i, jump, shift = size
    cdef int bits
    while shift < 64:
        bits = <int> shift
        for i in range(words - 1, 0, -1):
            reached[i] |= (reached[i] << bits) | (reached[i - 1] >> (64 - bits))
        reached[0] |= reached[0] << bits
        shift *= 2
    jump = shift >> 6
    bits = <int> (shift & 63)
    if jump >= words:
        return
    reached[jump] |= reached[0] << bits
    if bits == 0:
        for i in range(jump + 1, words):
            reached[i] |= reached[i - jump]
    else:
        for i in range(jump + 1, words):
            reached[i] |= (reached[i - jump] << bits) | (reached[i - jump - 1] >> (64 - bits))


cdef int64_t next_reached(const uint64_t* reached, int64_t start) noexcept nogil:
    """Return the least reached sum ≥ `start`; there must be one."""
    cdef int64_t word = start >> 6
    cdef uint64_t bits = reached[word] >> (start & 63) << (start & 63)
    while bits == 0:
        word += 1
        bits = reached[word]
    return (word << 6) + lowest_bit(bits)


cdef int64_t last_reached(const uint64_t* reached, int64_t start) noexcept nogil:
    """Return the greatest reached sum ≤ `start`; 0 is always reached."""
    cdef int64_t word = start >> 6
    cdef int unused = <int> (63 - (start & 63))
    cdef uint64_t bits = reached[word] << unused >> unused
    while bits == 0:
        word -= 1
        bits = reached[word]
    return (word << 6) + highest_bit(bits)


cdef void fill_tables(
    const int64_t[::1] room, const int64_t[::1] sizes, uint64_t* reached, int64_t words, int64_t roomiest,
    int64_t* least, int64_t* most, bint any_size
) noexcept nogil:
    cdef Py_ssize_t host, kind, hosts = room.shape[0]
    cdef int64_t size
    reached[0] = 1
    if any_size:
        for kind in range(sizes.shape[0]):
            if 0 < sizes[kind] <= roomiest and (kind == 0 or sizes[kind] != sizes[kind - 1]):
                close_under(reached, words, sizes[kind])
    for kind in range(sizes.shape[0]):
        size = sizes[kind]
        if kind > 0 and size == sizes[kind - 1]:
            memcpy(least + kind * hosts, least + (kind - 1) * hosts, hosts * sizeof(int64_t))
            memcpy(most + kind * hosts, most + (kind - 1) * hosts, hosts * sizeof(int64_t))
            continue
        if 0 < size <= roomiest and not any_size:
            close_under(reached, words, size)
        for host in range(hosts):
            if room[host] < size or size <= 0:
                least[kind * hosts + host] = 0
            else:
                least[kind * hosts + host] = next_reached(reached, room[host] - size + 1)
            most[kind * hosts + host] = last_reached(reached, room[host])


def saturation(const int64_t[::1] room not None, const int64_t[::1] sizes not None, bint any_size=False):
    """Return (least, most), each kinds × hosts: the tables a_h(s) and A_h(s) of TOLERANCE §2 and §3.

    room: free memory by host, ≥ 0. sizes: one a kind, descending. All in one unit, small enough for a bit a
    unit. least: the least sum of sizes ≥ s in (room − s, room], 0 where room < s. most: the greatest such
    sum ≤ room. A size of 0 (rounded down) saturates nothing and adds nothing.
    any_size: the sums may be of any sizes, not only of those ≥ s (TOLERANCE §6, history-free).
    """
    cdef Py_ssize_t cells = room.shape[0] * sizes.shape[0], host
    cdef array least = clone(_INT64, cells, False)
    cdef array most = clone(_INT64, cells, False)
    cdef int64_t roomiest = 0
    cdef int64_t words
    cdef uint64_t* reached
    for host in range(room.shape[0]):
        roomiest = max(roomiest, room[host])
    words = (roomiest >> 6) + 1
    reached = <uint64_t*> calloc(words, sizeof(uint64_t))
    if reached == NULL:
        raise MemoryError
    try:
        with nogil:
            fill_tables(
                room, sizes, reached, words, roomiest, <int64_t*> least.data.as_longlongs,
                <int64_t*> most.data.as_longlongs, any_size
            )
    finally:
        release(reached)
    return least, most
