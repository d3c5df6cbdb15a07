"""Ids of threads as clients write them, and what is wrong with those that are none, in Codex's words.  Pure."""

import re

_UUID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_DIGIT = re.compile(r"[^0-9a-fA-F-]")
_URN = "urn:uuid:"
_GROUPS = (8, 4, 4, 4, 12)


def canonical(text: str) -> str | None:
    """The id in lower case with its four hyphens; None where the text is none."""
    bare, _ = _bare(text)
    if not _UUID.fullmatch(bare) or (bare != text and "-" not in bare):
        return None
    digits = bare.replace("-", "").lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def fault(text: str) -> str:
    """What is wrong with a text that is no id."""
    bare, offset = _bare(text)
    odd = _NO_DIGIT.search(bare)
    if odd is not None:
        place = len(bare[: odd.start()].encode()) + offset + 1
        return (
            "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], "
            f"found `{odd[0]}` at {place}"
        )
    groups = bare.split("-")
    if len(groups) == 1 and not offset:
        return f"invalid length: expected length 32 for simple format, found {len(text)}"
    if len(groups) != len(_GROUPS):
        return f"invalid group count: expected 5, found {len(groups)}"
    wrong = next((place for place, group in enumerate(groups) if len(group) != _GROUPS[place]), 4)
    return f"invalid group length in group {wrong}: expected {_GROUPS[wrong]}, found {len(groups[wrong])}"


def _bare(text: str) -> tuple[str, int]:
    """Without braces or the prefix, and how many letters those took."""
    if text.startswith("{") and text.endswith("}") and len(text) > 1:
        return text[1:-1], 1
    return (text[len(_URN) :], len(_URN)) if text.startswith(_URN) else (text, 0)
