"""Playing a script, as a pure machine: a request comes in, the answer goes out.

    position of (thread key, script) --answer--> the next turn whose condition holds
    past the last turn: from the start again (`loop`), else `on_end`, else a text that says so
Law: every request uses up one turn, also one answered by an error.  Not decided here: time, sockets, dialects.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from codex.base.jsontext import Json, JsonObject, encode_bytes, get_int, get_object, get_str
from codex.model.scripted import _references
from codex.model.scripted._conditions import holds
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted._select import NoScript, select
from codex.model.scripted.events import Answered
from codex.model.scripted.script import NamedScript, Script, Turn

_MAX_POSITIONS = 65_536
_INDEX = re.compile(r"\$i(?![A-Za-z])")


@attrs.frozen
class Stream:
    """Answer with items."""

    answered: Answered
    label: str
    delay: float = 0.0


@attrs.frozen
class Refuse:
    """Answer with an HTTP error."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    label: str
    delay: float = 0.0


@attrs.frozen
class Reset:
    """Reset the connection before any header."""

    label: str
    delay: float = 0.0


Answer: TypeAlias = Stream | Refuse | Reset


class Player:
    """Answers requests from one script; keeps the position of every thread in every named script.

    The positions of the 65,536 threads that asked last are kept; a thread forgotten starts again.
    """

    def __init__(self, script: Script, environ: Mapping[str, str]) -> None:
        self.script = script
        self._environ = environ
        self._positions: OrderedDict[tuple[str, str], int] = OrderedDict()

    def answer(self, request: ScriptedRequest) -> Answer:
        """The answer to the request; what is wrong with the script or the request becomes an HTTP 400."""
        try:
            named = select(self.script, request)
        except NoScript as err:
            return _script_error(str(err), "-")
        turn, index, label = self._next(named, request)
        if turn is None:
            return self._at_end(named, request)
        try:
            return self._play(turn, index, label, request)
        except _references.UnresolvedReference as err:
            return _script_error(f"script {named.name!r}, {turn.where}: {err}", label)

    def _next(self, named: NamedScript, request: ScriptedRequest) -> tuple[Turn | None, int | None, str]:
        key = (request.thread_key, named.name)
        position = self._positions.get(key, 0)
        for _ in range(len(named.turns)):
            if named.loop:
                position %= len(named.turns)
            if position >= len(named.turns):
                break
            turn, index = named.turns[position]
            position += 1
            if holds(turn.condition, request):
                self._keep(key, position)
                return turn, index, f"{named.name}[{position - 1}]"
        self._keep(key, position)
        return None, None, ""

    def _keep(self, key: tuple[str, str], position: int) -> None:
        self._positions[key] = position
        self._positions.move_to_end(key)
        if len(self._positions) > _MAX_POSITIONS:
            self._positions.popitem(last=False)

    def _at_end(self, named: NamedScript, request: ScriptedRequest) -> Answer:
        label = f"{named.name}[end]"
        if named.on_end is None:
            text: JsonObject = {"type": "text", "text": f"(mock: script {named.name} is at its end)"}
            return Stream(Answered((text,), request.model, request.size), label)
        try:
            return self._play(named.on_end, None, label, request)
        except _references.UnresolvedReference as err:
            return _script_error(f"script {named.name!r}, {named.on_end.where}: {err}", label)

    def _play(self, turn: Turn, index: int | None, label: str, request: ScriptedRequest) -> Answer:
        if turn.alternatives:
            for n, alternative in enumerate(turn.alternatives):
                if holds(alternative.condition, request):
                    return self._play(alternative, index, f"{label}.{n}", request)
            return _script_error(f"{turn.where}: no alternative of 'choose' fits this request", label)
        if turn.cut_before_headers:
            return Reset(label, turn.delay_before)
        if turn.error is not None:
            return _refuse(self._fill(turn.error, turn, index, request), turn, label)
        items = tuple(
            self._fill(item.fields, turn, index, request) for item in turn.items if holds(item.condition, request)
        )
        answered = Answered(items, request.model, request.size, turn.usage, turn.end_turn, turn.events_per_write)
        return Stream(answered, label, turn.delay_before)

    def _fill(self, fields: JsonObject, turn: Turn, index: int | None, request: ScriptedRequest) -> JsonObject:
        if index is not None:
            fields = {key: _numbered(value, str(index)) for key, value in fields.items()}
        if turn.has_references:
            fields = _references.resolve_object(fields, request, self._environ)
        return fields


def _numbered(value: Json, index: str) -> Json:
    match value:
        case str():
            return _INDEX.sub(index, value) if "$i" in value else value
        case list():
            return [_numbered(part, index) for part in value]
        case dict():
            return {key: _numbered(part, index) for key, part in value.items()}
        case _:
            return value


def _refuse(error: JsonObject, turn: Turn, label: str) -> Refuse:
    status = get_int(error, "http_status", 500)
    given = error.get("http_body")
    if isinstance(given, str):
        body = given.encode()
    elif given is not None:
        body = encode_bytes(given)
    else:
        message = get_str(error, "message", f"scripted error {status}")
        kind, code = get_str(error, "error_type", "mock_error"), error.get("error_code")
        body = encode_bytes({"error": {"message": message, "type": kind, "code": code}})
    headers = {name: value for name, value in get_object(error, "http_headers").items() if isinstance(value, str)}
    return Refuse(status, body, headers, label, turn.delay_before)


def _script_error(message: str, label: str) -> Refuse:
    body = encode_bytes({"error": {"message": message, "type": "script_error", "code": "script_error"}})
    return Refuse(400, body, {}, label)
