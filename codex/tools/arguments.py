"""A function call's arguments: JSON text from a model, so anything can be in it."""

from collections.abc import Sequence

from codex.base.errors import ToolFailure
from codex.base.jsontext import Json, JsonObject, decode
from codex.base.suggest import did_you_mean

_TOO_LARGE = 2**63
_MAX_DIGITS = 100


class BadArguments(ToolFailure):
    """The model sent arguments that the tool cannot take; the text says which and what was expected."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"failed to parse function arguments: {problem}")


class Arguments:
    """Typed access to the arguments; null counts as missing, as models send it for that."""

    def __init__(self, payload: str, known: Sequence[str]) -> None:
        try:
            value = decode(payload.encode("utf-8", "replace")) if payload.strip() else {}
        except ValueError as err:
            raise BadArguments(f"{err}; send one JSON object") from err
        if not isinstance(value, dict):
            raise BadArguments(f"expected a JSON object, got {_kind(value)}")
        self._values: JsonObject = value
        self._known = known
        before, _, last = payload.rpartition("\n")
        self._end = f" at line {before.count(chr(10)) + 1 + (len(last) < len(payload))} column {len(last.encode())}"

    def text(self, name: str) -> str | None:
        """The string at `name`, or None."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise BadArguments(f"`{name}` must be a string, got {_kind(value)}")

    def required_text(self, name: str) -> str:
        """The string at `name`, which must be there."""
        value = self.text(name)
        if value is None:
            strangers = [key for key in self._values if key not in self._known]
            hint = f" (unknown field `{strangers[0]}`{did_you_mean(strangers[0], self._known)})" if strangers else ""
            raise BadArguments(f"missing field `{name}`{self._end}{hint}")
        return value

    def choice(self, name: str, options: Sequence[str]) -> str | None:
        """The string at `name`, which must be one of `options`, or None."""
        value = self.text(name)
        if value is None or value in options:
            return value
        expected = ", ".join(f"`{option}`" for option in options)
        raise BadArguments(f"`{name}`: unknown variant `{value}`, expected one of {expected}")

    def flag(self, name: str, *, default: bool) -> bool:
        """The bool at `name`."""
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        raise BadArguments(f"`{name}` must be true or false, got {_kind(value)}")

    def whole(self, name: str) -> int | None:
        """The whole number at `name`, of 64 bits; `5.0` and `"5"` are taken too, since models write them."""
        value = self._values.get(name)
        if value is None:
            return None
        number = _whole(value)
        if number is None:
            raise BadArguments(f"`{name}` must be a whole number, got {_kind(value)}")
        if abs(number) >= _TOO_LARGE:
            raise BadArguments(f"`{name}` is out of range")
        return number

    def whole_or(self, name: str, default: int) -> int:
        """The whole number at `name`, or `default` where it is missing."""
        value = self.whole(name)
        return default if value is None else value

    def items(self, name: str) -> list[Json] | None:
        """The list at `name`, or None."""
        value = self._values.get(name)
        if value is None or isinstance(value, list):
            return value
        raise BadArguments(f"`{name}` must be a list, got {_kind(value)}")

    def texts(self, name: str) -> list[str] | None:
        """The list of strings at `name`, or None."""
        values = self.items(name)
        if values is None:
            return None
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(values):
            raise BadArguments(f"`{name}` must be a list of strings")
        return texts


def _whole(value: Json) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().removeprefix("-").isdecimal():
        return int(value) if len(value) < _MAX_DIGITS else _TOO_LARGE
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _kind(value: Json) -> str:
    names = {bool: "a bool", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return "null" if value is None else names[type(value)]
