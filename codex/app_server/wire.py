"""The app-server's codec: JSON objects to the classes of `codex.app_server.api`, and back.

Names are snake case in Python and camel case on the wire.
Reading ignores fields it does not know; what is missing or of another type is told with its path.
Both ways are compiled once a class, when it is first used.
"""

from typing import Any, TypeVar, cast

from codex.app_server._decode import BadParams, decoder_of
from codex.app_server._encode import encode_value
from codex.app_server._fields import UNSET, Unset, Unsigned, null
from codex.base.jsontext import Json, JsonObject

__all__ = ["UNSET", "BadParams", "Unset", "Unsigned", "decode", "decode_any", "encode", "null"]

T = TypeVar("T")


def decode(cls: type[T], value: Json) -> T:
    """The instance of an API class that a JSON object stands for.

    Raises:
      BadParams: a field is missing or of another type; the message names its path.
    """
    return cast("T", decoder_of(cls)(value))


def decode_any(of_type: Any, value: Json) -> Any:  # pyright has no name for "a union given as a value"
    """Like `decode`, for a union such as `ThreadItem` or any other type of a field.

    Raises:
      BadParams: the value fits no member of the union, or one of its fields does not fit.
    """
    return decoder_of(of_type)(value)


def encode(value: object) -> JsonObject:
    """The JSON object of an instance of an API class."""
    return cast("JsonObject", encode_value(value))
