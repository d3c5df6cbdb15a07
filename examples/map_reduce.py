"""Map and reduce: twenty agents read a file each, four at a time, and one puts their answers together."""

import trio

from codex.protocol.budget import Budget
from codex.testing import call, open_test_codex, text

FILES = 20
SCRIPT = {
    "default": "lead",
    "scripts": {
        # `[[script:NAME]]` in a message says which script that agent's model plays.
        "reader": [
            [call("exec_command", "read", cmd="${prompt_re:(wc -l \\w+\\.txt)}")],
            [text("${re:(\\d+ part\\d+\\.txt)}")],
        ],
        "lead": [[text("I have read ${prompt_re:(\\d+) answers}.")]],
    },
}


async def main() -> None:
    async with open_test_codex(SCRIPT, max_agents=4) as codex:
        names = [f"part{number}.txt" for number in range(FILES)]
        for number, name in enumerate(names):
            (codex.cwd / name).write_text("a line\n" * number)

        # One agent a file; each may ask its model three times, and is ended after a minute.
        prompts = [f"How long is it? Run `wc -l {name}`. [[script:reader]]" for name in names]
        answers = await codex.thread.agents.map(prompts, budget=Budget(model_calls=3), deadline=60)

        print("first and last:", answers[0], "|", answers[-1])
        print("lines in all:", sum(int(answer.split()[0]) for answer in answers))
        print("still there:", len(codex.codex.threads) - 1)
        print(await codex.thread.ask(f"These are the {len(answers)} answers: {'; '.join(answers)}"))


trio.run(main)
