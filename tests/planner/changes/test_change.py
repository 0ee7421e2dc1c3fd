"""Changes as they are typed."""

from __future__ import annotations

import pytest

from planner.changes.change import FORMS, Change, parse_change
from planner.changes.errors import ChangeError
from planner.changes.sizes import SizeError, size_bytes

GIB = 1 << 30


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("start=web@h1", Change("start=web@h1", "start", "web", host="h1")),
        ("start=a@b@h1", Change("start=a@b@h1", "start", "a@b", host="h1")),
        ("stop=web", Change("stop=web", "stop", "web")),
        ("memory=a:b:16GiB", Change("memory=a:b:16GiB", "memory", "a:b", size_bytes=16 * GIB)),
        ("priority=web:none", Change("priority=web:none", "priority", "web")),
        ("priority=web:restart", Change("priority=web:restart", "priority", "web", priority="restart")),
        ("new=n:1GiB@h1", Change("new=n:1GiB@h1", "new", "n", host="h1", size_bytes=GIB)),
        (
            "new=n:1GiB@h1:restart",
            Change("new=n:1GiB@h1:restart", "new", "n", host="h1", size_bytes=GIB, priority="restart"),
        ),
        ("add-host=h9:64GiB", Change("add-host=h9:64GiB", "add-host", "h9", size_bytes=64 * GIB)),
        ("unplug-sr=san@h1", Change("unplug-sr=san@h1", "unplug-sr", "san", host="h1")),
    ],
)
def test_a_change_is_read(text, expected):
    assert parse_change(text) == expected


SHORT = {"stop", "disable", "enable", "remove-host"}
"""Take a name and nothing else: anything but nothing is one."""


@pytest.mark.parametrize(
    "text",
    [f"{verb}{rest}" for verb in FORMS for rest in ("", "=")]
    + [
        f"{verb}{rest}"
        for verb in sorted(set(FORMS) - SHORT)
        for rest in ("=@", "=:", "=@h1", "=:1GiB", "=a")
    ],
)
def test_what_says_too_little_names_its_form(text):
    with pytest.raises(ChangeError) as refused:
        parse_change(text)
    assert FORMS[text.partition("=")[0]] in str(refused.value)


def test_unknown_verbs_are_told_every_form():
    with pytest.raises(ChangeError, match=r"^explode=h1: expected one of start=VM@HOST, stop=VM"):
        parse_change("explode=h1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("16GiB", 16 * GIB), ("1.5 GiB", 3 * GIB // 2), ("7", 7), ("512MiB", 512 << 20), ("2KiB", 2048)],
)
def test_a_size_is_read(text, expected):
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-1GiB", "16GB", "16gib", "1e9", "0.3", "1025TiB", "GiB", "1.GiB"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(SizeError, match="expected a size above 0"):
        size_bytes(text)
