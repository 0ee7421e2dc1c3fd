"""The dog thread of the pump."""

from hacore.kernel.pumpstate cimport Pump

cdef void* dog_thread(void* pump) noexcept nogil
