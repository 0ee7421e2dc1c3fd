"""The subjects of the bench, in the order of the table; each measures and returns its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.scale import Scale
from bench.subjects import (
    beside_xapi,
    capacity,
    constraints,
    daemon,
    detection,
    families,
    growth,
    kernels,
    latency,
    lateness,
    memory,
    plans,
    process,
    repairs,
    sequential,
    service,
    simulation,
    slots,
)
from bench.table import Row

SUBJECTS: Mapping[str, Callable[[Scale], list[Row]]] = {
    "families": families.measure,
    "growth": growth.measure,
    "kernels": kernels.measure,
    "service": service.measure,
    "latency": latency.measure,
    "plans": plans.measure,
    "capacity": capacity.measure,
    "repair": repairs.measure,
    "constraints": constraints.measure,
    "sequential": sequential.measure,
    "process": process.measure,
    "memory": memory.measure,
    "xapi": beside_xapi.measure,
    "daemon": daemon.measure,
    "slots": slots.measure,
    "lateness": lateness.measure,
    "detection": detection.measure,
    "simulation": simulation.measure,
}
