"""What the documents promise is there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import PurePosixPath

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")
LINK = re.compile(r"\]\(([^)#:]+)\)")
MENTIONED = re.compile(r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|md|toml|txt|yml))`")
DECISION = re.compile(r"(?m)^## (\d+)\. (.+)\n((?:(?!^## ).*\n)*)")
MAKE = re.compile(r"`make ([a-z]+)[ `]|^\$ make ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"(?m)^([a-z]+):(?!=)(.*)$")
TREES = ("hacore/errors.py", "planner/errors.py", "exporter/errors.py")
EXAMPLES = {"pool.json", "xenha.toml", "xenha-rules.yml", "cli.py", "build/"}
"""Files that operators have, or that were refused; not ours."""


def test_links_lead_somewhere(project, complain):
    broken = [
        f"{document}: {link}"
        for document in (
            *DOCUMENTS,
            *(p for p in project.files if p.startswith("docs/") and p.endswith(".md")),
        )
        for link in LINK.findall(project.text(document))
        if not (project.root / PurePosixPath(document).parent / link).exists()
    ]
    complain(broken, "the file was moved or never made")


def test_files_that_documents_speak_of_exist(project, complain):
    """A name without a folder may live anywhere; one with a folder starts at the root or in a package."""
    names = {PurePosixPath(path).name for path in project.files}
    folders = {str(parent) for path in project.files for parent in PurePosixPath(path).parents}

    def known(name: str) -> bool:
        bare = name.strip("/")
        everywhere = (bare, *(f"{package}/{bare}" for package in ("planner", "exporter", "hacore", "lab")))
        return bare in names or any(each in folders or each in project.files for each in everywhere)

    broken = [
        f"{document}: {name}"
        for document in DOCUMENTS
        for name in MENTIONED.findall(project.text(document))
        if not known(name) and not name.startswith(("/", "var/", "build/")) and name not in EXAMPLES
    ]
    complain(broken, "the document speaks of a file that is gone: correct it")


def test_decisions_are_numbered_and_short(project, complain):
    decisions = DECISION.findall(project.text("DECISIONS.md"))
    numbers = [int(number) for number, _, _ in decisions]
    broken = [] if numbers == list(range(1, len(numbers) + 1)) else [f"numbers: {numbers}"]
    broken += [
        f"{number}. {title}: {lines} lines"
        for number, title, text in decisions
        if (lines := len(text.strip().splitlines())) > 15
    ]
    broken += [
        f"{number}. {title}: lacks {part!r}"
        for number, title, text in decisions
        for part in ("Refused:", "change our mind")
        if part not in text
    ]
    complain(broken, "context, choice, refused, what would change our mind: in 15 lines, numbered from 1")


def test_make_targets_are_explained_and_exist(project, complain):
    targets = dict(TARGET.findall(project.text("Makefile")))
    broken = [f"Makefile: {target} has no ## text" for target, rest in targets.items() if "## " not in rest]
    broken += [
        f"{document}: make {target}"
        for document in DOCUMENTS
        for pair in MAKE.findall(project.text(document))
        if (target := pair[0] or pair[1]) not in targets
    ]
    complain(broken, "`make help` prints what stands behind ##; documents speak of targets that exist")


def test_the_newest_change_is_about_this_version(project, complain):
    version = tomllib.loads(project.text("pyproject.toml"))["project"]["version"]
    newest = re.search(r"(?m)^## (\S+)", project.text("CHANGELOG.md"))
    broken = [] if newest and newest[1] == version else [f"CHANGELOG.md: {newest and newest[1]} ≠ {version}"]
    complain(broken, "say in CHANGELOG.md what the version brings to operators")


def test_error_trees_are_drawn_whole(project, complain):
    """The head of an errors.py shows the hierarchy; each class is in it."""
    broken = [
        f"{module.path}: {node.name}"
        for module in project.packaged
        if module.path in TREES
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and node.name not in (ast.get_docstring(module.tree) or "")
    ]
    complain(broken, "draw the class into the tree at the head of the file")


WORD = re.compile(r"`([a-z_]+)`")


def test_every_word_of_the_journal_is_explained(project, complain):
    """What the daemon notes has its row in docs/journal.md, and no row speaks of what nobody notes."""
    rows = [
        line.split("|")[1] for line in project.text("docs/journal.md").splitlines() if line.startswith("| `")
    ]
    told = {word for row in rows for word in WORD.findall(row)}
    daemon = [module for module in project.modules if module.path.startswith("hacore/")]
    noted = {word for module in daemon for word in _noted(module.tree)}
    said = {
        node.value
        for module in daemon
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    complain(sorted(noted - told), "docs/journal.md lacks a row for the event")
    complain(sorted(told - said), "docs/journal.md explains an event that nobody notes")


def _noted(tree: ast.Module) -> set[str]:
    """The events that a module notes by name: note("…", …) or Note("…", …), also of two words one."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            words = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
            if name in ("note", "Note"):
                found |= {each.value for each in words if isinstance(each, ast.Constant)}
    return found
