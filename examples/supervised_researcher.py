"""A researcher that crashes is started again by its parent, as its role says; beyond the intensity it is given up.

The scripted model plays the researcher: one script breaks twice and then answers, the other breaks for ever.
"""

import trio

from codex.config.role import Role
from codex.testing import open_test_codex, text
from codex.threads.sub_agents import SubAgentError

BROKEN = {"http_status": 400, "message": "the source cannot be read"}
SCRIPT = {
    "scripts": {
        "root": [[text("unused")]],
        "moody": [BROKEN, BROKEN, [text("The oldest source is from 1843.")]],
        "hopeless": [BROKEN] * 9,
    },
    "default": "root",
}
ROLES = {"researcher": Role("researcher", "Reads sources.", ("Marie", "Rosalind"), restart="on_crash")}


async def main() -> None:
    async with open_test_codex(SCRIPT, roles=ROLES, max_restarts=3) as test:
        agents = test.thread.agents
        async with agents.spawn("Find the oldest source. [[script:moody]]", role="researcher") as marie:
            print(f"{marie.nickname}: {await marie.result()}")
            print(f"   restarts: {marie.info.restarts}, ended as: {marie.info.cause}")
        async with agents.spawn("Find the newest source. [[script:hopeless]]", role="researcher") as rosalind:
            try:
                await rosalind.result()
            except SubAgentError as error:
                print(f"{rosalind.nickname}: {error.cause}, and one restart was left: {rosalind.info.restarts}")


trio.run(main)
