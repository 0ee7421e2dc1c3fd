"""The witness of TOLERANCE §3 and §5: prices that show a failure set to be lost, for all sets at once.

Tries two price vectors a size and area: the size itself, or 1, for every VM at least as large that may run
only inside the area. The k largest terms are the worst set. Must never round: what comes in is rounded down
already.
"""

from cpython.array cimport array, clone
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport calloc, free as release
from libc.string cimport memcpy, memset

from hacore.kernel.certificate cimport sort_descending

cdef extern from *:
    """
    #define xenha_lowest_bit(x) ((int64_t)__builtin_ctzll(x))
    """
    int64_t lowest_bit "xenha_lowest_bit" (uint64_t x) noexcept nogil

cdef array _INT64 = array("q")

cdef enum:
    NOBODY = -2
    EVERYBODY = -1

cdef int64_t HEAVIEST = (<int64_t> 1) << 62

cdef struct Worst:
    int64_t failures     # the least number of units whose loss is lost; units + 1: none found
    int64_t area
    int64_t kind         # the last of the kinds at or above the threshold
    int64_t slots        # 1: price 1 a VM; 0: its size


cdef int64_t who_counts(
    const uint64_t* mask, const uint64_t* area, const int64_t* host_unit, Py_ssize_t hosts
) noexcept nogil:
    """Return whose VMs with this mask may run only in the area: EVERYBODY's, a failed unit's, NOBODY's."""
    cdef Py_ssize_t h, w
    cdef int64_t only = EVERYBODY
    cdef uint64_t outside
    for w in range((hosts + 63) >> 6):
        outside = mask[w] & ~area[w]
        while outside:
            h = (w << 6) + lowest_bit(outside)
            if only == EVERYBODY:
                only = host_unit[h]
            elif only != host_unit[h]:
                return NOBODY
            outside &= outside - 1
    return only


cdef int64_t least_lost(
    const int64_t* priced, int64_t priced_down, const int64_t* held, const uint64_t* area,
    const int64_t* host_unit,
    Py_ssize_t hosts, Py_ssize_t units, int64_t* keys, int64_t* tags
) noexcept nogil:
    """Return the fewest units whose largest terms exceed what the area holds; units + 1 if none do."""
    cdef Py_ssize_t h, u
    cdef int64_t total = -priced_down
    for u in range(units):
        keys[u] = priced[u]
        tags[u] = u
    for h in range(hosts):
        if area[h >> 6] >> (h & 63) & 1:
            keys[host_unit[h]] += held[h]
            total += held[h]
    if total < 0:
        return 0
    sort_descending(keys, tags, units)
    for u in range(units):
        total -= keys[u]
        if total < 0:
            return u + 1
    return units + 1


cdef void note(
    Worst* worst, int64_t failures, int64_t area, int64_t kind, int64_t slots, int64_t* best,
    const int64_t* tags,
    Py_ssize_t units
) noexcept nogil:
    if failures >= worst.failures:
        return
    worst.failures = failures
    worst.area = area
    worst.kind = kind
    worst.slots = slots
    memcpy(best, tags, units * sizeof(int64_t))


cdef void search(
    const int64_t[::1] host_unit, Py_ssize_t units, const int64_t[::1] sizes, const int64_t[::1] room,
    const int64_t[::1] mask_of, const uint64_t[::1] masks, Py_ssize_t words, const int64_t[::1] start,
    const int64_t[::1] unit, const int64_t[::1] count, const int64_t[::1] down, const int64_t[::1] most,
    const uint64_t[::1] areas, int64_t* scratch, Worst* worst, int64_t* best
) noexcept nogil:
    cdef Py_ssize_t hosts = host_unit.shape[0], kinds = sizes.shape[0], a, j, first, e, h
    cdef int64_t* bytes_lost = scratch
    cdef int64_t* slots_lost = scratch + units
    cdef int64_t* keys = scratch + 2 * units
    cdef int64_t* tags = scratch + 3 * units
    cdef int64_t* slots_held = scratch + 4 * units
    cdef int64_t bytes_down, slots_down, whose, failures
    cdef bint any_priced
    for a in range(areas.shape[0] // words):
        memset(scratch, 0, 2 * units * sizeof(int64_t))
        bytes_down = 0
        slots_down = 0
        any_priced = False
        first = 0
        while first < kinds and sizes[first] > 0:
            j = first
            while j < kinds and sizes[j] == sizes[first]:
                whose = who_counts(&masks[mask_of[j] * words], &areas[a * words], &host_unit[0], hosts)
                if whose == EVERYBODY:
                    bytes_down += sizes[j] * down[j]
                    slots_down += down[j]
                if whose != NOBODY:
                    any_priced = True
                    for e in range(start[j], start[j + 1]):
                        if whose == EVERYBODY or whose == unit[e]:
                            bytes_lost[unit[e]] += sizes[j] * count[e]
                            slots_lost[unit[e]] += count[e]
                j += 1
            if any_priced:
                failures = least_lost(
                    bytes_lost, bytes_down, &most[first * hosts], &areas[a * words], &host_unit[0], hosts,
                    units, keys, tags
                )
                note(worst, failures, a, j - 1, 0, best, tags, units)
                for h in range(hosts):
                    slots_held[h] = room[h] // sizes[first]
                failures = least_lost(
                    slots_lost, slots_down, slots_held, &areas[a * words], &host_unit[0], hosts, units,
                    keys, tags
                )
                note(worst, failures, a, j - 1, 1, best, tags, units)
            first = j


def find_witness(
    const int64_t[::1] host_unit not None, Py_ssize_t units, const int64_t[::1] sizes not None,
    const int64_t[::1] room not None, const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
    Py_ssize_t words, const int64_t[::1] start not None, const int64_t[::1] unit not None,
    const int64_t[::1] count not None, const int64_t[::1] down not None, const int64_t[::1] most not None,
    const uint64_t[::1] areas not None
):
    """Return (the fewest units that are lost together, area, last priced kind, slots?), None if none are."""
    cdef Worst worst
    cdef array best = clone(_INT64, units + 1, True)
    cdef int64_t* scratch = <int64_t*> calloc(4 * units + host_unit.shape[0] + 1, sizeof(int64_t))
    if scratch == NULL:
        raise MemoryError
    worst.failures, worst.area, worst.kind, worst.slots = units + 1, 0, 0, 0
    try:
        with nogil:
            search(
                host_unit, units, sizes, room, mask_of, masks, words, start, unit, count, down, most, areas,
                scratch, &worst, <int64_t*> best.data.as_longlongs
            )
    finally:
        release(scratch)
    if worst.failures > units:
        return None
    return tuple(best[:worst.failures]), worst.area, worst.kind, bool(worst.slots)


cdef void cheapest_loads(
    const int64_t[::1] sizes, const int64_t[::1] prices, const char* counts, int64_t* lightest, int64_t top
) noexcept nogil:
    """lightest[p] = the least memory of a load of price ≥ p, any number of each kind."""
    cdef int64_t p, rest
    cdef Py_ssize_t kind
    lightest[0] = 0
    for p in range(1, top + 1):
        lightest[p] = HEAVIEST
        for kind in range(sizes.shape[0]):
            if not counts[kind]:
                continue
            rest = lightest[max(0, p - prices[kind])]
            if rest < HEAVIEST - sizes[kind]:
                lightest[p] = min(lightest[p], rest + sizes[kind])


cdef int64_t dearest_within(const int64_t* lightest, int64_t top, int64_t room) noexcept nogil:
    """Return the greatest price of a load that fits; `lightest` rises with the price."""
    cdef int64_t low = 0, high = top, middle
    while low < high:
        middle = (low + high + 1) // 2
        if lightest[middle] <= room:
            low = middle
        else:
            high = middle - 1
    return low


def lost_under_prices(
    const int64_t[::1] host_unit not None, Py_ssize_t units, const int64_t[::1] sizes not None,
    const int64_t[::1] room not None, const int64_t[::1] mask_of not None, const uint64_t[::1] masks not None,
    Py_ssize_t words, const int64_t[::1] start not None, const int64_t[::1] unit not None,
    const int64_t[::1] count not None, const int64_t[::1] down not None, const int64_t[::1] prices not None,
    const uint64_t[::1] area not None, int64_t top
):
    """Return the fewest units that these prices show to be lost, None if there are none.

    prices: one a kind, small integers ≥ 0. top: a price that no host's load exceeds (it bounds the table).
    """
    cdef Py_ssize_t hosts = host_unit.shape[0], kinds = sizes.shape[0], kind, h, e
    cdef int64_t priced_down = 0, failures, whose
    cdef array tags = clone(_INT64, units + 1, True)
    cdef int64_t* priced = <int64_t*> calloc(2 * units + hosts + 1, sizeof(int64_t))
    cdef int64_t* lightest = <int64_t*> calloc(top + 1, sizeof(int64_t))
    cdef char* counts = <char*> calloc(kinds + 1, 1)
    cdef int64_t* keys
    cdef int64_t* held
    if priced == NULL or lightest == NULL or counts == NULL:
        release(priced)
        release(lightest)
        release(counts)
        raise MemoryError
    keys = priced + units
    held = keys + units
    with nogil:
        for kind in range(kinds):
            whose = who_counts(&masks[mask_of[kind] * words], &area[0], &host_unit[0], hosts)
            if whose == NOBODY or prices[kind] == 0:
                continue
            counts[kind] = 1
            if whose == EVERYBODY:
                priced_down += prices[kind] * down[kind]
            for e in range(start[kind], start[kind + 1]):
                if whose == EVERYBODY or whose == unit[e]:
                    priced[unit[e]] += prices[kind] * count[e]
        cheapest_loads(sizes, prices, counts, lightest, top)
        for h in range(hosts):
            held[h] = dearest_within(lightest, top, room[h])
        failures = least_lost(
            priced, priced_down, held, &area[0], &host_unit[0], hosts, units, keys,
            <int64_t*> tags.data.as_longlongs
        )
    release(priced)
    release(lightest)
    release(counts)
    return None if failures > units else tuple(tags[:failures])
