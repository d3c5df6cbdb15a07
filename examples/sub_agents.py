"""Sub-agents: the model starts two, they work at the same time, and their answers come back to it."""

import trio

from codex.protocol.event import ItemCompleted
from codex.protocol.item import CollabToolCall
from codex.testing import call, open_test_codex, text

SECONDS = 0.5
SCRIPT = {
    "default": "lead",
    "scripts": {
        "lead": [
            # `[[script:NAME]]` in a message says which script that agent's model plays.
            [
                call("spawn_agent", "a", message="Count the apples. [[script:apples]]"),
                call("spawn_agent", "p", message="Count the pears. [[script:pears]]"),
            ],
            [
                call("wait_agent", "wa", targets=["${out:a.agent_id}"]),
                call("wait_agent", "wp", targets=["${out:p.agent_id}"]),
            ],
            [text('They say: ${re:"completed":"([^"]*apples)"} and ${re:"completed":"([^"]*pears)"}.')],
        ],
        "apples": [[{"type": "sleep", "seconds": SECONDS}, text("12 apples")]],
        "pears": [[{"type": "sleep", "seconds": SECONDS}, text("7 pears")]],
    },
}


async def main() -> None:
    async with open_test_codex(SCRIPT) as codex:
        began = trio.current_time()
        events = await codex.run_turn("How much fruit is there?")
        took = trio.current_time() - began
        for event in events:
            match event:
                case ItemCompleted(item=CollabToolCall(tool="wait", agents_states=states)):
                    print("waited:", *(f"{state.status}: {state.message}" for state in states.values()))
                case _:
                    pass
        print("the agents worked at the same time:", took < 2 * SECONDS)
        tree = codex.codex.agents(codex.thread)
        assert tree is not None
        print("in the tree:", *(f"{agent.path} (depth {agent.depth})" for agent in tree.agents))
        print("threads alive:", len(codex.codex.threads))
        await codex.thread.stop()
        print("after the parent's end:", len(codex.codex.threads))


trio.run(main)
