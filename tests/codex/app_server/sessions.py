"""The recorded sessions of Codex's app-server, message by message."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs

FOLDER = Path(__file__).parents[2] / "behaviour" / "recordings" / "app_server"
NAMES = ("main", "approvals", "resume")


@attrs.frozen
class Message:
    """One message's params or result, with the method it belongs to."""

    kind: Literal["params", "result", "notification", "server params", "server result"]
    method: str
    value: Any
    refused: bool = False
    """Whether Codex answered with an error."""


def recorded(name: str) -> Iterator[Message]:
    """What was said in a session, without errors, and without what has neither params nor a result."""
    path = FOLDER / f"{name}.jsonl"
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    refused = {str(entry["msg"]["id"]) for entry in entries if "error" in entry["msg"]}
    asked: dict[tuple[bool, str], str] = {}
    for entry in entries:
        by_client, message = entry["dir"] == "->", entry["msg"]
        if "method" in message:
            method, is_request = message["method"], "id" in message
            asked[by_client, str(message.get("id"))] = method
            if "params" in message:
                kind = ("params" if by_client else "server params") if is_request else "notification"
                yield Message(kind, method, message["params"], kind == "params" and str(message["id"]) in refused)
        elif "result" in message:
            asked_method = asked.get((not by_client, str(message["id"])))
            if asked_method is not None:  # the recording of `main` lacks one request
                yield Message("server result" if by_client else "result", asked_method, message["result"])
