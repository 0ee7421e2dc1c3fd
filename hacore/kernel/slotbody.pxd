"""The body of a slot: layout in slotbody.pyx."""

from libc.stdint cimport int32_t, uint8_t

# Say which field of a body (SLOT_BODY_BYTES) says what no host can mean; NULL: none.
cdef const char* body_fault(const uint8_t* body, int32_t hosts) noexcept nogil
