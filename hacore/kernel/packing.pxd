"""Greedy packers on multisets: `count` equal items at a time, bins by index."""

from libc.stdint cimport int64_t, uint64_t

cdef struct Packing:
    Py_ssize_t bins
    Py_ssize_t kinds
    Py_ssize_t words                # of a mask
    const int64_t* sizes            # kinds, descending, > 0
    const int64_t* mask_of          # kinds → index of a mask
    const uint64_t* masks
    const int64_t* capacity         # bins
    const int64_t* wanted           # kinds: how many must be placed
    Py_ssize_t open_bins            # length of `order`
    int64_t* order                  # the bins that may be used, by falling capacity
    int64_t* room                   # bins: scratch
    int64_t* left                   # kinds: scratch
    int64_t* trial                  # kinds: scratch
    int64_t* chosen                 # kinds: scratch
    int64_t* placed                 # kinds × bins, or NULL if nobody asks where

cdef enum:
    STRATEGIES = 6

cdef enum:
    MOST_EXACT_ITEMS = 32       # a complete search is for small questions

cdef enum Exact:
    FITS
    FITS_NOT
    TOO_LONG

cdef bint fills(int strategy) noexcept nogil
cdef bint pack_with(Packing* p, int strategy) noexcept nogil
cdef int pack_any(Packing* p, int first) noexcept nogil
cdef Exact pack_exactly(Packing* p, int64_t steps) noexcept nogil
