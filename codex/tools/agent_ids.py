"""The ids of agents, as models give them: they are refused in the words of Codex, whose ids are Rust's UUIDs."""

import re

from codex.base.errors import ToolFailure

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_STRANGE = re.compile(r"[^0-9a-fA-F-]")
_GROUPS = (8, 4, 4, 4, 12)


def agent_id(text: str) -> str:
    """The id, if it can be one. Raises: ToolFailure."""
    if not _ID.fullmatch(text):
        raise ToolFailure(f"invalid agent id {text}: Error({_fault(text)})")
    return text


def _fault(text: str) -> str:
    strange = _STRANGE.search(text)
    if strange is not None:
        return f"ParseChar {{ character: '{strange[0]}', index: {strange.start() + 1} }}"
    groups = text.split("-")
    if len(groups) == 1:
        return f"ParseSimpleLength {{ len: {len(text)} }}"
    if len(groups) != len(_GROUPS):
        return f"ParseGroupCount {{ count: {len(groups)} }}"
    index = next(number for number, size in enumerate(_GROUPS) if len(groups[number]) != size)
    before = sum(_GROUPS[:index]) + index
    return f"ParseGroupLength {{ group: {index}, len: {len(groups[index])}, index: {before + 1} }}"
