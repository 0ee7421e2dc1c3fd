"""Functions and files that are still one idea (STYLE 6): a limit says that a second look is due."""

from __future__ import annotations

import ast

LINES = {"function": 60, "file": 450}
LINES_OF_TESTS = {"function": 80, "file": 700}
"""Many small tests of one subject, and records written out, are still one idea."""
TABLES = ("lab/xapi/classes.py", "lab/pools.py")
"""Data written down as code: one idea, however long."""


def most(path: str, what: str) -> int:
    """How many lines of a kind are still no reason for a second look."""
    return (LINES_OF_TESTS if path.startswith("tests/") else LINES)[what]


def test_functions_are_short(project, complain):
    broken = [
        f"{module.path}:{node.lineno} {node.name}: {length} lines"
        for module in project.modules
        if module.path not in TABLES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > most(module.path, "function")
    ]
    complain(broken, "so many lines are more than one idea: split the function")


def test_files_hold_one_idea(project, complain):
    broken = [
        f"{path}: {length} lines"
        for path in project.files
        if path.endswith((".py", ".pyx"))
        if path not in TABLES
        if (length := project.text(path).count("\n")) > most(path, "file")
    ]
    complain(broken, "so many lines are more than one idea: split the file")


def test_the_head_of_a_file_says_what_it_is_for(project, complain):
    broken = [
        module.path
        for module in project.modules
        if ast.get_docstring(module.tree) is None and module.text.strip()
    ]
    complain(broken, "write a head docstring: what it decides and what it must never do")
