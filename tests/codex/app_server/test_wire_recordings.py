"""Every message of the recorded sessions is read into our classes and written again as it was."""

from typing import Any

import pytest

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.wire import decode_any, encode
from codex.base.jsontext import Json
from tests.codex.app_server.sessions import NAMES, Message, recorded


def class_of(message: Message) -> Any:
    if message.kind == "notification":
        return NOTIFICATIONS[message.method].params
    table = SERVER_REQUESTS if message.kind.startswith("server") else REQUESTS
    method = table[message.method]
    return method.params if message.kind.endswith("params") else method.result


def keeps(written: Json, said: Json) -> bool:
    """Whether all that was said is written; defaults may have come on top, and nulls be left out."""
    if isinstance(written, dict) and isinstance(said, dict):
        return all(keeps(written.get(key), value) for key, value in said.items())
    if isinstance(written, list) and isinstance(said, list):
        return len(written) == len(said) and all(map(keeps, written, said))
    return written == said


@pytest.mark.parametrize("name", NAMES)
def test_what_codex_says_is_written_as_it_was_read(name: str) -> None:
    for message in recorded(name):
        if message.kind in ("result", "notification", "server params"):
            assert encode(decode_any(class_of(message), message.value)) == message.value, message


@pytest.mark.parametrize("name", NAMES)
def test_what_clients_say_is_kept_when_it_is_written_again(name: str) -> None:
    for message in recorded(name):
        if message.kind in ("params", "server result") and not message.refused:
            value = decode_any(class_of(message), message.value)
            assert keeps(encode(value), message.value), message
            assert decode_any(class_of(message), encode(value)) == value
