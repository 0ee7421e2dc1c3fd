"""Membership and the hot path: standard library and its own compiled kernel, nothing else."""
