"""Every file in tests/data/pool_bad is refused with the line beside it, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import PoolFileError
from planner.inventory.poolfile import read_pool

FOLDER = Path(__file__).parents[2] / "data" / "pool_bad"
FILES = sorted(FOLDER.glob("*.json"))


def test_there_are_enough_bad_files() -> None:
    assert len(FILES) >= 100


def test_every_message_belongs_to_a_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {path.stem for path in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_bad_file_is_refused_with_its_message(file: Path) -> None:
    expected = file.with_suffix(".txt").read_text(encoding="utf-8").removesuffix("\n")
    with pytest.raises(PoolFileError) as refused:
        read_pool(file.read_bytes(), file.name)
    assert str(refused.value) == expected
    assert "\n" not in expected
