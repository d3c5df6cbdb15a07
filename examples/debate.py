"""A debate with budgets: two agents argue in turns; whose budget is used up is out, and a judge hears what was said."""

import trio

from codex.protocol.budget import Budget
from codex.testing import open_test_codex, text
from codex.threads.sub_agents import SubAgent, SubAgentError

SCRIPT = {
    "default": "judge",
    "scripts": {
        # `[[script:NAME]]` in a message says which script that agent's model plays.
        "for": [[text("Actors are easy to test.")], [text("A crash stays in one of them.")], [text("They scale.")]],
        "against": [[text("Callbacks need less code.")], [text("So does a restart.")], [text("never said")]],
        "judge": [[text("After ${prompt_re:(\\d+) arguments}: for actors, who had the last word.")]],
    },
}


async def speak(agent: SubAgent, heard: list[str]) -> bool:
    """Let it answer what was said last; False where it may not ask its model any more."""
    if heard:
        await agent.send(f"They say: {heard[-1]} What do you say?")
    try:
        answer = await agent.result()
    except SubAgentError as error:
        print(f"{error.path} is out: {error.cause}")
        return False
    print(f"{agent.info.path}: {answer}")
    heard.append(answer)
    return True


async def main() -> None:
    async with open_test_codex(SCRIPT, model_prices={"gpt-5.5": (1.25, 0.125, 10.0)}) as codex:
        agents, heard = codex.thread.agents, list[str]()
        async with (
            agents.spawn("Speak for actors. [[script:for]]", budget=Budget(model_calls=3, tokens=200_000)) as ada,
            agents.spawn("Speak against them. [[script:against]]", budget=Budget(model_calls=2, usd=1.0)) as alan,
        ):
            await alan.result()  # its opening, which nobody has heard yet
            speakers = [ada, alan]
            while len(speakers) == 2:
                for speaker in [*speakers]:
                    if not await speak(speaker, heard):
                        speakers.remove(speaker)
        print(await codex.thread.ask(f"These are {len(heard)} arguments: {' '.join(heard)}"))


trio.run(main)
