"""How many tokens items are likely to take; the server's own count is used wherever there is one.

An item counts a quarter of the bytes of its JSON. Inline images count a fixed size whatever their bytes, encrypted
reasoning about what the server will see of it.
"""

from collections.abc import Iterable

from codex.base.jsontext import Json, encode_bytes, get_list, get_str
from codex.protocol.response_item import ResponseItem

_IMAGE_BYTES = 7_373
_ENCRYPTED_OVERHEAD_BYTES = 650
# The kinds of items that come from the model.
_MODEL_TYPES = frozenset(
    {"reasoning", "function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call"}
)


def from_model(item: ResponseItem) -> bool:
    """Whether the model wrote the item, so that the usage of its response covers it."""
    kind = item.get("type")
    return kind in _MODEL_TYPES or (kind == "message" and item.get("role") == "assistant")


def estimate_item_bytes(item: ResponseItem) -> int:
    """The bytes of the item as the model will see them."""
    encrypted = get_str(item, "encrypted_content")
    if encrypted:
        return max(len(encrypted) * 3 // 4 - _ENCRYPTED_OVERHEAD_BYTES, 0)
    size = len(encode_bytes(item))
    for part in _parts(item):
        url = get_str(part, "image_url") if isinstance(part, dict) else ""
        if url.startswith("data:"):
            size += _IMAGE_BYTES - len(url)
    return size


def _parts(item: ResponseItem) -> list[Json]:
    return get_list(item, "content") or get_list(item, "output")


def estimate_items(items: Iterable[ResponseItem]) -> int:
    """Tokens of these items."""
    return sum(-(-estimate_item_bytes(item) // 4) for item in items)
