"""Direct I/O on the statefile: 0 or −errno, no exceptions, usable without the GIL."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct Device:
    int fd
    uint32_t logical_block_bytes
    uint64_t size_bytes
    bint direct  # false: in the lab, on a file system that refuses O_DIRECT

# Open with O_DIRECT | O_DSYNC; `lab`: without O_DIRECT where the file system refuses it.
cdef int open_device(const char* path, bint writable, bint lab, Device* device) noexcept nogil
# `buffer` from aligned_buffer; length and offset are multiples of 4096. What is short is −EIO.
cdef int write_range(int fd, const uint8_t* buffer, size_t length, uint64_t offset) noexcept nogil
cdef int read_range(int fd, uint8_t* buffer, size_t length, uint64_t offset) noexcept nogil
# Zeroed, aligned for every device we open, in huge pages if it fills one; NULL: no memory. libc frees it.
cdef uint8_t* aligned_buffer(size_t length) noexcept nogil
