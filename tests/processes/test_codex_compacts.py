"""A thread that we have compacted goes on in Codex's own program, is compacted there, and comes back."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

import codex
from codex.base.jsontext import Json, get_list, get_str
from codex.model.scripted._parse import parse_script
from codex.model.scripted.server import serve
from codex.protocol.contextual import is_summary
from codex.rollout import load
from tests.behaviour.recorded_exec import make_place, provider_options

OURS = [sys.executable, "-m", "codex.cli.main"]
LIMIT = ["-m", "gpt-5.5", "-c", "model_auto_compact_token_limit=50000"]


@pytest.fixture
def theirs() -> list[str]:
    """OpenAI's program: named by CODEX_ACTORS_CODEX, else skipped."""
    path = shutil.which(os.environ.get("CODEX_ACTORS_CODEX", ""))
    if path is None:
        pytest.skip("set CODEX_ACTORS_CODEX to OpenAI's codex program to let it resume our threads")
    return [path]


class Requests:
    """The bodies that the server was sent."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def write(self, entry: Mapping[str, Json]) -> None:
        if "body" in entry:
            self.bodies.append(entry["body"])


def says(text: str, tokens: int = 90_000) -> Any:
    return {"items": [{"type": "text", "text": text}], "usage": {"input": tokens, "output": 10}}


async def test_both_programs_compact_one_thread_in_turns(tmp_path: Path, theirs: list[str]) -> None:
    answers = [says(f"answer {n}") for n in range(3)]
    summaries = [says(f"SUMMARY {n}", 1_000) for n in range(3)]
    script = parse_script({"scripts": {"main": answers, "__compact__": summaries}, "default": "main"}, "both.json")
    # Codex wants no CODEX_HOME below the directory for temporary files.
    repo, environ = make_place(tmp_path)
    environ["PYTHONPATH"] = str(Path(codex.__file__).parents[1])
    requests = Requests()
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, script, port=0, log=requests))
        for number, program in enumerate((OURS, theirs, OURS)):
            resume = ["resume", "--last"] if number else []
            command = [*program, "exec", "--json", *provider_options(url), *LIMIT, *resume, f"message {number}"]
            with trio.fail_after(60):
                done = await trio.run_process(
                    command, cwd=repo, env=environ, stdin=b"", capture_stdout=True, capture_stderr=True, check=False
                )
            assert done.returncode == 0, done.stderr.decode()
        nursery.cancel_scope.cancel("the programs have ended")
    windows = [
        json.loads(body["client_metadata"]["x-codex-turn-metadata"])["window_number"] for body in requests.bodies
    ]
    assert windows == [0, 0, 1, 1, 2]
    (path,) = (Path(environ["CODEX_HOME"]) / "sessions").rglob("*.jsonl")
    stored = load(environ["CODEX_HOME"], path.stem[-36:])
    texts = [
        get_str(part, "text")
        for item in stored.items
        if item.get("role") == "user"
        for part in get_list(item, "content")
        if isinstance(part, dict)
    ]
    assert [text for text in texts if text.startswith("message")] == ["message 0", "message 1", "message 2"]
    assert ["SUMMARY 1" in text for text in texts if is_summary(text)] == [True], "one summary, the newest"
