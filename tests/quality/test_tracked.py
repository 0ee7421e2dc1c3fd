"""What belongs into the repository."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import PurePath

GENERATED = (".c", ".so", ".o", ".pyc", ".pyd", ".orig", ".rej", ".egg-info", ".log")
LARGEST_BYTES = 1_000_000


def test_nothing_generated_is_tracked(project, complain):
    templates = "exporter/page/templates/"
    broken = [
        path
        for path in project.files
        if path.endswith(GENERATED) or (path.endswith(".html") and not path.startswith(templates))
    ]
    complain(broken, "git rm --cached it and add it to .gitignore: `make` makes it")


def test_files_are_small(project, complain):
    broken = [
        f"{path}: {size} bytes"
        for path in project.files
        if (size := (project.root / path).stat().st_size) > LARGEST_BYTES
    ]
    complain(broken, "make it when it is needed, from a seed or a smaller source")


def test_tests_have_no_packages(project, complain):
    broken = [path for path in project.files if path.startswith("tests/") and path.endswith("__init__.py")]
    complain(broken, "pytest runs with --import-mode=importlib: remove __init__.py")


def test_every_package_folder_is_one(project, complain):
    folders = {
        str(PurePath(module.path).parent) for module in project.packaged if "/page/" not in module.path
    }
    broken = sorted(folder for folder in folders if f"{folder}/__init__.py" not in project.files)
    complain(broken, "add an __init__.py, else the folder is not installed")


def test_every_dependency_is_pinned(project, complain):
    stated = tomllib.loads(project.text("pyproject.toml"))
    wanted = stated["project"]["dependencies"] + stated["project"]["optional-dependencies"]["dev"]
    pinned = {_normal(line.split("==")[0]) for line in project.text("constraints.txt").splitlines()}
    broken = [each for each in wanted if _normal(re.split(r"[<>=!~\[ ]", each)[0]) not in pinned]
    complain(broken, "make lock")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_third_party_import_is_declared(project, complain):
    stated = tomllib.loads(project.text("pyproject.toml"))
    declared = {_normal(re.split(r"[<>=!~\[ ]", each)[0]) for each in stated["project"]["dependencies"]}
    declared |= {"starlette", "anyio"}  # part of fastapi's own interface
    declared |= {"typing-extensions"}  # part of pydantic's: before Python 3.12 it asks for its TypedDict
    own = {"hacore", "planner", "exporter", "lab", "bench"} | set(sys.stdlib_module_names)
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        for name, line in module.imports()
        if (first := name.split(".")[0]) not in own and _normal(first) not in declared
    ]
    complain(broken, "declare it in pyproject.toml with its reason, or do without")
