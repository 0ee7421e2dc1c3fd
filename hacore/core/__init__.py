"""Decisions of the daemon, sans-IO: events in, effects out. No clock, no socket, no file, no thread."""
