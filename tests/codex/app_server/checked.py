"""Every message that a test is told is checked here: our schema takes it, and Codex's where it is at hand."""

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.export import json_schema_files

try:
    import jsonschema
except ImportError:  # then nothing is checked, and `test_export` says why it is skipped
    jsonschema = None

SHARED = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[4] / "shared"))
BUNDLE = "codex_app_server_protocol.schemas.json"
# Codex types these parts, we pass them on: a configuration, the model's own items, MCP's descriptions.
PASSED_ON = frozenset({"ConfigReadResponse", "RawResponseItemCompletedNotification", "ListMcpServerStatusResponse"})


class Misshapen(Exception):
    """The server said something that a schema refuses."""


@functools.cache
def ours() -> dict[str, Any]:
    return json.loads(json_schema_files(experimental=True)[BUNDLE])["definitions"]


@functools.cache
def codex() -> dict[str, Any]:
    path = SHARED / "reference" / "app_server_v2.schema.json"
    return json.loads(path.read_text(encoding="utf-8"))["definitions"] if path.exists() else {}


@functools.cache
def _validators(name: str) -> list[Any]:
    if jsonschema is None:
        return []
    chosen = [ours(), *([codex()] if name in codex() and name not in PASSED_ON else [])]
    return [
        jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
        for definitions in chosen
    ]


def check_told(message: Mapping[str, Any]) -> None:
    """A notification or a question. Raises: Misshapen."""
    table = SERVER_REQUESTS if "id" in message else NOTIFICATIONS
    _check(table[message["method"]].params_name, message["params"])


def check_answer(method: str, result: object) -> None:
    """What a request was answered with. Raises: Misshapen."""
    if method in REQUESTS:
        _check(REQUESTS[method].result_name, result)


def _check(name: str, value: object) -> None:
    for validator in _validators(name):
        for fault in validator.iter_errors(value):
            raise Misshapen(f"{name} at {'/'.join(map(str, fault.absolute_path))}: {fault.message}")
