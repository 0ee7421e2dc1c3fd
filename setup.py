"""Build the compiled kernels; everything else about the package is in pyproject.toml.

XENHA_DEBUG=1 builds with bounds checks, initialised-check and assertions on (`make debug`): the same tests
run on both builds. Generated C stays out of the tree, and apart: no build may take the other's for its own.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("XENHA_DEBUG") == "1"
KERNEL = Path("hacore/kernel")

DIRECTIVES = {
    "language_level": 3,
    "binding": True,
    "embedsignature": True,
    "autotestdict": False,
    "cdivision": not DEBUG,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "show_performance_hints": not DEBUG,
}

EXTENSIONS = [
    Extension(
        ".".join(source.with_suffix("").parts),
        [str(source)],
        extra_compile_args=["-Wall", "-Wextra", "-O0" if DEBUG else "-O2"],
        undef_macros=["NDEBUG"] if DEBUG else [],
    )
    for source in sorted(KERNEL.glob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        EXTENSIONS,
        compiler_directives=DIRECTIVES,
        build_dir=f"build/cython-{'debug' if DEBUG else 'release'}",
    )
)
