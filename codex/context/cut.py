"""Long texts inside of items, cut to a budget.  Pure."""

from collections.abc import Sequence

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.base.truncate import truncate_tokens
from codex.protocol.response_item import ResponseItem


def cut_output(item: ResponseItem, budget_tokens: int) -> ResponseItem:
    """A tool's output with at most so many tokens of text; the same object where it has no more."""
    output = item.get("output")
    if isinstance(output, str):
        cut = truncate_tokens(output, budget_tokens)
        return item if cut is output else {**item, "output": cut}
    parts = get_list(item, "output")
    texts = sum(len(get_str(part, "text")) for part in parts if isinstance(part, dict))
    if texts <= budget_tokens:  # the usual case: no text can be too long
        return item
    return {**item, "output": cut_parts(parts, budget_tokens)}


def cut_parts(parts: Sequence[Json], budget_tokens: int) -> list[Json]:
    """Texts share the budget in their order; what follows the one that crosses it is left out. Images stay."""
    left = budget_tokens
    omitted = 0
    kept: list[Json] = []
    for part in parts:
        text = get_str(part, "text") if isinstance(part, dict) else ""
        if not isinstance(part, dict) or not text:
            kept.append(part)
        elif left <= 0:
            omitted += 1
        else:
            kept.append({**part, "text": truncate_tokens(text, left)})
            left -= -(-len(text.encode("utf-8", "surrogatepass")) // 4)
    if omitted:
        note: JsonObject = {"type": "input_text", "text": f"[omitted {omitted} text items ...]"}
        kept.append(note)
    return kept
