"""Rules of the machine's owner: the table `rules` of `requirements.toml`.  Pure.

    [rules]
    prefix_rules = [
      { pattern = [{ token = "git" }, { any_of = ["push", "fetch"] }], decision = "prompt", justification = "why" },
    ]

They only make things stricter, so `allow` is refused, and a decision must be given. They are laid over the other rules
with `Rules.overlaid_with`.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from codex.execpolicy.decide import Rules
from codex.execpolicy.errors import Fault, RulesError
from codex.execpolicy.rule import PrefixRule, Words

_KEYS = {"pattern", "decision", "justification"}


def read_requirements(table: Mapping[str, object], origin: str) -> Rules:
    """The rules of a table `rules`; `origin` is the file it came from.

    Raises:
      RulesError: with every fault, each with its key.
    """
    faults: list[Fault] = []
    entries = table.get("prefix_rules")
    unknown = sorted(set(table) - {"prefix_rules"})
    if unknown or not isinstance(entries, list) or not entries:
        problem = f"rules: expected prefix_rules, an array of tables with at least one{_found(unknown)}"
        raise RulesError([Fault(origin, 0, 0, problem)])
    rules: list[PrefixRule] = []
    for index, entry in enumerate(cast("list[object]", entries)):
        try:
            rules.append(_rule(entry))
        except ValueError as error:
            faults.append(Fault(origin, 0, 0, f"rules.prefix_rules[{index}]{error}"))
    if faults:
        raise RulesError(faults)
    return Rules(rules)


def _rule(entry: object) -> PrefixRule:
    if not isinstance(entry, Mapping):
        raise ValueError(": expected a table with pattern and decision")
    table = cast("Mapping[str, object]", entry)
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ValueError(f": expected pattern, decision and justification only{_found(unknown)}")
    elements = table.get("pattern")
    if not isinstance(elements, list) or not elements:
        raise ValueError(".pattern: expected an array with at least one { token = TEXT }")
    pattern = tuple(_words(element, index) for index, element in enumerate(cast("list[object]", elements)))
    justification = table.get("justification")
    if justification is not None and not (isinstance(justification, str) and justification.strip()):
        raise ValueError(".justification: expected a text that is not empty")
    found = table.get("decision")
    if found not in ("prompt", "forbidden"):
        raise ValueError(f'.decision: expected "prompt" or "forbidden", found {found!r}; they cannot allow')
    return PrefixRule(pattern, "prompt" if found == "prompt" else "forbidden", justification)


def _words(element: object, index: int) -> Words:
    table: Mapping[str, object] = cast("Mapping[str, object]", element) if isinstance(element, Mapping) else {}
    some: object = None
    if table.keys() == {"token"}:
        some = [table["token"]]
    elif table.keys() == {"any_of"}:
        some = table["any_of"]
    words = cast("list[object]", some) if isinstance(some, list) else []
    found = tuple(word for word in words if isinstance(word, str) and word)
    if not found or len(found) < len(words):
        raise ValueError(
            f".pattern[{index}]: expected {{ token = TEXT }} or {{ any_of = [TEXT, ...] }}, texts not empty"
        )
    return found


def _found(unknown: Sequence[str]) -> str:
    return f", found {', '.join(unknown)}" if unknown else ""
