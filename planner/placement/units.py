"""Count in the largest unit in which every size is whole."""

from __future__ import annotations

from math import gcd

from planner.placement.packing import Instance, Item


def in_units(instance: Instance) -> Instance:
    """Return the same question in units of the sizes' greatest common divisor.

    Capacities are rounded down: no sum of sizes lies in what is lost. Everything else stays as it is.
    """
    unit = gcd(*(item.size for item in instance.items)) or 1
    items = tuple(Item(item.size // unit, item.bins, item.count, item.uses) for item in instance.items)
    return Instance(tuple(capacity // unit for capacity in instance.capacities), items, instance.rooms)
