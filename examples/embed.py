"""Embed an agent in a program: configure, start a thread, run a turn, use the answer.

The model is a script, so nothing is asked over the network. With a key in the environment, leave out the two
overrides and name a model: `overrides=['model="gpt-5.5"']`.
"""

import json
import tempfile
from pathlib import Path

import trio

from codex import open_codex
from codex.config import load_config
from codex.protocol.event import ItemCompleted, TaskComplete
from codex.protocol.item import CommandExecution

SCRIPT = [
    [{"type": "function_call", "name": "exec_command", "arguments": {"cmd": "wc -l < poem.txt", "login": False}}],
    [{"type": "text", "text": "The poem has ${re:Output:\\n(\\d+)} lines."}],
]


async def main(directory: Path) -> None:
    (directory / "poem.txt").write_text("one\ntwo\nthree\n")
    script = directory / "script.json"
    script.write_text(json.dumps(SCRIPT))
    config = load_config(
        cwd=str(directory),
        codex_home=str(directory / "home"),
        environ={},
        overrides=['model_provider="scripted"', f"model_script={json.dumps(str(script))}", 'model="gpt-5.5"'],
        # This script's one command is known; a real model gets "read-only" or "workspace-write".
        flags={"sandbox_mode": "danger-full-access"},
    )
    async with open_codex(config) as codex:
        thread = await codex.start_thread()
        async for event in thread.run("How long is the poem?"):
            match event.msg:
                case ItemCompleted(item=CommandExecution() as command):
                    print("ran:", command.command[-1], "->", command.aggregated_output.strip())
                case TaskComplete(last_agent_message=answer):
                    print("answer:", answer)
                case _:
                    pass
    print("threads left:", len(codex.threads))


with tempfile.TemporaryDirectory() as scratch:
    trio.run(main, Path(scratch))
