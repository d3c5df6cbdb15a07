"""Checking script data: every fault is collected with its place, none stops the search for the next."""

import re
from collections.abc import Collection, Mapping
from typing import cast

from codex.base.jsontext import Json, JsonObject, encode
from codex.base.suggest import did_you_mean
from codex.model.scripted.script import Fault

_SHOWN = 60

# What a field may hold, by the name of its kind.
EXPECTED: Mapping[str, str] = {
    "text": "a string",
    "texts": "a string or a list of strings",
    "strings": "a list of strings",
    "count": "a whole number of at least 1",
    "number": "a whole number of at least 0",
    "seconds": "a number of seconds of at least 0",
    "flag": "true or false",
    "object": "an object",
    "json": "any value",
    "repeated": 'a list [TEXT, N], like ["word ", 20000]',
}


def shown(value: Json) -> str:
    """The value as it stands in the file, cut to a line."""
    text = encode(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_whole(value: Json, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_strings(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def fits(value: Json, kind: str) -> bool:
    """Whether the value is of the kind (a key of `EXPECTED`)."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "texts":
            return isinstance(value, str) or _are_strings(value)
        case "strings":
            return _are_strings(value)
        case "count":
            return _is_whole(value, 1)
        case "number":
            return _is_whole(value, 0)
        case "seconds":
            return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
        case "flag":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "repeated":
            return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and _is_whole(value[1], 0)
        case _:
            return True


class Checker:
    """Collects the faults of one script file."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, where: str, value: Json, expected: str) -> None:
        """Note that `value` at `where` is not what was expected."""
        self.faults.append(Fault(where, shown(value), expected))

    def obj(self, value: Json, where: str, expected: str = "an object") -> JsonObject | None:
        """The value when it is an object."""
        if isinstance(value, dict):
            return value
        self.fault(where, value, expected)
        return None

    def array(self, value: Json, where: str, expected: str = "a list") -> list[Json]:
        """The value when it is a list, else an empty one."""
        if isinstance(value, list):
            return value
        self.fault(where, value, expected)
        return []

    def fields(self, obj: JsonObject, kinds: Mapping[str, str], where: str, *, required: Collection[str] = ()) -> None:
        """Check that the object has only the fields of `kinds`, of these kinds, and all required ones."""
        for key, value in obj.items():
            kind = kinds.get(key)
            if kind is None:
                known = ", ".join(sorted(kinds))
                self.faults.append(
                    Fault(f"{where}.{key}", "an unknown field", f"one of {known}{did_you_mean(key, kinds)}")
                )
            elif not fits(value, kind):
                self.fault(f"{where}.{key}", value, EXPECTED[kind])
        for key in required:
            if key not in obj:
                self.faults.append(Fault(where, f"no field {key!r}", f"{key!r} to be {EXPECTED[kinds[key]]}"))

    def regex(self, value: Json, where: str) -> "re.Pattern[str] | None":
        """The value as a compiled regular expression."""
        if not isinstance(value, str):
            self.fault(where, value, "a regular expression")
            return None
        try:
            return re.compile(value)
        except re.error as err:
            self.fault(where, value, f"a regular expression ({err})")
            return None


def seconds(obj: JsonObject, key: str, default: float = 0.0) -> float:
    """The duration at `key`, checked before."""
    value = obj.get(key)
    return float(cast("float", value)) if fits(value, "seconds") and value is not None else default
