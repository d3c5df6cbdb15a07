"""A program that is killed with a tree of agents at work: after the resume every letter is read exactly once."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from codex.base.jsontext import Json, JsonObject, decode_object, get_object, get_str
from codex.rollout import list_rollouts
from codex.rollout.agents import Answer, ThreadTrace, read_tree
from codex.testing import call, open_test_codex, text

ROOT = Path(__file__).resolve().parents[2]
V2: dict[str, bool] = {"multi_agent_v2": True, "background_wake": False}
NAMES = ("a", "b", "c")
ROUNDS = 4

PROGRAM = """
import json, sys
import trio
sys.path.insert(0, {root!r})
from codex.protocol.event import ItemCompleted
from codex.testing import open_test_codex

async def main():
    script = json.load(open({script!r}))
    features = {{"multi_agent_v2": True, "background_wake": False}}
    async with open_test_codex(script, home={home!r}, features=features) as codex:
        print(codex.thread.thread_id, flush=True)
        async with codex.thread.run("delegate") as events:
            async for event in events:
                if isinstance(event.msg, ItemCompleted):
                    print("item", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


def spawn(number: int, name: str) -> JsonObject:
    return call("spawn_agent", f"s{number}", task_name=name, message="go [[script:agent]]", fork_turns="none")


def busy_script() -> JsonObject:
    """A root and three agents that all write to each other; the root never comes to its end."""
    rounds: list[Json] = []
    for turn in range(ROUNDS):
        rounds.append([call("send_message", f"m{turn}{name}", target=name, message=f"hint {turn}") for name in NAMES])
        rounds.append([call("followup_task", f"f{turn}{name}", target=name, message=f"more {turn}") for name in NAMES])
    agent: list[Json] = []
    for turn in range(ROUNDS + 1):
        agent.append([call("send_message", f"r{turn}", target="/root", message=f"report {turn}")])
        agent.append([call("send_message", f"t{turn}", target="/root/a", message=f"to a {turn}")])
        agent.append([text(f"answer {turn}")])
    root: list[Json] = [[spawn(number, name) for number, name in enumerate(NAMES)], *rounds]
    root.append([{"type": "sleep", "seconds": 100_000}, text("never")])
    return {"scripts": {"root": root, "agent": agent}, "default": "root"}


def kill_at_work(home: Path, items: int) -> str:
    """Let the tree work in a process of its own, and kill that when the root has shown so many items; the root's id."""
    script = home.parent / "busy.json"
    script.write_text(json.dumps(busy_script()))
    program = PROGRAM.format(root=str(ROOT), script=str(script), home=str(home))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=home.parent)
    assert process.stdout is not None
    root_id = process.stdout.readline().decode().strip()
    for _ in range(items):
        assert process.stdout.readline() == b"item\n"
    os.kill(process.pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()
    return root_id


def written_to(tree: dict[str, ThreadTrace]) -> Mapping[str, set[str]]:
    """The ids of all letters, by the threads that they are for."""
    letters = defaultdict[str, set[str]](set)
    for trace in tree.values():
        for one in trace.written:
            if not isinstance(one, Answer):
                letters[one.recipient_id].add(one.id)
            elif trace.parent_id is not None:
                letters[trace.parent_id].add(one.letter_id)
    return letters


def read_by(home: Path) -> dict[str, Counter[str]]:
    """How often each letter stands in the rollout of each thread."""
    found: dict[str, Counter[str]] = {}
    for file in list_rollouts(str(home)):
        rows = [get_object(decode_object(raw), "payload") for raw in Path(file.path).read_bytes().splitlines()]
        found[file.thread_id] = Counter(get_str(row, "id") for row in rows if row.get("type") == "agent_message")
    return found


def all_read(home: Path, root_id: str) -> bool:
    """Whether nobody works any more, and no letter is under way."""
    tree = read_tree(str(home), root_id)
    written = written_to(tree)
    read = all(thread_id in tree and ids <= tree[thread_id].read for thread_id, ids in written.items())
    return read and not any(trace.working for trace in tree.values())


@pytest.mark.parametrize("items", [2, 5, 9, 14, 22])
async def test_every_letter_is_read_once_although_the_program_was_killed(tmp_path: Path, items: int) -> None:
    home = tmp_path / "home"
    root_id = await trio.to_thread.run_sync(kill_at_work, home, items)
    again: list[Json] = [call("followup_task", f"f{name}", target=name, message="finish") for name in NAMES]
    answers: list[Json] = [[text("finished")]] * 4
    script: JsonObject = {"scripts": {"root": [again, [text("all told")]], "agent": answers}, "default": "root"}
    async with open_test_codex(script, home=home, features=V2) as codex:
        thread = await codex.codex.resume_thread(root_id)
        with trio.fail_after(120):
            assert await thread.ask("go on") == "all told"
            while not await trio.to_thread.run_sync(all_read, home, root_id):
                await trio.lowlevel.checkpoint()
            there = {info.agent_id for info in thread.agents}
    tree = read_tree(str(home), root_id)
    assert set(tree) == {root_id, *there}
    assert {info.path for info in tree.values() if info.path} <= {f"/root/{name}" for name in NAMES}
    read = read_by(home)
    for thread_id, letters in written_to(tree).items():
        assert read[thread_id] == Counter(dict.fromkeys(letters, 1)), tree[thread_id].path
