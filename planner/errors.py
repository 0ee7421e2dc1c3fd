"""The planner's errors, one leaf a cause.

PlannerError
├── InputError            bad input: which file, which key, what was expected      (exit code 2)
│   ├── PoolFileError     a pool file that is not one
│   ├── SourceError       a SOURCE that names nothing
│   └── UnknownHostError  a host that the pool does not have, or a name that two have
├── PoolUnreachable       the pool's API cannot be reached or refuses us           (exit code 3)
└── PlanRejected          the independent verifier refused a plan: a bug, never shown as a plan

"No plan" and "unknown" are results, not errors.
"""

from __future__ import annotations


class PlannerError(Exception):
    """The root of all errors that the planner raises on purpose."""


class InputError(PlannerError):
    """Bad input; the message is one line and says what was expected."""


class PoolFileError(InputError):
    """A pool file is refused."""

    def __init__(self, origin: str, key: str, problem: str) -> None:
        self.origin = origin
        self.key = key
        self.problem = problem
        super().__init__(f"{origin}: {key}: {problem}" if key else f"{origin}: {problem}")


class SourceError(InputError):
    """A SOURCE names nothing that could be read."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        self.problem = problem
        super().__init__(f"{source}: {problem}")


class UnknownHostError(InputError):
    """A host is asked for that the pool does not have, or by a name that several have."""

    def __init__(
        self, host: str, pool_name: str, *, candidates: tuple[str, ...] = (), option: str = "--fail"
    ) -> None:
        self.host = host
        self.candidates = candidates
        if candidates:
            problem = f"{len(candidates)} hosts have this name; use a uuid: {', '.join(candidates)}"
        else:
            problem = f"no such host in pool {pool_name}; expected a host's uuid or unique name"
        super().__init__(f"{option} {host}: {problem}")


class PoolUnreachable(PlannerError):
    """The pool's API cannot be reached, or refuses us."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        self.problem = problem
        super().__init__(f"{url}: {problem}")


class PlanRejected(PlannerError):
    """The independent verifier refused what a solver said."""

    def __init__(self, violations: tuple[str, ...]) -> None:
        self.violations = violations
        super().__init__(f"plan refused by the verifier: {'; '.join(violations)}")
