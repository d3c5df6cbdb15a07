"""What the scripted model says to OpenAI's SDKs, and the program they start."""

import base64
import sys
from pathlib import Path
from typing import Any

from tests.behaviour.typed_codex import Place

SHELL = {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": {"cmd": "echo made > made"}}
TEXT = {"type": "text"}
PLAY: dict[str, Any] = {
    "scripts": {
        "hello": {"turns": [[{**TEXT, "text": "hello"}]], "loop": True},
        "shell": {"turns": [[SHELL], [{**TEXT, "text": "made it"}]], "loop": True},
        "memory": {"turns": [[{**TEXT, "text": "I remember all of it"}]], "loop": True},
        "silent": {"turns": [{"items": [{**TEXT, "text": "too late"}], "delay_before": 600}], "loop": True},
        "refused": {"turns": [{"http_status": 400, "message": "the model says no"}], "loop": True},
        "schema": {"turns": [[{**TEXT, "text": '{"ok": true}'}]], "loop": True},
        "image": {"turns": [[{**TEXT, "text": "I see a dot"}]], "loop": True},
        "steered": {
            "turns": [
                [
                    {
                        **SHELL,
                        "arguments": {"cmd": "until test -e steered; do sleep 0.02; done", "yield_time_ms": 30_000},
                    }
                ],
                [{**TEXT, "text": "as you wish"}],
            ]
        },
        "__compact__": {"turns": [[{**TEXT, "text": "a summary"}]], "loop": True},
    },
    "default": "hello",
    "rules": [
        {"match": r"alpha[\s\S]*beta[\s\S]*gamma", "in": "all", "script": "memory"},
        {"match": '"json_schema"', "in": "body", "script": "schema"},
        {"match": "data:image/png", "in": "body", "script": "image"},
    ],
}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def make_binary(place: Place) -> Path:
    """The model's script, an image, and a `codex` for the SDKs to start."""
    place.play(PLAY)
    (place.repo / "dot.png").write_bytes(DOT)
    binary = place.path / "codex"
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m codex.cli.main "$@"\n')
    binary.chmod(0o755)
    return binary
