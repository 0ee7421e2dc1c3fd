"""What a metric is: name, type, help, labels, unit. Decides nothing; the tables are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["gauge", "counter", "info", "histogram"]
Unit = Literal["", "bytes", "seconds", "hosts", "domains"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is the one Prometheus shows, `_total` and `_info` included."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...]
    unit: Unit = ""
    states: tuple[str, ...] = ()
    """For a metric with one 0/1 series a state: the values of its label `state`."""


def gauge(name: str, labels: str, text: str, unit: Unit = "", states: tuple[str, ...] = ()) -> Metric:
    """Return a metric of a value that rises and falls, or of `states`; labels are given in one text."""
    return Metric(name, "gauge", text, tuple(labels.split()), unit, states)


def counter(name: str, labels: str, text: str, unit: Unit = "") -> Metric:
    """Return a metric of what only grows; labels are given in one text."""
    return Metric(name, "counter", text, tuple(labels.split()), unit)


def histogram(name: str, labels: str, text: str) -> Metric:
    """Return a metric of seconds by bucket; labels are given in one text."""
    return Metric(name, "histogram", text, tuple(labels.split()), "seconds")


def info(name: str, labels: str, text: str) -> Metric:
    """Return a metric of names and versions; labels are given in one text."""
    return Metric(name, "info", text, tuple(labels.split()))
