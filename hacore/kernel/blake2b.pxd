"""BLAKE2b as a message authentication code (RFC 7693): 32-byte key, 16-byte digest."""

from libc.stdint cimport uint8_t

cdef void keyed_mac(const uint8_t* key, const uint8_t* data, size_t length, uint8_t* out) noexcept nogil
