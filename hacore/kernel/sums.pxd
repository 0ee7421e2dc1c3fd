"""Bit sets of reachable sums, shared by the kernels. Word i holds the sums 64·i … 64·i + 63."""

from libc.stdint cimport int64_t, uint64_t

cdef void close_under(uint64_t* reached, int64_t words, int64_t size) noexcept nogil
cdef int64_t next_reached(const uint64_t* reached, int64_t start) noexcept nogil
cdef int64_t last_reached(const uint64_t* reached, int64_t start) noexcept nogil
