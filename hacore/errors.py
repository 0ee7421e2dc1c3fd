"""The daemon's errors: what ends a command of `xenhad` with one line and an exit code (DESIGN §5.6).

XenhadError
├── InputError                   wrong usage or bad input                                      (exit code 2)
│   ├── ConfigError              a configuration that cannot be used, a line a problem
│   ├── StatefileError           a volume that holds something else than this pool's statefile
│   └── MetadataError            a volume that holds something else than this pool's metadata
├── Refused                      the answer is no                                              (exit code 1)
│   ├── StaleWriter              somebody of a later epoch writes the metadata volume
│   └── MetadataFull             what is newest does not fit into half a metadata volume
└── Unreachable                  somebody who must answer does not                             (exit code 3)
    ├── DaemonUnreachable        no daemon at the control socket, or it is silent
    └── DeviceUnreachable        a volume, watchdog or socket that cannot be opened or used
"""

from __future__ import annotations


class XenhadError(Exception):
    """Something that people can do something about; its text is one line."""

    exit_code = 2


class InputError(XenhadError):
    """Wrong usage or bad input."""


class ConfigError(InputError):
    """A configuration is refused; `problems` holds one line each: file, key, value, what was expected."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class StatefileError(InputError):
    """The volume holds something else than this pool's statefile."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")


class MetadataError(InputError):
    """The volume holds something else than this pool's metadata."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")


class Refused(XenhadError):
    """The answer is no."""

    exit_code = 1


class StaleWriter(Refused):
    """Somebody of a later epoch, or another leader of the same, writes the metadata volume."""

    def __init__(self, path: str, epoch: int, newest: int, writer: int) -> None:
        self.path = path
        self.epoch = epoch
        self.newest = newest
        super().__init__(f"{path}: epoch {epoch} is over: host {writer} has written in epoch {newest}")


class MetadataFull(Refused):
    """What is newest does not fit into half a metadata volume."""

    def __init__(self, path: str, wanted_bytes: int, half_bytes: int) -> None:
        self.path = path
        super().__init__(f"{path}: the newest records take {wanted_bytes} bytes; half of it has {half_bytes}")


class Unreachable(XenhadError):
    """Somebody who must answer does not."""

    exit_code = 3


class DaemonUnreachable(Unreachable):
    """No daemon answers at the control socket."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: the daemon cannot be reached: {problem}")


class DeviceUnreachable(Unreachable):
    """A volume, watchdog or socket cannot be opened or used."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")
