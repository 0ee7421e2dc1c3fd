"""Membership and the hot path: standard library and its own compiled kernel, nothing else."""

VERSION = "0.1.0"
"""Of the program; the same as in pyproject.toml."""
