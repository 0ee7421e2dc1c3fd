"""Functions and files that are still one idea (STYLE 6): a limit says that a second look is due."""

from __future__ import annotations

import ast

FUNCTION_LINES = 60
FILE_LINES = 400
TABLES = ("lab/xapi/classes.py",)
"""Data written down as code: one idea, however long."""


def test_functions_are_short(project, complain):
    broken = [
        f"{module.path}:{node.lineno} {node.name}: {length} lines"
        for module in project.modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    complain(broken, f"more than {FUNCTION_LINES} lines are more than one idea: split the function")


def test_files_hold_one_idea(project, complain):
    broken = [
        f"{path}: {length} lines"
        for path in project.files
        if path.endswith((".py", ".pyx"))
        and path not in TABLES
        and (length := project.text(path).count("\n")) > FILE_LINES
    ]
    complain(broken, f"more than {FILE_LINES} lines are more than one idea: split the file")


def test_the_head_of_a_file_says_what_it_is_for(project, complain):
    broken = [
        module.path
        for module in project.modules
        if ast.get_docstring(module.tree) is None and module.text.strip()
    ]
    complain(broken, "write a head docstring: what it decides and what it must never do")
