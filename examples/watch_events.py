"""Watch a thread: all it tells, in the order of its rollout, and the text of the model as it comes."""

import trio

from codex.protocol.event import AgentMessageDelta, ItemCompleted, ItemStarted, TaskComplete
from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput
from codex.testing import call, open_test_codex, text

SCRIPT = [
    [call("exec_command", cmd="echo hello", login=False)],
    [text("I said hello to the shell.", chunks=4)],
]


async def main() -> None:
    async with open_test_codex(SCRIPT) as codex, codex.thread.open_events() as events:
        await codex.thread.submit(TurnInput((TextInput("Say hello."),)))
        async for event in events:
            match event.msg:
                case ItemStarted(item=item) | ItemCompleted(item=item):
                    print(type(event.msg).__name__, type(item).__name__)
                case AgentMessageDelta(delta=delta):
                    print("AgentMessageDelta", repr(delta))
                case msg:
                    print(type(msg).__name__)
            if isinstance(event.msg, TaskComplete):
                await codex.thread.stop()  # its last event ends the loop


trio.run(main)
