"""Façade of the compiled kernels: the only way in. Knows no policy."""
