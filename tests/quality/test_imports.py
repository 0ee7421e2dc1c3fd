"""Who may import whom (DESIGN §4). import-linter checks the layers; these rules need more than layers."""

from __future__ import annotations

import re
import sys

HOMES = {
    "ortools": ("planner/placement/solver.py",),
    "XenAPI": ("planner/inventory/xenapi.py",),
    "time": ("hacore/clock.py",),
    "prometheus_client": ("exporter/collect.py", "exporter/exposition.py"),
    "prometheus_client.registry": ("exporter/exposition.py",),
    "prometheus_client.REGISTRY": (),
    "typer": ("exporter/cli/",),
    "rich": ("exporter/cli/",),
    "jinja2": ("exporter/page/",),
    "uvicorn": ("exporter/listening.py", "exporter/patience.py"),
    "pydantic": ("planner/inventory/", "exporter/"),
    "lab": ("lab/", "exporter/cli/lab.py"),
}
"""What only these files and folders of the packages may import."""

PLANNER_MAY_SEE = ("hacore.clock", "hacore.kernel", "hacore.status", "hacore.failsets")
DECIDERS = (
    "planner/constraints/",
    "planner/tolerance/",
    "planner/placement/",
    "planner/restart.py",
    "planner/restarting.py",
    "planner/losses.py",
    "planner/schedule/",
    "planner/explain/",
    "planner/changes/",
    "planner/whatif.py",
    "planner/headroom.py",
    "planner/drain.py",
    "planner/agility.py",
    "planner/compat/",
    "hacore/core/",
)
SHELLS = (
    "socket",
    "threading",
    "subprocess",
    "asyncio",
    "http",
    "urllib",
    "pathlib",
    "os",
    "random",
    "datetime",
)

TWINS = ("_reference", "_beats")
"""The slow twins of the kernels."""


def top(name: str) -> str:
    return name.split(".", 1)[0]


def homes_of(name: str) -> tuple[str, ...] | None:
    """The homes of the longest part of `name` that has any; None: it may be imported anywhere."""
    parts = name.split(".")
    heads = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((HOMES[head] for head in heads if head in HOMES), None)


def at(homes: tuple[str, ...], path: str) -> bool:
    return any(path.startswith(home) if home.endswith("/") else path == home for home in homes)


def test_some_imports_have_one_home(project, complain):
    broken = [
        f"{module.path}:{line} imports {name}; its home is {', '.join(homes) or 'nowhere'}"
        for module in project.packaged
        for name, line in module.imports()
        if (homes := homes_of(name)) is not None and not at(homes, module.path)
    ]
    complain(broken, "take what you need as an argument, or ask its home for it")


def test_every_home_that_is_a_file_exists(project, complain):
    homes = {home for homes in HOMES.values() for home in homes if not home.endswith("/")}
    complain(sorted(homes - set(project.files)), "HOMES in this file names files that are gone")


def test_the_planner_sees_only_the_facade_of_the_kernel(project, complain):
    """`from hacore.kernel.planning import f` is fine, `hacore.kernel._x` is not.

    `lab.watchdog` holds one door of the daemon against real drivers: it needs that door.
    """
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        if module.package != "hacore" and not module.path.startswith("lab/watchdog/")
        for name, line in module.imports()
        if top(name) == "hacore" and (not name.startswith(PLANNER_MAY_SEE) or "._" in name)
    ]
    complain(broken, f"outside hacore only {', '.join(PLANNER_MAY_SEE)} may be used, no private modules")


def test_compiled_modules_are_reached_through_the_facade(project, complain):
    compiled = [p.removesuffix(".pyx").replace("/", ".") for p in project.files if p.endswith(".pyx")]
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        if not module.path.startswith("hacore/kernel/")
        for name, line in module.imports()
        if any(name == door or name.startswith(f"{door}.") for door in compiled)
    ]
    complain(broken, "import from hacore.kernel: its façade is the only way in")


def test_the_slow_twins_are_for_tests_only(project, complain):
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        for name, line in module.imports()
        if name.rsplit(".", 1)[-1] in TWINS
    ]
    complain(broken, "production uses the compiled kernel; the twins are its oracle in tests")


def test_hacore_needs_the_standard_library_only(project, complain):
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        if module.package == "hacore"
        for name, line in module.imports()
        if top(name) not in sys.stdlib_module_names and top(name) != "hacore"
    ]
    complain(broken, "a daemon that fences must not depend on third-party packages")


PYX_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.MULTILINE)


def test_pyx_files_import_only_c_and_the_kernel(project, complain):
    """import-linter cannot see inside .pyx."""
    broken = [
        f"{path} imports {name}"
        for path in project.files
        if path.endswith((".pyx", ".pxd"))
        for match in PYX_IMPORT.finditer(project.text(path))
        if (name := match[1] or match[2])
        and top(name) not in {"libc", "cpython", "cython", "__future__"}
        and not name.startswith("hacore.kernel")
    ]
    complain(broken, "a kernel knows C and other kernels, nothing else")


def test_deciding_code_touches_no_world(project, complain):
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.packaged
        if at(DECIDERS, module.path)
        for name, line in module.imports()
        if top(name) in SHELLS
    ]
    complain(broken, "what decides takes time, chance and the world as arguments (STYLE 1)")


def test_tests_patch_nothing_and_never_sleep(project, complain):
    forbidden = {"unittest.mock", "time.sleep"}
    broken = [
        f"{module.path}:{line} imports {name}"
        for module in project.modules
        if module.package in {"tests", "bench"}
        for name, line in module.imports()
        if name in forbidden or name.startswith("unittest.mock.")
    ]
    complain(broken, "fakes stand at doors; wait on an event, condition or socket with a timeout")
