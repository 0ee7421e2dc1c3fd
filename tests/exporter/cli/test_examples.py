"""What the help texts and the README show is what happens."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from exporter.cli.app import app
from lab.demo import demo_pool
from lab.xapi.server import serve
from planner.inventory.poolfile import dump_pool

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURES = (ROOT / "docs/figures.md").read_text(encoding="utf-8")


def commands(group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every command and group with its help text."""
    yield path, group.help or ""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))
EXAMPLES = sorted({each for text in COMMANDS.values() for each in re.findall(r"(?m)^ +(xenha .*)$", text)})
SHOWN = re.findall(r"(?m)^\$ (xenha .*)\n((?:(?!\$ |```).*\n)*)", README + FIGURES)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with everything the examples speak of."""
    for name in ("pool.json", "east.json", "west.json"):
        (tmp_path / name).write_text(dump_pool(demo_pool()))
    (tmp_path / "secret").write_text("xenha\n")
    (tmp_path / "xenha.toml").write_text('[[pool]]\nsource = "pool.json"\n')
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_shows_examples():
    assert [path for path, text in COMMANDS.items() if "Examples:" not in text and path != ("lab",)] == []
    assert len(EXAMPLES) > 15


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.startswith(("xenha serve", "xenha lab"))])
def test_an_example_works(xenha, place, example):
    with serve(demo_pool()) as api:
        arguments = shlex.split(example.replace("https://root@master.example", f"http://root@{api.address}"))
        done = xenha(*arguments[1:])
    assert done.err == ""
    assert done.code == 0


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.startswith(("xenha serve", "xenha lab"))])
def test_a_serving_example_works(process, place, example, daemon_at, make_status):
    (place / "run").mkdir()
    daemon_at(place / "run" / "xenhad.sock", make_status())
    arguments = re.sub(r"--listen \S+", "", example)
    with serve(demo_pool()) as api:
        arguments = arguments.replace("https://root@master.example", f"http://root@{api.address}")
        running = process(*shlex.split(arguments)[1:], "--listen", "127.0.0.1:0", cwd=place)
        assert running.stdout.readline().startswith("http://127.0.0.1:")
        running.terminate()
        _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")


def test_the_readme_names_every_command():
    missing = [" ".join(path) for path in COMMANDS if path and f"xenha {' '.join(path)}" not in README]
    assert missing == [], "add it to the table of commands in README.md"


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_readme_shows_real_output(xenha, place, command, output):
    done = xenha(*shlex.split(command)[1:])
    assert timeless(done.out) == timeless(output), "paste the output of the command into the document again"


def test_the_readme_shows_something():
    assert len(SHOWN) >= 3


def timeless(text: str) -> str:
    return re.sub(r"seconds=[\d.]+", "seconds=…", text).rstrip()
