"""Interrupt a turn: its command is gone before its end is told, and the thread goes on."""

import os

import trio

from codex.protocol.event import CommandOutputDelta, TurnAborted
from codex.protocol.op import Interrupt
from codex.testing import call, open_test_codex, text

SCRIPT = [
    [call("exec_command", cmd="echo $$; exec sleep 1000", login=False, yield_time_ms=30_000)],
    [text("I am here.")],
]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def main() -> None:
    async with open_test_codex(SCRIPT) as codex:
        pid = 0
        async for event in codex.thread.run("Do something long."):
            match event.msg:
                case CommandOutputDelta(chunk=chunk):
                    pid = int(chunk)
                    print("the command runs:", runs(pid))
                    await codex.thread.submit(Interrupt())
                case TurnAborted(reason=reason):
                    print("the turn was ended:", reason)
                    print("the command runs:", runs(pid))
                case _:
                    pass
        print("asked again:", await codex.thread.ask("Are you there?"))
        print("the model was told about its call:", codex.requests[-1].output_of("call_1"))


trio.run(main)
