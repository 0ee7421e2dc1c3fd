"""A command with groups of options is, for whoever types it, one with those options."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer

from exporter.cli.app import app
from exporter.cli.groups import flat

SHARED = ("user", "password_file", "ca_file", "insecure")
COUNTED = ("vcpus_per_core", "memory_policy", "reserve")


@dataclass(frozen=True, slots=True)
class Paint:
    """How a wall is painted."""

    colour: Annotated[str, typer.Option("--colour")] = "white"
    coats: Annotated[int, typer.Option("--coats")] = 1


def _painted(wall: str, *, paint: Paint, dry: bool = False) -> int:
    """Paint a wall."""
    return hash((wall, paint, dry))


def test_options_of_a_group_reach_the_command_as_one_value() -> None:
    command = flat(_painted)
    assert [*signature(command).parameters] == ["wall", "colour", "coats", "dry", "debug"]
    assert (command.__name__, command.__doc__) == ("_painted", "Paint a wall.")
    told = command(wall="north", colour="red", coats=2, dry=True, debug=False)
    assert told == _painted("north", paint=Paint("red", 2), dry=True)


def test_defaults_of_a_group_are_those_of_its_fields() -> None:
    shown = signature(flat(_painted)).parameters
    assert (shown["colour"].default, shown["coats"].default) == ("white", 1)
    assert shown["wall"].default is shown["wall"].empty


@pytest.mark.parametrize("command", typer.main.get_command(app).commands.values(), ids=lambda each: each.name)
def test_what_is_shared_is_shared_whole(command) -> None:
    """A command that asks an API has the whole account, one that plans everything that may count."""
    names = {parameter.name for parameter in command.params}
    for group in (SHARED, COUNTED):
        assert names.isdisjoint(group) or names.issuperset(group)
    assert "debug" in names or command.name == "lab"
    assert "vcpus_per_core" not in names or "user" in names
