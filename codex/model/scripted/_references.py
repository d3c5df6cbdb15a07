"""`${…}` in a script's strings: found, read and replaced by values of the request that is answered.

A `${…}` that is none of ours (a shell's `${HOME}`) stays as it is; `$${` is a literal `${`.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import attrs

from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject, decode, encode
from codex.base.suggest import did_you_mean
from codex.model.scripted._request import ScriptedRequest

Kind: TypeAlias = Literal["out", "nth", "last", "re", "prompt_re", "env"]
KINDS: tuple[Kind, ...] = ("out", "nth", "last", "re", "prompt_re", "env")
CASTS = ("int", "json")
_SHELL_OPERATORS = "-=+?"
_BODY_MARK = "\nOutput:\n"


class UnresolvedReference(CodexError):
    """A `${…}` names something the request does not have."""


@attrs.frozen
class Reference:
    """One `${…}`: what it looks at, and whether a string that is nothing else becomes a number or any JSON value."""

    text: str
    kind: Kind
    argument: str
    cast: str = ""


Part: TypeAlias = str | Reference


def _end(text: str, start: int) -> int:
    """Index of the brace that closes the one before `start`, or -1; a backslash hides a brace, as in a regex."""
    depth, at = 1, start
    while at < len(text):
        match text[at]:
            case "\\":
                at += 1
            case "{":
                depth += 1
            case "}":
                depth -= 1
                if depth == 0:
                    return at
            case _:
                pass
        at += 1
    return -1


def _read(body: str) -> Reference | None:
    cast, rest = "", body
    head, colon, tail = body.partition(":")
    if colon and head in CASTS:
        cast, rest = head, tail
    for kind in KINDS:
        mark = "." if kind == "last" else ":"
        if rest == kind == "last":
            return Reference(body, kind, "", cast)
        if rest.startswith(kind + mark):
            return Reference(body, kind, rest[len(kind) + 1 :], cast)
    return None


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[Part, ...]:
    """The string cut into literal text and references."""
    found: list[Part] = []
    literal, at = "", 0
    while (start := text.find("${", at)) >= 0:
        if start and text[start - 1] == "$":
            literal += text[at : start - 1] + "${"
            at = start + 2
            continue
        end = _end(text, start + 2)
        reference = _read(text[start + 2 : end]) if end >= 0 else None
        if reference is None:
            literal += text[at : start + 2]
            at = start + 2
            continue
        found.extend([literal + text[at:start], reference])
        literal, at = "", end + 1
    return (*(part for part in found if part != ""), *([literal + text[at:]] if literal + text[at:] else []))


def faults(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the references in a string, as (value, expected)."""
    for mark in re.finditer(r"(?<!\$)\$\{(\w+):(.?)", text):
        word, end = mark[1], _end(text, mark.start() + 2)
        if word in (*KINDS, *CASTS):
            if end < 0:
                yield text[mark.start() :], "a closing }"
            elif _read(text[mark.start() + 2 : end]) is None:
                yield text[mark.start() : end + 1], f"${{{word}:…}} with one of {', '.join(KINDS)} inside"
        elif mark[2] not in _SHELL_OPERATORS and (close := did_you_mean(word, (*KINDS, *CASTS))):
            yield f"${{{word}:…}}", f"one of {', '.join((*KINDS, *CASTS))}{close}"
    for part in parts(text):
        if isinstance(part, str):
            continue
        if part.kind in ("re", "prompt_re"):
            try:
                re.compile(part.argument)
            except re.error as err:
                yield f"${{{part.text}}}", f"a regular expression ({err})"
        elif part.kind == "nth" and not re.fullmatch(r"-?\d+(\..+)?", part.argument):
            yield f"${{{part.text}}}", "${nth:K} or ${nth:K.path} with a whole number K, counted from 0"


def resolve(value: Json, request: ScriptedRequest, environ: Mapping[str, str]) -> Json:
    """The value with every reference in its strings replaced.

    Raises:
      UnresolvedReference: the request has no such output, path, match or variable.
    """
    match value:
        case str():
            return _resolve_text(value, request, environ) if "${" in value else value
        case list():
            return [resolve(part, request, environ) for part in value]
        case dict():
            return {key: resolve(part, request, environ) for key, part in value.items()}
        case _:
            return value


def resolve_object(value: JsonObject, request: ScriptedRequest, environ: Mapping[str, str]) -> JsonObject:
    """Like `resolve`, for an object."""
    return {key: resolve(part, request, environ) for key, part in value.items()}


def _resolve_text(text: str, request: ScriptedRequest, environ: Mapping[str, str]) -> Json:
    cut = parts(text)
    if len(cut) == 1 and isinstance(cut[0], Reference) and cut[0].cast:
        return _cast(cut[0], _look_up(cut[0], request, environ))
    return "".join(part if isinstance(part, str) else _as_text(_look_up(part, request, environ)) for part in cut)


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else encode(value)


def _cast(reference: Reference, value: Json) -> Json:
    if reference.cast == "json" and not isinstance(value, str):
        return value
    text = _as_text(value).strip()
    try:
        return int(text) if reference.cast == "int" else decode(text.encode())
    except ValueError:
        kind = "a whole number" if reference.cast == "int" else "JSON"
        raise UnresolvedReference(f"${{{reference.text}}}: {text[:80]!r} is not {kind}") from None


def _look_up(reference: Reference, request: ScriptedRequest, environ: Mapping[str, str]) -> Json:
    argument = reference.argument
    match reference.kind:
        case "env":
            if argument not in environ:
                raise UnresolvedReference(f"${{{reference.text}}}: the variable {argument!r} is not set")
            return environ[argument]
        case "re":
            return _match(reference, [text for _, text in request.outputs], "tool output")
        case "prompt_re":
            return _match(reference, request.prompts, "prompt")
        case "last":
            if not request.outputs:
                raise UnresolvedReference(f"${{{reference.text}}}: the request has no tool output yet")
            return _walk(reference, request.outputs[-1][1], argument)
        case "nth":
            index, _, path = argument.partition(".")
            try:
                return _walk(reference, request.outputs[int(index)][1], path)
            except IndexError:
                count = len(request.outputs)
                raise UnresolvedReference(
                    f"${{{reference.text}}}: the request has {count} tool outputs, counted from 0"
                ) from None
        case "out":
            return _out(reference, request)


def _out(reference: Reference, request: ScriptedRequest) -> Json:
    argument = reference.argument
    outputs = dict(request.outputs)
    for call_id in sorted(outputs, key=len, reverse=True):
        if argument == call_id:
            return outputs[call_id]
        if argument.startswith(call_id + "."):
            return _walk(reference, outputs[call_id], argument[len(call_id) + 1 :])
    known = ", ".join(outputs) or "none"
    raise UnresolvedReference(
        f"${{{reference.text}}}: no tool output for that call id{did_you_mean(argument, outputs)}; there are: {known}"
    )


def _match(reference: Reference, texts: list[str], kind: str) -> str:
    pattern = re.compile(reference.argument)
    for text in reversed(texts):
        if found := pattern.search(text):
            return found[1] or "" if pattern.groups else found[0]
    raise UnresolvedReference(f"${{{reference.text}}}: no {kind} matches, of {len(texts)}")


def _walk(reference: Reference, text: str, path: str) -> Json:
    """The value at a dotted path in a tool output that is JSON, or whose part after `Output:` is."""
    if not path:
        return text
    try:
        value = decode(text.encode())
    except ValueError:
        try:
            value = decode(text.partition(_BODY_MARK)[2].encode())
        except ValueError:
            raise UnresolvedReference(f"${{{reference.text}}}: the output is not JSON: {text[:80]!r}") from None
    for key in path.split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"-?\d+", key) and -len(value) <= int(key) < len(value):
            value = value[int(key)]
        else:
            have = ", ".join(value) if isinstance(value, dict) else encode(value)[:80]
            raise UnresolvedReference(f"${{{reference.text}}}: nothing at {key!r}; there is: {have}")
    return value
