"""OpenAI's TypeScript SDK, unchanged, with our binary: its whole surface."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.typed_codex import Place, make_place
from tests.processes.sdks.installed import typescript_sdk
from tests.processes.sdks.scripts import make_binary

SCENARIOS = Path(__file__).parent / "sdks" / "scenarios.mjs"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def sdk() -> Path:
    return typescript_sdk()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def seen(sdk: Path, place: Place, scenario: str) -> Any:
    """What the scenario saw."""
    binary = make_binary(place)
    command = ["node", str(SCENARIOS), str(sdk), scenario, str(binary), str(place.repo)]
    done = subprocess.run(command, env=place.environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_run_returns_items_an_answer_and_usage(sdk: Path, place: Place) -> None:
    got = seen(sdk, place, "run")
    assert UUID.fullmatch(got.pop("id"))
    assert got == {
        "before": None,
        "items": [["command_execution", "completed", 0], ["agent_message", None, None]],
        "finalResponse": "made it",
        "usage": [
            *("cache_write_input_tokens", "cached_input_tokens", "input_tokens"),
            *("output_tokens", "reasoning_output_tokens"),
        ],
    }
    assert (place.repo / "made").read_text() == "made\n"


def test_run_streamed_tells_each_event(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "streamed") == [
        ["thread.started"],
        ["turn.started"],
        ["item.started", "command_execution"],
        ["item.completed", "command_execution"],
        ["item.completed", "agent_message"],
        ["turn.completed"],
    ]


def test_a_thread_goes_on_and_is_resumed(sdk: Path, place: Place) -> None:
    got = seen(sdk, place, "turnsAndResume")
    assert UUID.fullmatch(got.pop("id"))
    assert got == {"answers": ["hello", "hello", "I remember all of it"]}
    assert len(list(place.codex_home.glob("sessions/**/*.jsonl"))) == 1


def test_a_schema_reaches_the_model_and_its_answer_comes_back(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "structuredOutput") == {"ok": True}


def test_an_image_reaches_the_model(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "images") == "I see a dot"


def test_threads_run_side_by_side(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "parallel") == {"answers": ["hello"] * 4, "different": 4}


def test_an_aborted_turn_ends(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "abort") == {"seen": ["thread.started", "turn.started"], "error": "AbortError"}


def test_failures_are_thrown_with_their_reason(sdk: Path, place: Place) -> None:
    refused = '{"error":{"message":"the model says no","type":"mock_error","code":null}}'
    exited = "Codex Exec exited with code 1:"
    assert seen(sdk, place, "failure") == [refused, refused, exited]
