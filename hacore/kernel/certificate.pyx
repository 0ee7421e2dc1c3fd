"""The certificate of TOLERANCE §2 and §5: one row of numbers a kind of VM, all failure sets at once.

A row says: a packer that takes VMs by falling size and any host with room can fail at this kind only if the
terms of the failed units reach the row's limit. Decides nothing about the units' meaning; must never round.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free as release
from libc.string cimport memset

cdef array _INT64 = array("q")


cdef inline bint meets(const uint64_t* one, const uint64_t* other, Py_ssize_t words) noexcept nogil:
    cdef Py_ssize_t w
    for w in range(words):
        if one[w] & other[w]:
            return True
    return False


cdef void write_row(
    const uint64_t* mask, const int64_t* host_unit, Py_ssize_t hosts, Py_ssize_t units, const int64_t* least,
    int64_t size, const int64_t* doomed, int64_t doomed_down, int64_t* terms, int64_t* limit
) noexcept nogil:
    cdef Py_ssize_t h, u
    limit[0] = size - doomed_down
    for u in range(units):
        terms[u] = doomed[u]
    for h in range(hosts):
        if mask[h >> 6] >> (h & 63) & 1:
            terms[host_unit[h]] += least[h]
            limit[0] += least[h]


cdef void fill_rows(
    const int64_t[::1] host_unit, Py_ssize_t units, const int64_t[::1] sizes, const int64_t[::1] mask_of,
    const uint64_t[::1] masks, Py_ssize_t words, const int64_t[::1] start, const int64_t[::1] unit,
    const int64_t[::1] count, const int64_t[::1] down, const int64_t[::1] least, bint any_size,
    int64_t* doomed, int64_t* terms, int64_t* limits
) noexcept nogil:
    cdef Py_ssize_t hosts = host_unit.shape[0], kinds = sizes.shape[0], distinct = masks.shape[0] // words
    cdef Py_ssize_t m, i, j, first, e
    cdef int64_t doomed_down
    for m in range(distinct):
        memset(doomed, 0, units * sizeof(int64_t))
        doomed_down = 0
        first = 0
        while first < kinds:
            j = first
            while j < kinds and (any_size or sizes[j] == sizes[first]):
                if mask_of[j] == m or meets(&masks[mask_of[j] * words], &masks[m * words], words):
                    doomed_down += sizes[j] * down[j]
                    for e in range(start[j], start[j + 1]):
                        doomed[unit[e]] += sizes[j] * count[e]
                j += 1
            for i in range(first, j):
                if mask_of[i] == m:
                    write_row(
                        &masks[m * words], &host_unit[0], hosts, units, &least[i * hosts], sizes[i], doomed,
                        doomed_down, terms + i * units, limits + i
                    )
            first = j


def certificate_rows(
    const int64_t[::1] host_unit not None, Py_ssize_t units, const int64_t[::1] sizes not None,
    const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None, Py_ssize_t words,
    const int64_t[::1] start not None, const int64_t[::1] unit not None, const int64_t[::1] count not None,
    const int64_t[::1] down not None, const int64_t[::1] least not None, bint any_size=False
):
    """Return (terms, limits): kinds × units and kinds. A kind cannot fail while Σ terms of S < its limit.

    any_size: VMs of every size count, not only those at least as large: no order of restarts is assumed
    (TOLERANCE §6, history-free).
    """
    cdef Py_ssize_t kinds = sizes.shape[0]
    cdef array terms = clone(_INT64, kinds * units, False)
    cdef array limits = clone(_INT64, kinds, False)
    cdef int64_t* doomed
    doomed = <int64_t*> calloc(units + 1, sizeof(int64_t))
    if doomed == NULL:
        raise MemoryError
    try:
        with nogil:
            fill_rows(
                host_unit, units, sizes, mask_of, masks, words, start, unit, count, down, least,
                any_size, doomed, <int64_t*> terms.data.as_longlongs, <int64_t*> limits.data.as_longlongs
            )
    finally:
        release(doomed)
    return terms, limits


cdef void sort_descending(int64_t* keys, int64_t* tags, Py_ssize_t n) noexcept nogil:
    """Shell sort; ties by tag, ascending."""
    cdef Py_ssize_t gap = 1, i, j
    cdef int64_t key, tag
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key = keys[i]
            tag = tags[i]
            j = i
            while j >= gap and (keys[j - gap] < key or (keys[j - gap] == key and tags[j - gap] > tag)):
                keys[j] = keys[j - gap]
                tags[j] = tags[j - gap]
                j -= gap
            keys[j] = key
            tags[j] = tag
        gap //= 3


cdef int64_t row_tolerates(
    const int64_t* keys, const int64_t* tags, const uint64_t* holders, Py_ssize_t units,
    int64_t limit, bint down
) noexcept nogil:
    """Return the most failures under which the kind cannot fail, −1 if not even none.

    A failure at a kind of which nothing is down needs one of its VMs in the set: the k − 1 largest terms
    and the best unit that holds one, if the k largest do not contain it anyway.
    """
    cdef Py_ssize_t k, holder = -1
    cdef int64_t largest = 0
    if down:
        if limit <= 0:
            return -1
    else:
        for k in range(units):
            if holders[tags[k] >> 6] >> (tags[k] & 63) & 1:
                holder = k
                break
        if holder < 0:
            return units
    for k in range(units):
        if not down and k < holder:
            if largest + keys[holder] >= limit:
                return k
            largest += keys[k]
            continue
        largest += keys[k]
        if largest >= limit:
            return k
    return units


def certified(
    const int64_t[::1] terms not None, const int64_t[::1] limits not None, Py_ssize_t units,
    const int64_t[::1] start not None, const int64_t[::1] unit not None, const int64_t[::1] down not None
):
    """Return by row the largest k for which no set of k units can make its kind fail (−1: not even ∅)."""
    cdef Py_ssize_t kinds = limits.shape[0], kind, u, words = units // 64 + 1
    cdef array answer = clone(_INT64, kinds, False)
    cdef int64_t* result = <int64_t*> answer.data.as_longlongs
    cdef int64_t* keys = <int64_t*> calloc(units + 1, sizeof(int64_t))
    cdef int64_t* tags = <int64_t*> calloc(units + 1, sizeof(int64_t))
    cdef uint64_t* holders = <uint64_t*> calloc(words, sizeof(uint64_t))
    if keys == NULL or tags == NULL or holders == NULL:
        release(keys)
        release(tags)
        release(holders)
        raise MemoryError
    with nogil:
        for kind in range(kinds):
            for u in range(units):
                keys[u] = terms[kind * units + u]
                tags[u] = u
            memset(holders, 0, words * sizeof(uint64_t))
            for u in range(start[kind], start[kind + 1]):
                holders[unit[u] >> 6] |= (<uint64_t> 1) << (unit[u] & 63)
            sort_descending(keys, tags, units)
            result[kind] = row_tolerates(keys, tags, holders, units, limits[kind], down[kind] > 0)
    release(keys)
    release(tags)
    release(holders)
    return answer
