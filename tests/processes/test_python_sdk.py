"""OpenAI's Python SDK, unchanged, with our binary: its whole surface."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.typed_codex import Place, make_place
from tests.processes.sdks.installed import python_sdk
from tests.processes.sdks.scripts import make_binary

SCENARIOS = Path(__file__).parent / "sdks" / "scenarios.py"
ITEMS = ["userMessage", "commandExecution", "agentMessage"]


@pytest.fixture(scope="module")
def sdk() -> Path:
    return python_sdk()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def seen(sdk: Path, place: Place, scenario: str) -> Any:
    """What the scenario saw."""
    binary = make_binary(place)
    command = [sys.executable, str(SCENARIOS), scenario, str(binary), str(place.repo)]
    environ = place.environ
    environ["PYTHONPATH"] += f":{sdk}"
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_run_returns_items_an_answer_and_usage(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "run") == {
        "server": "codex_python_sdk",
        "items": ITEMS,
        "command": [0, "completed", str(place.repo)],
        "answer": "made it",
        "status": "completed",
        "used": True,
        "timed": True,
    }
    assert (place.repo / "made").read_text() == "made\n"


def test_every_event_of_a_stream_is_of_a_class_the_sdk_knows(sdk: Path, place: Place) -> None:
    events = seen(sdk, place, "streamed")
    assert [method for method, _ in events if method.startswith(("turn/", "item/st", "item/com"))] == [
        "turn/started",
        *["item/started", "item/completed"] * 3,
        "turn/completed",
    ]
    assert not [method for method, kind in events if kind == "UnknownNotification"]


def test_a_stored_thread_is_resumed_with_all_its_turns(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "turns_and_resume") == {
        "answers": ["hello", "hello", "I remember all of it"],
        "same": True,
        "turns": [["userMessage", "agentMessage"]] * 3,
    }


def test_a_fork_goes_on_beside_its_origin(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "fork") == {
        "different": True,
        "answer": "I remember all of it",
        "first": "hello",
        "turns": [2, 3],
    }


def test_threads_are_named_listed_archived_and_brought_back(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "stored") == {"listed": [[True, "my thread", "hello"]], "after": [0, 1], "back": 1}


def test_models_are_listed(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "models") == {"some": True, "default": 1}


def test_an_api_key_is_taken_and_given_back(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "account") == [None, None, None]  # As in Codex with a provider that needs no key.


def test_a_running_turn_is_steered(sdk: Path, place: Place) -> None:
    users = ["go [[script:steered]]", "do it nicely"]
    assert seen(sdk, place, "steer") == {"users": users, "answer": "as you wish"}


def test_an_interrupted_turn_ends_and_the_thread_goes_on(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "interrupt") == {"status": "interrupted", "next": "hello"}


def test_a_schema_and_images_reach_the_model(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "inputs") == ['{"ok": true}', "I see a dot", "I see a dot"]


def test_the_asynchronous_client_runs_threads_side_by_side(sdk: Path, place: Place) -> None:
    assert seen(sdk, place, "parallel") == {"answers": ["hello"] * 4, "different": 4, "streamed": "turn/completed"}


def test_failures_are_raised_with_their_reason_and_the_thread_goes_on(sdk: Path, place: Place) -> None:
    refused = '{"error":{"message":"the model says no","type":"mock_error","code":null}}'
    assert seen(sdk, place, "failures") == [refused, -32600, -32600, "hello"]
