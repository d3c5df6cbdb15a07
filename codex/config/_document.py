"""One edit on a TOML table, and the same edit on a text, where comments and order stay."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs

from codex.config._faults import Path, Table, Toml

MergeStrategy: TypeAlias = Literal["replace", "upsert"]


@attrs.frozen
class Edit:
    """One change: `value` None takes the key out; `upsert` joins a table with the one that is there."""

    key: Path
    value: "Toml | None"
    merge: MergeStrategy = "replace"


def apply_to_table(table: Table, edit: Edit) -> None:
    """Make the edit on a plain table: what the edited text must say."""
    place = table
    for part in edit.key[:-1]:
        inner = place.get(part)
        if not isinstance(inner, dict):
            if edit.value is None:
                return
            inner = place[part] = {}
        place = inner
    last, below = edit.key[-1], place.get(edit.key[-1])
    if edit.value is None:
        place.pop(last, None)
    elif edit.merge == "upsert" and isinstance(edit.value, dict) and isinstance(below, dict):
        for name, value in edit.value.items():
            apply_to_table(below, Edit((name,), value, "upsert"))
    else:
        place[last] = _copied(edit.value)


def _copied(value: Toml) -> Toml:
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def apply_to_text(text: str, edits: Sequence[Edit]) -> str | None:
    """The edited text; None where the editor gives up. Whoever asks compares the result with the edited table."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for edit in edits:
            _edit(document, edit)
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, KeyError, AttributeError):
        return None


# tomlkit's containers have no useful types.
def _edit(document: Any, edit: Edit) -> None:
    import tomlkit

    place = document
    for position, part in enumerate(edit.key[:-1]):
        inner = place.get(part)
        if not _is_table(inner):
            if edit.value is None:
                return
            if inner is not None:
                place.remove(part)
            # Only the last table is written as a header of its own.
            inner = tomlkit.inline_table() if _is_inline(place) else tomlkit.table(position < len(edit.key) - 2)
            place[part] = inner
            inner = place[part]
        place = inner
    last, below = edit.key[-1], place.get(edit.key[-1])
    if edit.value is None:
        if below is not None:
            place.remove(last)
    elif edit.merge == "upsert" and isinstance(edit.value, dict) and _is_table(below):
        for name, value in edit.value.items():
            _edit(below, Edit((name,), value, "upsert"))
    else:
        place[last] = _inline(edit.value) if _is_inline(place) else edit.value


def _is_inline(place: Any) -> bool:
    from tomlkit.items import InlineTable

    return isinstance(place, InlineTable)


def _inline(value: Toml) -> Any:
    import tomlkit

    if not isinstance(value, dict):
        return value
    table: Any = tomlkit.inline_table()
    table.update({name: _inline(inner) for name, inner in value.items()})
    return table


def _is_table(item: object) -> bool:
    return isinstance(item, Mapping)
