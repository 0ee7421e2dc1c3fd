"""The exporter's errors.

planner.errors.InputError        bad input                                             (exit code 2)
├── ConfigError                  a configuration file that cannot be used
└── ListenError                  an address that cannot be listened on
"""

from __future__ import annotations

from planner.errors import InputError


class ConfigError(InputError):
    """A configuration is refused; `problems` holds one line each: file, key, value, what was expected."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ListenError(InputError):
    """The address cannot be listened on."""

    def __init__(self, host: str, port: int, problem: str) -> None:
        self.host = host
        self.port = port
        super().__init__(f"cannot listen on {host}:{port}: {problem}")
