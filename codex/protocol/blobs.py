"""Images inside of a history: stored once, where they first occur; a history that is written again names them only."""

from collections.abc import Iterable

from codex.base.jsontext import Json, JsonObject, get_list, get_str
from codex.protocol.response_item import ResponseItem, input_text

_PREFIX = "data:"


def without_images(items: Iterable[ResponseItem]) -> list[ResponseItem]:
    """The items with a sentence in the place of every image that they hold; items without one are the same objects.

    A compaction gives this history to the model and to the rollout, so both say the same after a resume. An image that
    is only named by a URL is short, and stays.
    """
    return [_noted(item) for item in items]


def is_inline_image(part: Json) -> bool:
    """Whether a part of a message or of an output is an image with its bytes in it."""
    return isinstance(part, dict) and get_str(part, "image_url").startswith(_PREFIX)


def image_note(image_url: str) -> JsonObject:
    """What stands for an image whose bytes are left out."""
    kind, _, data = image_url.removeprefix(_PREFIX).partition(";base64,")
    return input_text(
        f"[an image ({kind or 'unknown type'}, about {len(data) * 3 // 4:,} bytes) was shown here earlier]"
    )


def _noted(item: ResponseItem) -> ResponseItem:
    for key in ("content", "output"):
        parts = get_list(item, key)
        if any(map(is_inline_image, parts)):
            return {**item, key: [_note_or_part(part) for part in parts]}
    return item


def _note_or_part(part: Json) -> Json:
    return image_note(get_str(part, "image_url")) if isinstance(part, dict) and is_inline_image(part) else part
