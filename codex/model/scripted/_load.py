"""Reading a script from its file."""

import json
from pathlib import Path
from typing import Any, cast

from codex.base.jsontext import Json
from codex.model.scripted._parse import parse_script
from codex.model.scripted.script import Fault, Script, ScriptError

_MAX_BYTES = 64 * 1024 * 1024


def load_script(path: str | Path) -> Script:
    """The script in a JSON or TOML file (by its ending `.toml`), checked.

    Raises:
      ScriptError: the file cannot be read, or names every fault in it.
    """
    source = str(path)
    try:
        if Path(path).stat().st_size > _MAX_BYTES:
            raise ScriptError(source, (Fault("the file", "more", f"at most {_MAX_BYTES} bytes"),))
        data = Path(path).read_bytes()
    except OSError as err:
        raise ScriptError(source, (Fault("the file", err.strerror or str(err), "a readable file"),)) from err
    try:
        text = data.decode()
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise ScriptError(source, (Fault(f"line {line}", repr(data[err.start : err.end]), "UTF-8"),)) from err
    return parse_script(_toml(text, source) if source.endswith(".toml") else _json(text, source), source)


def _json(text: str, source: str) -> Json:
    faults: list[Fault] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: json's own hook type
        obj = dict(pairs)
        if len(obj) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            faults.extend(Fault(f"key {key!r}", "given twice in one object", "each key once") for key in twice)
        return obj

    def constant(name: str) -> None:
        faults.append(Fault("a number", name, "JSON, which has no such number"))

    try:
        value = cast("Json", json.loads(text, object_pairs_hook=unique, parse_constant=constant))
    except json.JSONDecodeError as err:
        place = f"line {err.lineno}, column {err.colno}"
        near = repr(text[err.pos : err.pos + 20]) if err.pos < len(text) else "the end of the file"
        raise ScriptError(source, (Fault(place, near, f"JSON ({err.msg})"),)) from err
    except RecursionError as err:
        raise ScriptError(source, (Fault("the file", "nested too deeply", "at most some hundred levels"),)) from err
    if faults:
        raise ScriptError(source, tuple(faults))
    return value


def _toml(text: str, source: str) -> Json:
    import tomllib

    try:
        value = tomllib.loads(text)
        json.dumps(value, allow_nan=False)
    except tomllib.TOMLDecodeError as err:
        raise ScriptError(source, (Fault("the file", "something else", f"TOML ({err})"),)) from err
    except (TypeError, ValueError) as err:
        raise ScriptError(source, (Fault("the file", str(err), "only what JSON has (no dates, inf, nan)"),)) from err
    return cast("Json", value)
