"""XAPI's own errors: a code and string parameters, as clients see them in ErrorDescription.

Codes and parameter orders are those of xapi's datamodel_errors. Whatever a client sends, this is the only
exception that a call may end with; it must never carry a traceback.
"""

from __future__ import annotations


class XapiError(Exception):
    """A call failed with `code` and `params`, all strings."""

    def __init__(self, code: str, *params: object) -> None:
        self.code = code
        self.params = tuple(str(param) for param in params)
        super().__init__(" ".join((code, *self.params)))

    @property
    def description(self) -> list[str]:
        """Return ErrorDescription: the code, then the parameters."""
        return [self.code, *self.params]


def handle_invalid(class_name: str, ref: object) -> XapiError:
    """Return the error for a reference that names nothing."""
    return XapiError("HANDLE_INVALID", class_name, ref)


def bad_power_state(ref: str, expected: str, actual: str) -> XapiError:
    """Return the error for a VM in the wrong state; `expected` and `actual` in lower case, as xapi does."""
    return XapiError("VM_BAD_POWER_STATE", ref, expected, actual.lower())
