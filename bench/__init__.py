"""How fast, how often proven, how large: every promise measured in one place. `python -m bench`."""
