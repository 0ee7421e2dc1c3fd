"""Options that come in groups: a command takes one value a group, and has every option of it.

A group is a dataclass whose fields have defaults and are annotated as Typer wants parameters to be. Decides
nothing about what options mean; the groups are in `options` and `counting`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

from exporter.cli.options import Debug


def flat(command: Callable[..., int]) -> Callable[..., int]:
    """Return the command as Typer wants it: a parameter for each field of its groups, and --debug at last."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}

    def called(debug: bool, **given: Any) -> int:  # --debug is obeyed where it is parsed
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return command(**given, **made)

    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name in groups:
            parameters += _of(groups[name])
        else:
            parameters.append(_keyword(name, hints[name], parameter.default))
    parameters.append(_keyword("debug", Debug, False))
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return called


def _of(group: type) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [_keyword(field.name, hints[field.name], field.default) for field in fields(group)]


def _keyword(name: str, hint: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=default)
