"""The bench measures: a smoke test of every subject. Its timings are not judged here."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.subjects import SUBJECTS
from bench.table import Row, at_least, at_most, markdown, show


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_measures(subject: str, tmp_path: Path) -> None:
    out = StringIO()
    code = main(["--quick", "--folder", str(tmp_path), subject], Console(file=out, width=130))
    assert code == 0
    assert "measured" in out.getvalue()


@pytest.mark.parametrize(("subject", "plot"), [("growth", "growth.png"), ("xapi", "beside-xapi.png")])
def test_plots_are_written(subject: str, plot: str, tmp_path: Path) -> None:
    main(["--quick", "--folder", str(tmp_path), subject], Console(file=StringIO()))
    assert (tmp_path / plot).read_bytes().startswith(b"\x89PNG")


def test_a_subject_that_does_not_exist_is_refused(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--folder", str(tmp_path), "weather"])
    assert caught.value.code == 2
    assert "no subject weather; expected: families, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (at_most("s", "w", 0.006, 0.005, "ms", 1e3), False),
        (at_most("s", "w", 0.005, 0.005, "ms", 1e3), True),
        (at_least("s", "w", 0.95, 0.96, "%", 100), False),
        (at_least("s", "w", 0.96, 0.96, "%", 100), True),
    ],
)
def test_a_target_is_met_or_missed(row: Row, met: bool) -> None:
    assert row.met is met


def test_the_table_is_written_in_markdown() -> None:
    rows = [at_most("speed", "median", 0.006, 0.005, "ms", 1e3), Row("speed", "hosts", "64")]
    assert markdown(rows).splitlines()[2:] == [
        "| speed | median | 6 ms | ≤ 5 ms | missed |",
        "|  | hosts | 64 |  |  |",
    ]


def test_the_table_says_what_was_missed() -> None:
    out = StringIO()
    show(
        [at_most("speed", "median", 0.006, 0.005, "ms", 1e3), Row("speed", "hosts", "64")], Console(file=out)
    )
    text = out.getvalue()
    assert "missed" in text
    assert "6 ms" in text
    assert "≤ 5 ms" in text
