"""The rollouts that Codex 0.169 wrote, for comparison."""

import json
import os
from pathlib import Path

import pytest

from codex.base.jsontext import JsonObject

SHARED = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[4] / "shared"))
FOLDER = SHARED / "conformance" / "rollouts"
NAMES = (
    "compaction",
    "fork.0",
    "fork.1",
    "image",
    "patch",
    "reasoning",
    "shell_then_resume",
    "sub_agents_v1.0",
    "sub_agents_v1.1",
    "sub_agents_v1.2",
    "sub_agents_v2.0",
    "sub_agents_v2.1",
    "sub_agents_v2.2",
)


def recorded(name: str) -> list[JsonObject]:
    """The lines of a recording; the test is skipped where there are none."""
    path = FOLDER / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"no recording at {path}; CODEX_ACTORS_SHARED names another place")
    return [json.loads(line) for line in path.read_text().splitlines()]


def place(home: Path, name: str) -> str:
    """Put a recording into a CODEX_HOME as Codex would have; the answer is its thread id."""
    lines = recorded(name)
    thread_id = lines[0]["payload"]["id"]  # type: ignore[index,call-overload]
    directory = home / "sessions" / "2026" / "11" / "22"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"rollout-2026-11-22T14-09-45-{thread_id}.jsonl").write_bytes((FOLDER / f"{name}.jsonl").read_bytes())
    return str(thread_id)
