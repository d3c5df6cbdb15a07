"""A client that has spoken before the server was there: greeted early, or left to the connection, byte for byte."""

import json
import os
from typing import Any

import pytest

from codex.app_server.audience import Profile
from codex.app_server.greeting import Greeted, greet_early

PARAMS: dict[str, Any] = {"clientInfo": {"name": "t", "version": "1"}, "capabilities": {"experimentalApi": True}}
HELLO = json.dumps({"id": "a", "method": "initialize", "params": PARAMS}).encode() + b"\n"


def greet(data: bytes) -> tuple[Greeted, list[Any]]:
    """What came of it, and what was answered."""
    reading, sending = os.pipe()
    receiving, writing = os.pipe()
    try:
        os.write(sending, data)
        greeted = greet_early(reading, writing, codex_home="/home", environ={"TERM": "xterm"})
        os.close(writing)
        with open(receiving, "rb", closefd=False) as answers:
            return greeted, [json.loads(line) for line in answers]
    finally:
        for descriptor in (reading, sending, receiving):
            os.close(descriptor)


def test_a_greeting_is_answered_and_what_stands_behind_it_is_kept() -> None:
    greeted, answers = greet(HELLO + b'{"method":"initialized"}\n{"id"')
    assert greeted == Greeted(Profile("t", "1", experimental=True), b'{"method":"initialized"}\n{"id"')
    assert [(answer["id"], answer["result"]["codexHome"]) for answer in answers] == [("a", "/home")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HELLO[:-1],
        b"\n" + HELLO,
        b"nonsense\n",
        b'{"id":1,"method":"initialize","params":{}}\n',
        b'{"id":1,"method":"thread/start","params":{}}\n' + HELLO,
        HELLO.replace(b'"1"', b'"' + b"1" * 5_000 + b'"'),
    ],
)
def test_anything_else_is_left_to_the_connection(data: bytes) -> None:
    assert greet(data) == (Greeted(None, data), [])


def test_a_client_that_is_gone_is_left_to_the_connection() -> None:
    reading, sending = os.pipe()
    receiving, writing = os.pipe()
    os.write(sending, HELLO)
    os.close(receiving)
    assert greet_early(reading, writing, codex_home="/home", environ={}) == Greeted(None, HELLO)
    for descriptor in (reading, sending, writing):
        os.close(descriptor)
