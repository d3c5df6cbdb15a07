"""The functions of rules files: their parameters, and a call's arguments bound to them.  Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, Union

import attrs

from codex.base.suggest import did_you_mean
from codex.execpolicy._tokens import Problem, Token

Value: TypeAlias = Union[str, int, None, "list[Value]"]
"""What an expression may be; booleans are among the numbers, as Python has it."""


@attrs.frozen
class Parameter:
    """One parameter of a function; `about` is for people."""

    name: str
    kind: Literal["a string", "a list", "a boolean"]
    about: str
    required: bool = False


_JUSTIFICATION = Parameter("justification", "a string", "why; shown when the rule asks or refuses")

SIGNATURES: Mapping[str, Sequence[Parameter]] = {
    "prefix_rule": (
        Parameter("pattern", "a list", "the first words of a command; a list in it gives alternatives", required=True),
        Parameter("decision", "a string", '"allow" (without it), "prompt" or "forbidden"'),
        Parameter("match", "a list", "commands that must match, each a string or a list of words; checked on reading"),
        Parameter("not_match", "a list", "commands that must not match; checked on reading"),
        _JUSTIFICATION,
        Parameter("canonical_matching", "a boolean", "with `True` small and capital letters are the same"),
    ),
    "host_executable": (
        Parameter("name", "a string", "the name of a program, without a directory", required=True),
        Parameter("paths", "a list", "the absolute paths that may stand for the name", required=True),
    ),
    "network_rule": (
        Parameter("host", "a string", "one host or address, no wildcards; a port is ignored", required=True),
        Parameter("protocol", "a string", '"http", "https", "socks5_tcp" or "socks5_udp"', required=True),
        Parameter("decision", "a string", '"allow", "prompt", "forbidden"; "deny" is "forbidden"', required=True),
        _JUSTIFICATION,
    ),
}


@attrs.frozen
class Argument:
    """One argument as written; `name` is empty for a positional one, `token` is where it starts."""

    name: str
    value: Value
    token: Token


class Bound:
    """The arguments of one call by parameter, of the right kinds."""

    def __init__(self, function: Token, arguments: Sequence[Argument]) -> None:
        """Bind them.

        Raises:
          Problem: at the argument that does not fit, or at the function when one is missing.
        """
        self._function = function
        self._given: dict[str, Argument] = {}
        parameters = SIGNATURES[function.text]
        for position, argument in enumerate(arguments):
            parameter = self._parameter(position, argument)
            if parameter.name in self._given:
                raise _problem(argument.token, f"{parameter.name!r} is given twice")
            if kind_of(argument.value) != parameter.kind:
                found = kind_of(argument.value)
                raise _problem(argument.token, f"{parameter.name!r} must be {parameter.kind}, not {found}")
            self._given[parameter.name] = argument
        missing = [repr(parameter.name) for parameter in parameters if parameter.required]
        missing = [name for name in missing if name[1:-1] not in self._given]
        if missing:
            raise _problem(function, f"{function.text} needs {' and '.join(missing)}")

    def _parameter(self, position: int, argument: Argument) -> Parameter:
        parameters = SIGNATURES[self._function.text]
        if argument.name:
            names = [parameter.name for parameter in parameters]
            if argument.name in names:
                return parameters[names.index(argument.name)]
            hint = did_you_mean(argument.name, names) or f"; there are: {', '.join(names)}"
            raise _problem(argument.token, f"{self._function.text} has no argument {argument.name!r}{hint}")
        if any(given.name for given in self._given.values()):
            raise _problem(argument.token, "a positional argument stands behind a named one; name it too")
        if position >= len(parameters):
            raise _problem(argument.token, f"{self._function.text} takes {len(parameters)} arguments at most")
        return parameters[position]

    def problem(self, parameter: str, text: str) -> Problem:
        """Something is wrong with the argument of a parameter."""
        return _problem(self._given[parameter].token if parameter in self._given else self._function, text)

    def text(self, parameter: str) -> str | None:
        """The string that was given."""
        value = self._given[parameter].value if parameter in self._given else None
        return value if isinstance(value, str) else None

    def flag(self, parameter: str) -> bool:
        """Whether True was given."""
        return parameter in self._given and self._given[parameter].value is True

    def values(self, parameter: str) -> Sequence[Value]:
        """The elements of the list that was given; none without one."""
        value = self._given[parameter].value if parameter in self._given else None
        return value if isinstance(value, list) else ()


def kind_of(value: Value) -> str:
    """What a value is called in messages."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, list):
        return "a list"
    return "a string" if isinstance(value, str) else "None" if value is None else "a number"


def _problem(token: Token, text: str) -> Problem:
    return Problem(text, token.line, token.column)
