"""Letters: agents stand at paths and write to each other; a question comes up to the parent while the child works."""

import json

import trio

from codex.base.jsontext import JsonObject, get_list, get_str
from codex.testing import call, open_test_codex, text


def wait(call_id: str) -> JsonObject:
    return call("wait_agent", call_id, timeout_ms=60_000)


SCRIPT = {
    "default": "lead",
    "scripts": {
        # `[[script:NAME]]` in a message says which script that agent's model plays.
        "lead": [
            [call("spawn_agent", "s", task_name="scout", message="Find the bug. [[script:scout]]"), wait("w1")],
            [call("send_message", "m", target="scout", message="Only in the parser."), wait("w2")],
            [call("followup_task", "f", target="scout", message="Now fix it."), wait("w3")],
            [call("list_agents", "l")],
            [text("It is fixed.")],
        ],
        "scout": [
            [call("send_message", "q", target="/root", message="Shall I look everywhere?"), wait("w")],
            [text("It is in line 7.")],
            [text("Fixed.")],
        ],
    },
}


async def main() -> None:
    async with open_test_codex(SCRIPT, features={"multi_agent_v2": True}) as codex:
        answer = await codex.thread.ask("Repair it.")
        for item in await codex.thread.history():
            if item["type"] == "agent_message":
                (part,) = [part for part in get_list(item, "content") if isinstance(part, dict)]
                head, _, words = get_str(part, "text").partition("Payload:\n")
                print(item["author"], "->", item["recipient"], head.split()[2], words)
        agents = json.loads(codex.requests[-1].output_of("l"))["agents"]
        print("now:", *(f"{agent['agent_name']} {agent['agent_status']}" for agent in agents))
        print(answer)


trio.run(main)
