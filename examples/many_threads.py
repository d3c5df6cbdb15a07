"""Many threads in one engine: each has its own history and its own end; one that fails disturbs nobody."""

import trio

from codex.testing import call, open_test_codex, text
from codex.threads import Thread, TurnError

THREADS = 20
SCRIPT = {
    "default": "works",
    "scripts": {
        "works": [
            [call("exec_command", cmd="echo ${prompt_re:number (\\d+)}", login=False)],
            [text("I am number ${re:Output:\\n(\\d+)}")],
        ],
        "fails": [[{"type": "failed", "code": "invalid_prompt", "message": "this one is out of order"}]],
    },
    "rules": [{"match": "number 13$", "script": "fails"}],
}


async def main() -> None:
    answers: dict[int, str] = {}

    async def work(thread: Thread, number: int) -> None:
        try:
            answers[number] = await thread.ask(f"You are number {number}")
        except TurnError as error:
            answers[number] = f"failed: {error}"

    async with open_test_codex(SCRIPT) as codex, trio.open_nursery() as nursery:
        for number in range(THREADS):
            nursery.start_soon(work, await codex.codex.start_thread(), number)
    print("answered:", sum(answers[number] == f"I am number {number}" for number in range(THREADS)), "of", THREADS)
    print("number 13", answers[13])


trio.run(main)
