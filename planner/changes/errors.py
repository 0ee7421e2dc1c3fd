"""Why a change cannot be read or made: one sentence each, with the change as it was typed."""

from __future__ import annotations

from planner.errors import InputError


class ChangeError(InputError):
    """A change that cannot be made to this pool, or is none."""

    def __init__(self, text: str, problem: str) -> None:
        self.text = text
        self.problem = problem
        super().__init__(f"{text}: {problem}")
