"""Malformed and out-of-order messages for an app-server, made of a random source.

Paths and commands come from small lists, since a server does what it is told: nothing outside of the given place is
written to or removed, and no command does anything.
"""

import functools
import json
import random
import string
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS
from codex.app_server.wire import Unset
from codex.base.jsontext import Json, JsonObject

_ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1 << 63,
    1 << 200,
    1.5,
    1e308,
    "",
    "x",
    "\0",
    "ä" * 50,
    "\ud800",
    [],
    {},
    [[]],
]
_ODD += [
    {"type": "x"},
    {"type": None},
    {"type": "text", "text": 1},
    "01a20539-4afb-79b0-8aa3-8f73ebcc6bcd",
    "a" * 5_000,
]
_METHODS = sorted(REQUESTS)


@attrs.define
class Known:
    """What the server said so far, so that messages can be about what exists."""

    place: Path
    threads: list[str] = attrs.field(factory=list[str])
    turns: list[str] = attrs.field(factory=list[str])
    next_id: int = 10

    def heard(self, result: Any) -> None:
        """Learn from an answer."""
        if not isinstance(result, dict):
            return
        for kind, ids in (("thread", self.threads), ("turn", self.turns)):
            one = result.get(kind)
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                ids.append(one["id"])
                del ids[:-20]


@attrs.frozen
class Message:
    """What is sent, and the id under which exactly one answer must come; None where none need come."""

    text: bytes
    answered: str | int | None = None


def message(rng: random.Random, known: Known) -> Message:
    """One message: well-formed and possible, well-formed and senseless, or nonsense."""
    kind = rng.randrange(20)
    if kind < 13:
        return _request(rng, known)
    if kind < 15:
        return _answer(rng)
    if kind == 15:
        return Message(_text({"method": rng.choice(["initialized", "x", *NOTIFICATIONS]), "params": _value(rng)}))
    if kind == 16:
        return Message(_text({name: _value(rng) for name in rng.sample(["id", "method", "params", "result", "x"], 3)}))
    return Message(_nonsense(rng, known))


def _request(rng: random.Random, known: Known) -> Message:
    known.next_id += 1
    request_id: str | int = known.next_id if rng.random() < 0.7 else f"id-{known.next_id}"
    method = rng.choice(_METHODS)
    params: Json | None = None
    spec = REQUESTS[method]
    if spec.params_name:
        params = _params(rng, known, spec.params)
    if rng.random() < 0.1:
        method = rng.choice([method[:-1], method + "/x", method.upper(), "", "thread/", "x" * 3_000, "\ud800", "rpc.x"])
    body: JsonObject = {"id": request_id, "method": method}
    if params is not None or rng.random() < 0.3:
        body["params"] = params
    if rng.random() < 0.05:
        body["jsonrpc"] = "2.0"
    text = _text(body)
    # Half a surrogate pair is no JSON text, so nobody can know the id of what holds one.
    return Message(text, None if b"\\ud800" in text else request_id)


def _params(rng: random.Random, known: Known, cls: Any) -> Json:
    value = _of(rng, known, cls, "", 0)
    if rng.random() < 0.35:
        value = _spoilt(rng, value)
    return value


def _spoilt(rng: random.Random, value: Json) -> Json:
    """The value with one thing wrong in it."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.3:
            return {name: one for name, one in value.items() if name != key}
        if key in ("path", "sourcePath", "destinationPath", "cwd", "command", "keyPath", "filePath", "edits"):
            return {**value, key: rng.choice([None, 1, [], {}, "", "\0"])}
        return {**value, key: _spoilt(rng, value[key]) if rng.random() < 0.5 else _value(rng)}
    return _value(rng)


@functools.cache
def _fields(cls: Any) -> list[tuple[str, Any, bool]]:
    """The fields of a class of the API: name on the wire, type, whether it must be there."""
    hints = typing.get_type_hints(cls, localns={"Json": object}, include_extras=True)
    found: list[tuple[str, Any, bool]] = []
    for field in attrs.fields(cls):
        head, *tail = field.name.split("_")
        found.append((head + "".join(map(str.capitalize, tail)), hints[field.name], field.default is attrs.NOTHING))
    return found


def _of(rng: random.Random, known: Known, kind: Any, name: str, depth: int) -> Any:
    """A value of a type that a field has."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(rng, known)
    if attrs.has(kind):
        return _object(rng, known, kind, depth)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _of(rng, known, inner[0], name, depth)
    if origin is typing.Literal:
        return rng.choice(inner)
    if origin in (typing.Union, types.UnionType):
        return _of(rng, known, rng.choice([one for one in inner if one is not Unset]), name, depth)
    if origin in (tuple, list):
        return [_of(rng, known, inner[0], name, depth + 1) for _ in range(rng.randrange(3) if depth < 4 else 0)]
    if origin is dict:
        return {rng.choice("abc"): _of(rng, known, inner[1], "", depth + 1)} if rng.random() < 0.5 else {}
    return {str: _word, int: _number, float: _number, bool: lambda one: one.random() < 0.5}.get(kind, _value)(rng)


def _object(rng: random.Random, known: Known, cls: Any, depth: int) -> JsonObject:
    made: JsonObject = {}
    tag = getattr(cls, "type", None)
    if isinstance(tag, str):
        made["type"] = tag
    for name, kind, required in _fields(cls):
        if name != "type" and (required or (rng.random() < 0.2 and depth < 3)):
            made[name] = _of(rng, known, kind, name, depth + 1)
    return made


def _thread(rng: random.Random, known: Known) -> str:
    return rng.choice([*known.threads[-6:], *known.threads[-6:], "01a20539-4afb-79b0-8aa3-8f73ebcc6bcd", _word(rng)])


def _turn(rng: random.Random, known: Known) -> str:
    return rng.choice([*known.turns[-6:], _word(rng)])


def _path(rng: random.Random, known: Known) -> str:
    return str(known.place / "files" / rng.choice(["a", "b", "a/b", "ä", "x" * 300]))


def _cwd(rng: random.Random, known: Known) -> str:
    return str(known.place / rng.choice(["repo", "files", "nowhere"]))


def _command(rng: random.Random, known: Known) -> Any:
    return rng.choice([["true"], ["echo", "x"], ["no-such-program"], [], [""], "true"])


_SPECIAL: dict[str, Callable[[random.Random, Known], Any]] = {
    "threadId": _thread,
    "turnId": _turn,
    "expectedTurnId": _turn,
    "beforeTurnId": _turn,
    "lastTurnId": _turn,
    "path": _path,
    "sourcePath": _path,
    "destinationPath": _path,
    "filePath": lambda rng, known: None,
    "cwd": _cwd,
    "cwds": lambda rng, known: [_cwd(rng, known)],
    "roots": lambda rng, known: [str(known.place / "files")],
    "extraRoots": lambda rng, known: [],
    "writableRoots": lambda rng, known: [str(known.place / "files")],
    "runtimeWorkspaceRoots": lambda rng, known: None,
    "command": _command,
    "dataBase64": lambda rng, known: rng.choice(["", "eA==", "x", "ä"]),
    "keyPath": lambda rng, known: rng.choice(["model_verbosity", "tui.theme", "", "a..b", "x" * 50]),
    "timeoutMs": lambda rng, known: rng.choice([0, 1, 500, -1, None]),
}


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_letters + " -ä/\n", k=rng.randrange(12))).replace("/", "_")


def _number(rng: random.Random) -> int:
    return rng.choice([0, 1, 2, 25, 1_000, -1, 1 << 31, 1 << 40])


def _value(rng: random.Random) -> Json:
    return rng.choice(_ODD)


def _answer(rng: random.Random) -> Message:
    results: list[JsonObject] = [
        {"result": {"decision": rng.choice(["accept", "decline", "cancel", "x", 1])}},
        {"result": _value(rng)},
        {"error": {"code": 1, "message": "no"}},
        {"error": _value(rng)},
        {},
    ]
    return Message(_text({"id": rng.choice([0, 1, 2, 3, -1, 10**20, "0", None, [], 1.0]), **rng.choice(results)}))


def _nonsense(rng: random.Random, known: Known) -> bytes:
    whole = _request(rng, known).text
    cut = rng.randrange(len(whole))
    return rng.choice(
        [
            whole[:cut].rstrip(b"}") or b"{",
            bytes([*whole[:cut], rng.choice(b'{}[]":,\\x'), *whole[cut + 1 :]]).replace(b'"id"', b'"i"'),
            b"[" * rng.choice([1, 100, 50_000]),
            b'{"a":' * rng.choice([1, 100, 50_000]),
            b"[]",
            b"null",
            b'"x"',
            b"1e999",
            b'{"id":1,"id":2}',
            b"\xff\xfe{}",
            b"{" + b" " * rng.randrange(10_000) + b"}",
            rng.randbytes(rng.randrange(1, 200)).replace(b"\n", b" "),
            b'{"method":"initialized","params":{}}',
            b'{"id":' + b"9" * rng.choice([20, 5_000]) + b',"method":"thread/list","params":{}}',
        ]
    )


def _text(body: object) -> bytes:
    return json.dumps(body).encode()  # ASCII: lone surrogates are escaped
