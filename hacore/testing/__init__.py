"""Fakes at every door of the daemon, and the deterministic simulator built from them.

Shipped with the daemon: they are the proof. One seed is one world: n machines on fake clocks, one fake disk,
one fake network, fake watchdogs. Nothing in here reads a clock or chance of its own; time is an integer,
chance a `random.Random` that is passed in.
"""
