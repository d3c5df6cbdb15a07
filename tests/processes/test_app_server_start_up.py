"""What `codex app-server` has loaded when it has answered `initialize`: an editor waits for that much.

To tighten a bound: run `pytest tests/processes/test_app_server_start_up.py -s`, and go on as in `test_exec_start_up`.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.processes.loaded import Loaded, program, told

# Measured and a little more.
MAX_MODULES = 180
MAX_OUR_MODULES = 52
MAX_OUR_ATTRS_CLASSES = 23
GREETING = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    place = tmp_path_factory.mktemp("app-server")
    done = subprocess.run(
        [sys.executable, "-c", program(["app-server"], place, at_import="trio")],
        cwd=place,
        env={**os.environ, "CODEX_HOME": str(place), "HOME": str(place)},
        input=json.dumps(GREETING).encode() + b"\n",
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["result"]["codexHome"] == str(place)
    return told(place)


def test_few_modules_are_loaded_before_the_greeting_is_answered(loaded: Loaded) -> None:
    print(f"\n{len(loaded.modules)} modules, {len(loaded.our_modules)} of ours")
    assert len(loaded.modules) <= MAX_MODULES
    assert len(loaded.our_modules) <= MAX_OUR_MODULES


def test_few_classes_are_completed_before_the_greeting_is_answered(loaded: Loaded) -> None:
    print(f"\n{len(loaded.attrs_classes)} classes by attrs, {len(loaded.our_attrs_classes)} of them ours")
    assert len(loaded.our_attrs_classes) <= MAX_OUR_ATTRS_CLASSES


def test_of_the_words_of_the_api_only_those_of_the_greeting_are_loaded(loaded: Loaded) -> None:
    assert [name for name in loaded.modules if name.startswith("codex.app_server.api.")] == [
        "codex.app_server.api.server"
    ]
