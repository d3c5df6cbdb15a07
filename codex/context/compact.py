"""What a compaction keeps of a history.  Pure.

    what the model is told of its context     before the last thing the user said, at the front where there is none
    what the user said                        word for word and in its order: the newest within 20,000 tokens; the one
                                              that crosses the budget is cut in its middle, older ones go
    the ledger                                the engine's own facts (`ledger`), where there are any
    the summary                               one, at the end

Law: nothing else is kept; so there is never a second summary, nor an older ledger, and doing it again without new
input changes only the summary. Calls, outputs, answers and reasoning live on in the summary alone.
"""

import os
from collections.abc import Iterable, Sequence
from functools import cache

from codex.base.jsontext import get_list, get_str
from codex.base.tokens import estimate_tokens
from codex.context.cut import cut_parts
from codex.context.normalize import normalized
from codex.protocol.blobs import without_images
from codex.protocol.contextual import SUMMARY_CLOSE, SUMMARY_OPEN, is_user_turn
from codex.protocol.response_item import ResponseItem, input_text, message

USER_BUDGET_TOKENS = 20_000
# What a cut and its note may take on top of the text that stays.
_NOTE_TOKENS = 32
_INTRODUCTION = (
    "Everything between the user's messages above and this point was condensed into the notes below, to save room. "
    "They were written by the model that did the work. Build on them and do not do finished work again; where a detail "
    "matters, look at the file or run the command instead of trusting the notes."
)


@cache
def default_compact_prompt() -> str:
    """Our text that asks for the summary."""
    with open(os.path.join(os.path.dirname(__file__), "prompts", "compact.md"), encoding="utf-8") as file:
        return file.read().strip()


def compaction_input(
    prompt: Sequence[ResponseItem], instruction: str, *, base: int = 1, dropped: int = 0
) -> list[ResponseItem]:
    """The input of the request for a summary: the history's prompt, then the instruction.

    Args:
      base: items at the front that always stay.
      dropped: so many of the oldest items behind the base are left out, and with each its call or output.
    """
    asked: ResponseItem = {"type": "message", "role": "user", "content": [input_text(instruction)]}
    if not dropped:
        return [*prompt, asked]
    return [*prompt[:base], *normalized(prompt[base + dropped :]), asked]


def summary_item(text: str) -> ResponseItem:
    """The summary as the model reads it; marks of a summary inside of the text are taken out."""
    plain = text.replace(SUMMARY_OPEN, "").replace(SUMMARY_CLOSE, "").strip()
    return message("user", [input_text(f"{SUMMARY_OPEN}\n{_INTRODUCTION}\n\n{plain}\n{SUMMARY_CLOSE}")])


def compacted_history(
    items: Iterable[ResponseItem],
    summary: ResponseItem,
    *,
    context: Sequence[ResponseItem] = (),
    ledger: ResponseItem | None = None,
) -> list[ResponseItem]:
    """The history that takes the place of `items`; what the user said stays the same objects where it is whole."""
    said = _kept(items)
    facts = [] if ledger is None else [ledger]
    return [*said[:-1], *context, *said[-1:], *facts, summary]


def _kept(items: Iterable[ResponseItem]) -> list[ResponseItem]:
    kept: list[ResponseItem] = []
    left = USER_BUDGET_TOKENS
    for item in reversed(without_images(item for item in items if is_user_turn(item))):
        tokens = _text_tokens(item)
        if tokens > left:
            if left > 2 * _NOTE_TOKENS:
                kept.append({**item, "content": cut_parts(get_list(item, "content"), left - _NOTE_TOKENS)})
            break
        kept.append(item)
        left -= tokens
    return kept[::-1]


def _text_tokens(item: ResponseItem) -> int:
    parts = get_list(item, "content")
    return max(sum(estimate_tokens(get_str(part, "text")) for part in parts if isinstance(part, dict)), 1)
