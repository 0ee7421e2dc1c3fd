"""The project as a tree of files: what the rules in this folder look at."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("hacore", "planner", "exporter", "lab")
CHECKED = (*PACKAGES, "bench", "tests")


@dataclass(frozen=True)
class Module:
    """One Python file, parsed; `path` is relative to the root of the project."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def package(self) -> str:
        """The folder it lives in, first part."""
        return self.path.split("/", 1)[0]

    @property
    def dotted(self) -> str:
        """The name it is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield (dotted name, line) of everything imported, inside functions and TYPE_CHECKING too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: write the import in full"
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@dataclass(frozen=True)
class Project:
    """All files that belong to the project."""

    root: Path
    files: tuple[str, ...]

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Every Python file of the packages, the benches and the tests."""
        wanted = [p for p in self.files if p.endswith(".py") and p.split("/", 1)[0] in CHECKED]
        return tuple(Module(p, self.text(p)) for p in wanted)

    @cached_property
    def packaged(self) -> tuple[Module, ...]:
        """Every Python file that is installed."""
        return tuple(module for module in self.modules if module.package in PACKAGES)

    def text(self, path: str) -> str:
        """What a file says; test data may be anything but UTF-8."""
        return (self.root / path).read_text(encoding="utf-8", errors="replace")


def _files() -> tuple[str, ...]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(sorted(p for p in listed.split("\0") if p and (ROOT / p).is_file()))


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT, _files())


@pytest.fixture(scope="session")
def complain():  # type: ignore[no-untyped-def]
    """Fail with every place that breaks a rule, and how to mend it."""

    def _complain(broken: list[str], advice: str) -> None:
        if broken:
            pytest.fail("\n".join(["", *broken, f"→ {advice}"]), pytrace=False)

    return _complain
