"""From a script file's value to a checked `Script`; every fault is found in one pass."""

import re

from codex.base.jsontext import Json, JsonObject, get_int, get_str
from codex.base.suggest import did_you_mean
from codex.model.scripted import _fields, _references
from codex.model.scripted._check import Checker, fits, seconds, shown
from codex.model.scripted._conditions import parse_condition
from codex.model.scripted.script import Fault, Item, NamedScript, Rule, Script, ScriptError, Turn

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_REPEAT = 100_000
_TURN_EXPECTED = "a turn: a list of items, or an object with 'items', 'http_status', 'cut_before_headers' or 'choose'"


def parse_script(value: Json, source: str) -> Script:
    """The script in a decoded file.

    Raises:
      ScriptError: names every fault.
    """
    check = Checker()
    script = _parse_file(value, source, check)
    if check.faults:
        raise ScriptError(source, tuple(check.faults))
    return script


def _parse_file(value: Json, source: str, check: Checker) -> Script:
    if isinstance(value, list):
        return Script(source, {"default": _parse_named("default", value, "turns", check)}, default="default")
    if not isinstance(value, dict):
        check.fault("the file", value, "an object with 'scripts' or 'turns', or a list of turns")
        return Script(source, {})
    if "turns" in value and "scripts" not in value:
        models = _parse_models(value.get("models"), check)
        rest: JsonObject = {key: part for key, part in value.items() if key != "models"}
        return Script(source, {"default": _parse_named("default", rest, "", check)}, default="default", models=models)
    check.fields(value, _fields.FILE_FIELDS, "the file", required=("scripts",))
    named = value.get("scripts")
    scripts = {
        name: _parse_named(name, part, f"scripts.{name}", check)
        for name, part in (named.items() if isinstance(named, dict) else ())
    }
    if isinstance(named, dict) and not named:
        check.fault("scripts", named, "at least one script")
    rules = tuple(
        rule
        for n, part in enumerate(check.array(value.get("rules", []), "rules", "a list of rules"))
        if (rule := _parse_rule(part, f"rules[{n}]", scripts, check))
    )
    default = get_str(value, "default") or ("default" if "default" in scripts else None)
    if default and default not in scripts:
        check.faults.append(_unknown_script("default", default, scripts))
    return Script(source, scripts, rules, default, _parse_models(value.get("models"), check))


def _unknown_script(where: str, name: str, scripts: dict[str, NamedScript]) -> Fault:
    return Fault(where, repr(name), f"one of the scripts {', '.join(scripts)}{did_you_mean(name, scripts)}")


def _parse_models(value: Json, check: Checker) -> tuple[JsonObject, ...]:
    models: list[JsonObject] = []
    for n, model in enumerate(check.array([] if value is None else value, "models", "a list of models")):
        if isinstance(model, dict):
            models.append(model)
        elif isinstance(model, str):
            models.append({"id": model})
        else:
            check.fault(f"models[{n}]", model, "a model's name or an object")
    return tuple(models)


def _parse_rule(value: Json, where: str, scripts: dict[str, NamedScript], check: Checker) -> Rule | None:
    rule = check.obj(value, where)
    if rule is None:
        return None
    check.fields(rule, _fields.RULE_FIELDS, where, required=("script",))
    if "match" not in rule and "agent" not in rule:
        check.faults.append(Fault(where, "neither 'match' nor 'agent'", "at least one of them"))
    name = get_str(rule, "script")
    if isinstance(rule.get("script"), str) and name not in scripts:
        check.faults.append(_unknown_script(f"{where}.script", name, scripts))
    pattern = check.regex(rule["match"], f"{where}.match") if "match" in rule else None
    agent = get_str(rule, "agent") or None
    match get_str(rule, "in", "last"):
        case "last" | "all" | "instructions" | "body" as place:
            return Rule(name, pattern, place, agent)
        case other:
            expected = f"one of {', '.join(_fields.PLACES)}{did_you_mean(other, _fields.PLACES)}"
            check.faults.append(Fault(f"{where}.in", repr(other), expected))
            return None


def _parse_named(name: str, value: Json, where: str, check: Checker) -> NamedScript:
    prefix = f"{where}." if where else ""
    if isinstance(value, list):
        return NamedScript(name, _parse_turns(value, where, check))
    script = check.obj(value, where, "a list of turns, or an object with 'turns'")
    if script is None:
        return NamedScript(name, ())
    check.fields(script, _fields.SCRIPT_FIELDS, where or "the file", required=("turns",))
    turns = _parse_turns(check.array(script.get("turns", []), f"{prefix}turns"), f"{prefix}turns", check)
    loop = script.get("loop") is True
    if loop and not turns:
        check.fault(f"{prefix}turns", [], "at least one turn to loop over")
    on_end = _parse_turn(script["on_end"], f"{prefix}on_end", check) if "on_end" in script else None
    return NamedScript(name, turns, loop, on_end)


def _parse_turns(values: list[Json], where: str, check: Checker) -> tuple[tuple[Turn, int | None], ...]:
    turns: list[tuple[Turn, int | None]] = []
    for n, value in enumerate(values):
        place = f"{where}[{n}]"
        if isinstance(value, dict) and "repeat" in value:
            check.fields(value, _fields.REPEAT_FIELDS, place, required=("turn",))
            count = get_int(value, "repeat")
            if count > _MAX_REPEAT:
                check.fault(f"{place}.repeat", count, f"at most {_MAX_REPEAT} (use 'loop' for more)")
                count = 0
            turn = _parse_turn(value.get("turn", []), f"{place}.turn", check)
            turns.extend((turn, index) for index in range(count))
        else:
            turns.append((_parse_turn(value, place, check), None))
    return tuple(turns)


def _parse_turn(value: Json, where: str, check: Checker) -> Turn:
    if isinstance(value, list):
        return Turn(where, _parse_items(value, where, check), has_references=_check_references(value, where, check))
    turn = check.obj(value, where, _TURN_EXPECTED)
    if turn is None:
        return Turn(where)
    condition = parse_condition(turn, where, check)
    if "choose" in turn:
        check.fields(turn, _fields.CHOICE_FIELDS, where)
        choices = check.array(turn["choose"], f"{where}.choose", "a list of turns")
        alternatives = tuple(_parse_turn(part, f"{where}.choose[{n}]", check) for n, part in enumerate(choices))
        if not alternatives:
            check.fault(f"{where}.choose", turn["choose"], "at least one alternative")
        return Turn(where, condition=condition, alternatives=alternatives)
    check.fields(turn, _fields.TURN_FIELDS, where)
    if not turn.keys() & {"items", "http_status", "cut_before_headers"}:
        check.faults.append(Fault(where, shown(turn), _TURN_EXPECTED))
    end_turn = turn.get("end_turn")
    return Turn(
        where,
        _parse_items(check.array(turn.get("items", []), f"{where}.items", "a list of items"), f"{where}.items", check),
        condition,
        error=_parse_error(turn, where, check),
        usage=_parse_usage(turn, where, check),
        delay_before=seconds(turn, "delay_before"),
        cut_before_headers=turn.get("cut_before_headers") is True,
        end_turn=end_turn if isinstance(end_turn, bool) else None,
        events_per_write=max(1, get_int(turn, "events_per_write", 1)),
        has_references=_check_references(turn, where, check),
    )


def _parse_error(turn: JsonObject, where: str, check: Checker) -> JsonObject | None:
    error: JsonObject = {key: turn[key] for key in _fields.ERROR_FIELDS if key in turn}
    if not error:
        return None
    status = turn.get("http_status")
    if not isinstance(status, int) or not 400 <= status <= 599:
        check.fault(f"{where}.http_status", status, "a status from 400 to 599 beside the error's other fields")
    headers = turn.get("http_headers", {})
    for name, header in headers.items() if isinstance(headers, dict) else ():
        if not isinstance(header, str) or "\n" in header or "\r" in header:
            check.fault(f"{where}.http_headers.{name}", header, "a string of one line")
    return error


def _parse_usage(turn: JsonObject, where: str, check: Checker) -> JsonObject | None:
    usage = turn.get("usage")
    if not isinstance(usage, dict):
        return None
    check.fields(usage, _fields.USAGE_FIELDS, f"{where}.usage")
    return usage


def _parse_items(values: list[Json], where: str, check: Checker) -> tuple[Item, ...]:
    items = (_parse_item(value, f"{where}[{n}]", check) for n, value in enumerate(values))
    return tuple(item for item in items if item is not None)


def _parse_item(value: Json, where: str, check: Checker) -> Item | None:
    item = check.obj(value, where, "an item: an object with a 'type'")
    if item is None:
        return None
    kind = item.get("type")
    known = _fields.ITEM_FIELDS
    if not isinstance(kind, str) or not kind:
        check.fault(f"{where}.type", kind, f"one of {', '.join(known)}, or the type of a Responses item")
        return None
    condition = parse_condition(item, where, check)
    fields: JsonObject = {key: part for key, part in item.items() if key not in ("if", "unless", "comment")}
    if kind not in known:
        close = did_you_mean(kind, (*known, *_fields.VERBATIM)) if kind not in _fields.VERBATIM else ""
        if close:
            expected = f"one of {', '.join(known)}, or the type of a Responses item{close}"
            check.faults.append(Fault(f"{where}.type", repr(kind), expected))
        return Item(fields, where, condition)
    check.fields(item, known[kind], where, required=_fields.ITEM_REQUIRED.get(kind, ()))
    one_of = _fields.ITEM_ONE_OF.get(kind, ())
    if one_of and len([key for key in one_of if key in item]) != 1:
        given = ", ".join(key for key in one_of if key in item) or "none"
        check.faults.append(Fault(where, given, f"exactly one of the fields {', '.join(one_of)}"))
    if kind == "function_call" and not (fits(item.get("arguments", {}), "object") or fits(item["arguments"], "text")):
        check.fault(f"{where}.arguments", item["arguments"], "an object, or a string that is sent as it stands")
    return Item(fields, where, condition)


def _check_references(value: Json, where: str, check: Checker) -> bool:
    """Note every bad `${…}` in the value; whether there are any to replace."""
    match value:
        case str():
            check.faults.extend(Fault(where, repr(bad), expected) for bad, expected in _references.faults(value))
            if not value.isascii() and (lone := _LONE_SURROGATE.search(value)):
                check.faults.append(Fault(where, repr(lone[0]), "text that UTF-8 can hold (a surrogate stands alone)"))
            return "${" in value
        case list():
            found = [_check_references(part, f"{where}[{n}]", check) for n, part in enumerate(value)]
        case dict():
            rest = ((key, part) for key, part in value.items() if key not in ("if", "unless", "comment"))
            found = [_check_references(part, f"{where}.{key}", check) for key, part in rest]
        case _:
            return False
    return any(found)
