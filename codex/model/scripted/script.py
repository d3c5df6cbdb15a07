"""A script as data: what the scripted model answers, checked and frozen; nothing in it is code.

A `Script` is one file: named scripts, the rules that choose between them, and the models it pretends to serve.
One turn answers one request.
"""

import re
from typing import Literal, TypeAlias

import attrs

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject

RulePlace: TypeAlias = Literal["last", "all", "instructions", "body"]
COMPACT = "__compact__"


@attrs.frozen
class Fault:
    """One thing wrong in a script: where, the value, what was expected there."""

    where: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: got {self.value}, expected {self.expected}"


class ScriptError(UserError):
    """A script cannot be used; every fault found in it is named."""

    def __init__(self, source: str, faults: tuple[Fault, ...]) -> None:
        lines = [f"the model script {source} cannot be used:", *(f"  {fault}" for fault in faults)]
        lines.append("  (the format: docs/reference/scripted-model.md)")
        super().__init__("\n".join(lines))
        self.source, self.faults = source, faults


@attrs.frozen
class Condition:
    """Something that holds or not for one request; `parts` are the members of `all`, `any` and `not`."""

    test: Literal["out", "any_out", "last_out", "prompt", "agent", "all", "any", "not"]
    call_id: str = ""
    pattern: "re.Pattern[str] | None" = None
    parts: "tuple[Condition, ...]" = ()


@attrs.frozen
class Item:
    """One item of a turn as it stands in the file; it is left out where its condition does not hold."""

    fields: JsonObject
    where: str
    condition: Condition | None = None


@attrs.frozen
class Turn:
    """The answer to one request: items, or an error, or a cut, or the first alternative that fits.

    A turn whose condition does not hold is passed over without using up a request.
    """

    where: str
    items: tuple[Item, ...] = ()
    condition: Condition | None = None
    alternatives: "tuple[Turn, ...]" = ()
    error: JsonObject | None = None
    usage: JsonObject | None = None
    delay_before: float = 0.0
    cut_before_headers: bool = False
    end_turn: bool | None = None
    events_per_write: int = 1
    has_references: bool = False


@attrs.frozen
class NamedScript:
    """A list of turns; with each the index of its repetition, None outside one."""

    name: str
    turns: tuple[tuple[Turn, int | None], ...]
    loop: bool = False
    on_end: Turn | None = None


@attrs.frozen
class Rule:
    """Chooses a script by what the request says or by which agent asks; both must hold where both are given."""

    script: str
    pattern: "re.Pattern[str] | None" = None
    place: RulePlace = "last"
    agent: str | None = None


@attrs.frozen
class Script:
    """A whole script file."""

    source: str
    scripts: dict[str, NamedScript]
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    models: tuple[JsonObject, ...] = ()
