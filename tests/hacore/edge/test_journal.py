"""The journal: lines that read back as they were written, and never hold anybody up."""

from __future__ import annotations

import datetime
import os
import re
import select
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.clock import SystemClock
from hacore.edge.journal import WAITING_LINES_MAX, Journal, line_of, parse_line, remembered, seconds_of

CLOCK = SystemClock()


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z][a-z_]{0,9}\Z").filter(lambda key: key not in {"time", "mono", "event"}),
        st.text(max_size=20) | st.integers() | st.booleans(),
        max_size=4,
    )
)
def test_a_line_is_one_line_and_reads_back(values: dict[str, str | int | bool]) -> None:
    line = line_of(0.0, 1_500_000_000, "word", values)
    assert "\n" not in line
    assert line.isprintable()
    found = parse_line(line)
    assert list(found) == ["time", "mono", "event", *values]
    for key, value in values.items():
        if isinstance(value, bool):
            assert found[key] == ("yes" if value else "no")
        elif isinstance(value, int) or value.isprintable():
            assert found[key] == str(value)


def test_a_line_looks_like_this() -> None:
    line = line_of(1_700_000_000.25, 12_345_678_901, "state", {"from": "joining", "why": 'a "b" c', "n": 3})
    assert line == (
        'time=2023-11-14T22:13:20.250Z mono=12.345679 event=state from=joining why="a \\"b\\" c" n=3'
    )


@given(st.integers(0, 4_000_000_000_000))
def test_wall_time_is_that_of_the_calendar(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    told = parse_line(line_of(seconds, 0, "x", {}))["time"]
    assert seconds_of(told) == pytest.approx(seconds, abs=1e-4)
    day = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.UTC)
    assert told == f"{day:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


@given(st.text())
def test_nothing_breaks_the_reader(text: str) -> None:
    parse_line(text)


def test_lines_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    journal = Journal(str(path), CLOCK)
    journal.note("state", state="member")
    journal.note("fence", cause="left_out")
    assert journal.flush(60)
    assert [parse_line(line)["event"] for line in path.read_text().splitlines()] == ["state", "fence"]
    assert [line["cause"] for line in remembered(str(path), "fence")] == ["left_out"]
    assert list(remembered(str(tmp_path / "nowhere"), "fence")) == []
    assert seconds_of("yesterday") is None
    journal.close(60)


def test_a_rotated_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    journal = Journal(str(path), CLOCK)
    journal.note("one")
    assert journal.flush(60)
    path.rename(tmp_path / "log.1")
    journal.note("two")
    assert journal.flush(60)
    assert "event=two" in path.read_text()
    journal.close(60)


def test_lines_that_could_not_be_written_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "log"
    journal = Journal(str(path), CLOCK)
    journal.note("lost")
    assert journal.flush(60)
    path.parent.mkdir()
    journal.note("written")
    assert journal.flush(60)
    lost, written = (parse_line(line) for line in path.read_text().splitlines())
    assert (lost["event"], lost["count"], written["event"]) == ("lines_lost", "1", "written")
    journal.close(60)


def test_what_went_into_a_pipe_is_not_counted_as_lost(tmp_path: Path) -> None:
    """A pipe has no disk to wait for."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    journal = Journal(str(fifo), CLOCK)
    for word in ("one", "two"):
        journal.note(word)
        assert journal.flush(60)
    told = [parse_line(line)["event"] for line in os.read(reader, 1 << 16).decode().splitlines()]
    assert told == ["one", "two"]
    os.close(reader)
    journal.close(60)


def test_a_reader_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe nobody reads: notes return at once, what is too much is dropped and counted."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR)
    journal = Journal(str(fifo), CLOCK)
    for _ in range(2 * WAITING_LINES_MAX):
        journal.note("word", text="x" * 200)
    assert not journal.flush(0.01)
    text = b""
    while b"lines_lost" not in text:
        assert select.select([reader], [], [], 60)[0]
        text += os.read(reader, 1 << 16)
        if text.count(b"event=word") >= WAITING_LINES_MAX:
            journal.note("again")
    assert re.search(rb"event=lines_lost count=[1-9]", text)
    os.close(reader)
    journal.close(1)


@pytest.mark.parametrize("value", [1.5, 2, "x"])
def test_keys_of_the_journal_itself_are_no_trouble(value: float | int | str, tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "log"), CLOCK)
    journal.note("word", self=value, word=value)
    assert journal.flush(60)
    journal.close(60)
