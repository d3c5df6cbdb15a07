"""Steer a running turn: more input reaches the model with its next request, in the same turn."""

import trio

from codex.protocol.event import ItemStarted, TaskStarted
from codex.protocol.item import CommandExecution
from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput
from codex.testing import call, open_test_codex, text

SCRIPT = [
    [call("exec_command", cmd="until [ -e go ]; do sleep 0.01; done", login=False, yield_time_ms=30_000)],
    [text("In ${prompt_re:in (\\w+) please}, then.")],
]


async def main() -> None:
    async with open_test_codex(SCRIPT) as codex:
        turns = 0
        async for event in codex.thread.run("Write a report."):
            match event.msg:
                case TaskStarted():
                    turns += 1
                case ItemStarted(item=CommandExecution()):
                    await codex.thread.submit(TurnInput((TextInput("Write it in French please."),)))
                    (codex.cwd / "go").touch()  # lets the command end
                case _:
                    pass
        last = codex.requests[-1]
        print("turns:", turns, "requests:", len(codex.requests))
        print("the last request ends with:", last.texts("user")[-2:])
        print("the output of the call is in it too:", "exited with code 0" in last.output_of("call_1"))


trio.run(main)
