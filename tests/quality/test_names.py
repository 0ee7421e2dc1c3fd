"""Names that must not be used. ruff bans the clock and chance; these need the meaning around them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

CALLS = {
    "eval": "parse the text",
    "exec": "write the code down",
    "pickle.loads": "read JSON: pickles run code",
    "pickle.load": "read JSON: pickles run code",
    "os.system": "use subprocess.run with a list",
    "os.popen": "use subprocess.run with a list",
    "sleep": "wait on an event with a timeout",
    "time.sleep": "wait on an event with a timeout",
    "asyncio.sleep": "wait on an event with a timeout",
    "monkeypatch.setattr": "put a fake at a door (Protocol)",
    "mocker.patch": "put a fake at a door (Protocol)",
    "mock.patch": "put a fake at a door (Protocol)",
    "sys.setrecursionlimit": "loop",
}
PRINTERS = (
    "exporter/cli/",
    "hacore/commands/",
    "hacore/testing/simulate.py",
    "exporter/listening.py",
    "exporter/catalogue.py",
    "lab/xapi/main.py",
    "lab/cluster/__main__.py",
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
FOREIGN_PATH = re.compile(r"(?<![\w.$}])/(?:home|root|Users|work)/\w")


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_no_banned_calls(project, complain):
    broken = [
        f"{module.path}:{line} calls {name}: {CALLS[name]}"
        for module in project.modules
        for name, line in calls(module.tree)
        if name in CALLS
    ]
    complain(broken, "see the advice behind each")


def test_no_test_measures_time(project, complain):
    broken = [
        f"{module.path}:{line} calls {name}"
        for module in project.modules
        if module.path.startswith("tests/")
        for name, line in calls(module.tree)
        if name.startswith("Stopwatch")
    ]
    complain(broken, "speed is judged in bench/: machines differ, and others use them too")


def test_only_command_lines_print(project, complain):
    broken = [
        f"{module.path}:{line}"
        for module in project.packaged
        if not module.path.startswith(PRINTERS)
        for name, line in calls(module.tree)
        if name == "print"
    ]
    complain(broken, "return the value or log it: only command lines print")


def test_no_error_is_swallowed_whole(project, complain):
    broken = [
        f"{module.path}:{node.lineno}"
        for module in project.modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) == "BaseException")
        and all(isinstance(line, ast.Pass) for line in node.body)
    ]
    complain(broken, "name the exception and say why it may be passed over")


def test_nothing_is_left_for_later(project, complain):
    broken = [
        f"{path}:{number}: {line.strip()}"
        for path in project.files
        if path.endswith((".py", ".pyx", ".pxd", ".pyi", ".sh", ".js", ".css", ".html", ".toml", ".md"))
        and not path.startswith(("tests/quality/", "tests/external/"))
        for number, line in enumerate(project.text(path).splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    complain(broken, "do it, or write an issue; the code says what is")


def test_no_paths_of_one_machine(project, complain):
    broken = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in project.files
        if path.endswith((".py", ".pyx", ".pyi", ".sh", ".toml", ".md", ".txt", ".yml", ".json"))
        and not path.startswith(("tests/quality/", "tests/external/"))
        for number, line in enumerate(project.text(path).splitlines(), 1)
        if FOREIGN_PATH.search(line)
    ]
    complain(broken, "write the path relative to the project")
