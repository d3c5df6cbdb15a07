"""`if` and `unless` of turns and items: read from the file, and decided for a request."""

from fnmatch import fnmatchcase
from typing import Literal

from codex.base.jsontext import Json, JsonObject, get_str
from codex.model.scripted import _fields
from codex.model.scripted._check import Checker
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted.script import Condition, Fault


def parse_condition(owner: JsonObject, where: str, check: Checker) -> Condition | None:
    """What `if` and `unless` of a turn or item ask for together; None when it has neither."""
    parts: list[Condition] = []
    if "if" in owner:
        parts.append(_parse(owner["if"], f"{where}.if", check))
    if "unless" in owner:
        parts.append(Condition("not", parts=(_parse(owner["unless"], f"{where}.unless", check),)))
    return _all(parts) if parts else None


def _all(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition("all", parts=tuple(parts))


def _parse(value: Json, where: str, check: Checker) -> Condition:
    spec = check.obj(value, where, "a condition: an object with " + ", ".join(_fields.CONDITION_FIELDS))
    if spec is None:
        return Condition("all")
    check.fields(spec, _fields.CONDITION_FIELDS, where)
    parts: list[Condition] = []
    if "out" in spec:
        pattern = check.regex(spec["matches"], f"{where}.matches") if "matches" in spec else None
        parts.append(Condition("out", get_str(spec, "out"), pattern))
    elif "matches" in spec:
        check.faults.append(Fault(where, "'matches' without 'out'", "'out' with the call id whose output is meant"))
    tests: tuple[tuple[str, Literal["any_out", "last_out", "prompt"]], ...] = (
        ("any_out_matches", "any_out"),
        ("last_out_matches", "last_out"),
        ("prompt_matches", "prompt"),
    )
    parts.extend(
        Condition(test, pattern=check.regex(spec[key], f"{where}.{key}")) for key, test in tests if key in spec
    )
    if "agent" in spec:
        parts.append(Condition("agent", get_str(spec, "agent")))
    groups: tuple[Literal["all", "any"], ...] = ("all", "any")
    for group in groups:
        if group in spec:
            members = check.array(spec[group], f"{where}.{group}", "a list of conditions")
            inner = tuple(_parse(part, f"{where}.{group}[{n}]", check) for n, part in enumerate(members))
            parts.append(Condition(group, parts=inner))
    if not parts:
        check.fault(where, value, "a condition that asks for something")
    return _all(parts) if parts else Condition("all")


def agent_matches(pattern: str, agent: str) -> bool:
    """Whether an agent's path fits a pattern; `*` and `?` match also across `/`."""
    return fnmatchcase(agent, pattern)


def holds(condition: Condition | None, request: ScriptedRequest) -> bool:
    """Whether the condition holds for the request; none holds always."""
    if condition is None:
        return True
    pattern = condition.pattern
    match condition.test:
        case "out":
            texts = [text for call_id, text in request.outputs if call_id == condition.call_id]
            return bool(texts) and (pattern is None or pattern.search(texts[-1]) is not None)
        case "any_out":
            return pattern is not None and any(pattern.search(text) for _, text in request.outputs)
        case "last_out":
            return pattern is not None and any(pattern.search(text) for _, text in request.outputs[-1:])
        case "prompt":
            return pattern is not None and any(pattern.search(text) for text in request.prompts)
        case "agent":
            return agent_matches(condition.call_id, request.agent)
        case "all":
            return all(holds(part, request) for part in condition.parts)
        case "any":
            return any(holds(part, request) for part in condition.parts)
        case "not":
            return not holds(condition.parts[0], request)
