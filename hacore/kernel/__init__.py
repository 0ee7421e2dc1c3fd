"""The compiled hot path; knows no policy. Ways in: `planning` for the planner, `native` for the daemon.

Imports nothing by itself: a daemon does not pay for the planner's kernels, nor the planner for the pump.
"""
