"""JSON values and their text: one compact encoder, one fast decoder."""

import json
from collections.abc import Mapping
from typing import TypeAlias, cast

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
JsonObject: TypeAlias = dict[str, Json]

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(value: object) -> str:
    """The value as one line of JSON: no spaces, keys in the order given, non-ASCII as it is."""
    return _compact.encode(value)


def encode_bytes(value: object) -> bytes:
    """Like `encode`, as UTF-8; lone surrogates become U+FFFD, since JSON on a wire must be UTF-8."""
    text = _compact.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def decode(text: bytes) -> Json:
    """The value in a JSON text.

    Raises:
      ValueError: the text is not JSON.
    """
    import jiter

    return cast("Json", jiter.from_json(text, cache_mode="keys"))


def decode_object(text: bytes) -> JsonObject:
    """Like `decode`, for a text that must hold an object.

    Raises:
      ValueError: the text is not JSON, or not an object.
    """
    value = decode(text)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def get_str(obj: Mapping[str, Json], key: str, default: str = "") -> str:
    """The string at `key`, or `default` where it is missing or of another type."""
    value = obj.get(key)
    return value if isinstance(value, str) else default


def get_int(obj: Mapping[str, Json], key: str, default: int = 0) -> int:
    """The whole number at `key`, or `default`; a bool is no number."""
    value = obj.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def get_object(obj: Mapping[str, Json], key: str) -> JsonObject:
    """The object at `key`, or an empty one."""
    value = obj.get(key)
    return value if isinstance(value, dict) else {}


def get_list(obj: Mapping[str, Json], key: str) -> list[Json]:
    """The list at `key`, or an empty one."""
    value = obj.get(key)
    return value if isinstance(value, list) else []
