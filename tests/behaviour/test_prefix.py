"""What was sent once is sent again as it was: the beginning of each request is the one before it."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from codex.protocol.event import TaskComplete
from codex.testing import SeenRequest, call, open_test_codex, patch, text

TURNS = 40


def a_day() -> dict[str, Any]:
    """Turns of commands, patches, plans, failures and answers, with a summary whenever one is asked for."""
    answers: list[Any] = []
    for turn in range(TURNS):
        answers.append(
            [
                {"type": "reasoning", "summary": f"think {turn}"},
                call("exec_command", f"ls{turn}", cmd=f"echo {turn} {'x' * 400}", login=False),
                call("update_plan", f"plan{turn}", plan=[{"step": f"step {turn}", "status": "pending"}]),
            ]
        )
        answers.append([patch(f"*** Add File: {turn}.txt\n+{turn}", f"patch{turn}"), call("nobody", f"bad{turn}")])
        answers.append([text(f"done {turn}")])
    summaries = {"turns": [[text("what was done")]], "loop": True}
    return {"scripts": {"main": answers, "__compact__": summaries}, "default": "main"}


def kind_and_window(request: SeenRequest) -> tuple[str, int]:
    facts = json.loads(request.headers["x-codex-turn-metadata"])
    return facts["request_kind"], facts["window_number"]


def shared(one: list[Any], two: list[Any]) -> int:
    """How many items at the beginning are the same."""
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


async def test_nothing_before_the_new_items_changes_but_at_a_compaction(tmp_path: Path) -> None:
    cwd = tmp_path / "cwd"
    settings: Any = {"cwd": cwd, "update_plan_enabled": True, "model_auto_compact_token_limit": 9_000}
    async with open_test_codex(a_day(), **settings) as codex:
        for turn in range(TURNS):
            if turn % 7 == 3:
                (cwd / "AGENTS.md").write_text(f"Rule {turn}.")
            assert isinstance((await codex.run_turn(f"task {turn}"))[-1], TaskComplete)
        requests = codex.requests
    windows = [kind_and_window(request)[1] for request in requests]
    assert windows[-1] >= 3, "the day was long enough to be compacted some times"
    for before, after in pairwise(requests):
        assert after.body["prompt_cache_key"] == before.body["prompt_cache_key"]
        (_, window), (kind, next_window) = kind_and_window(before), kind_and_window(after)
        if next_window != window:
            # A new window: the base instructions stay, the rest is new.
            assert shared(before.input, after.input) >= 1
            continue
        if kind == "turn":
            assert after.body["tools"] == before.body["tools"]
        assert shared(before.input, after.input) == len(before.input)
        assert len(after.input) > len(before.input)
    told = [said for said in requests[-1].texts("user") if said.startswith("# AGENTS.md")]
    assert told[-1].count(f"Rule {max(turn for turn in range(TURNS) if turn % 7 == 3)}.") == 1
