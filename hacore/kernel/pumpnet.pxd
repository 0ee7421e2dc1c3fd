"""The net thread of the pump."""

from hacore.kernel.pumpstate cimport Pump

cdef void* net_thread(void* pump) noexcept nogil
