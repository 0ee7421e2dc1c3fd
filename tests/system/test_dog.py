"""The lab's watchdog against what Linux' watchdog devices do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.dog import Dog

W = 100


def test_unopened_it_never_fires():
    dog = Dog(W)
    assert dog.due_ns() is None
    assert dog.fires(10**9) == ""


def test_opening_starts_it():
    dog = Dog(W)
    dog.opened(5)
    assert dog.fires(5 + W - 1) == ""
    assert dog.fires(5 + W) == "unpinged"


def test_any_byte_pings():
    dog = Dog(W)
    dog.opened(0)
    dog.heard(b"\0", 90)
    assert dog.fires(189) == ""
    assert dog.fires(190) == "unpinged"


def test_v_then_close_stops_it():
    dog = Dog(W)
    dog.opened(0)
    dog.heard(b"\0V", 1)
    dog.closed(2)
    assert dog.due_ns() is None


def test_closing_without_v_pings_once_more_and_goes_on():
    dog = Dog(W)
    dog.opened(0)
    dog.heard(b"V", 1)
    dog.heard(b"\0", 2)  # thinks better of it
    dog.closed(50)
    assert dog.fires(149) == ""
    assert dog.fires(150) == "unpinged"


def test_a_successor_may_take_over():
    dog = Dog(W)
    dog.opened(0)
    dog.closed(50)
    dog.opened(140)
    assert dog.fires(239) == ""
    assert dog.fires(240) == "unpinged"


def test_the_button_fires_at_once_armed_or_not():
    dog = Dog(W)
    dog.heard(b"B", 0)
    assert dog.fires(0) == "told"
    dog.reset()
    assert dog.fires(10**9) == ""


@given(st.lists(st.tuples(st.sampled_from(["open", "ping", "close"]), st.integers(0, W - 1)), max_size=20))
def test_without_v_it_fires_exactly_w_after_the_last_word(steps):
    dog, now = Dog(W), 0
    dog.opened(now)
    for what, pause in steps:
        now += pause
        assert dog.fires(now) == ""
        {"open": dog.opened, "ping": lambda at: dog.heard(b"\0", at), "close": dog.closed}[what](now)
    assert dog.fires(now + W - 1) == ""
    assert dog.fires(now + W) == "unpinged"
