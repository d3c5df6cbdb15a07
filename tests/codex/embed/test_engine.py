"""The engine for asyncio programs: turns, events, questions, cancellation both ways, an end that leaves nothing."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject
from codex.config.schema import Config, ProviderInfo
from codex.embed import Engine, EngineStopped, EngineThread, open_engine, tool
from codex.embed._bridge import Mode
from codex.protocol.approval import Question
from codex.protocol.event import AgentMessageDelta, EventMsg, TaskComplete, TurnAborted
from codex.protocol.permission import SandboxPolicy
from codex.testing import call, text
from codex.threads import Thread, TurnError

MODES: tuple[Mode, ...] = ("thread", "guest")
HANG: JsonObject = {"type": "sleep", "seconds": 1000}
HANG_THEN_ANSWER: JsonObject = {"scripts": {"hang": [[HANG]], "answer": [[text("after")]]}, "default": "answer"}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Mode:
    return request.param


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name in ("home", "cwd"):
        (tmp_path / name).mkdir()
    return Config(
        codex_home=str(tmp_path / "home"),
        cwd=str(tmp_path / "cwd"),
        model="gpt-5.5",
        model_provider="scripted",
        model_providers={"scripted": ProviderInfo("scripted", "Scripted", wire_api="scripted")},
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
    )


def playing(config: Config, turns: Sequence[Any] | JsonObject) -> Config:
    script = Path(config.codex_home, "script.json")
    script.write_text(json.dumps(turns if isinstance(turns, dict) else {"turns": turns}))
    provider = attrs.evolve(config.model_providers["scripted"], script=str(script))
    return attrs.evolve(config, model_providers={"scripted": provider})


@asynccontextmanager
async def opened(
    config: Config, turns: Sequence[Any], mode: Mode, **options: Any
) -> AsyncGenerator[EngineThread, None]:
    async with open_engine(playing(config, turns), mode=mode, **options) as engine:
        yield await engine.start_thread()


def test_a_turn_is_asked_for_and_answered_and_nothing_is_left(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, [[text("Hello.")]], mode) as thread:
            assert await thread.ask("Say hello.") == "Hello."

    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(asyncio.wait_for(main(), 60))
    assert [one.name for one in threading.enumerate() if one.name == "codex-engine"] == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_events_come_in_order_and_all_of_them_to_a_slow_reader(config: Config, mode: Mode) -> None:
    words = [f"{n} " for n in range(1_000)]

    async def main() -> list[EventMsg]:
        seen = list[EventMsg]()
        async with opened(config, [[{"type": "text", "deltas": words}]], mode) as thread:
            async for event in thread.run("Count."):
                seen.append(event.msg)
                if len(seen) % 100 == 0:
                    await asyncio.sleep(0.01)
        return seen

    seen = asyncio.run(asyncio.wait_for(main(), 60))
    assert "".join(msg.delta for msg in seen if isinstance(msg, AgentMessageDelta)) == "".join(words)
    assert isinstance(seen[-1], TaskComplete)


def test_a_cancelled_task_interrupts_its_turn_which_has_ended_then(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, HANG_THEN_ANSWER, mode) as thread:
            asking = asyncio.create_task(thread.ask("Go. [[script:hang]]"))
            await thread.call(in_a_turn)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await thread.call(open_turn) is None
            assert await thread.ask("And now? [[script:answer]]") == "after"

    asyncio.run(asyncio.wait_for(main(), 60))


async def in_a_turn(thread: Thread) -> None:
    while thread.outbox.open_turn is None:
        await trio.sleep(0.01)


async def open_turn(thread: Thread) -> str | None:
    return thread.outbox.open_turn


def test_leaving_a_turns_block_interrupts_the_turn(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, HANG_THEN_ANSWER, mode) as thread:
            async with thread.run("Go. [[script:hang]]") as events:
                async for _ in events:
                    break
            assert await thread.call(open_turn) is None
            assert await thread.ask("And now? [[script:answer]]") == "after"

    asyncio.run(asyncio.wait_for(main(), 60))


def test_an_interrupt_ends_the_turn_with_an_event(config: Config, mode: Mode) -> None:
    async def main() -> EventMsg:
        async with opened(config, [[HANG]], mode) as thread:
            last: EventMsg | None = None
            async for event in thread.run("Go."):
                last = event.msg
                if type(last).__name__ == "TaskStarted":
                    await thread.interrupt()
            assert last is not None
            return last

    assert isinstance(asyncio.run(asyncio.wait_for(main(), 60)), TurnAborted)


def test_questions_are_answered_by_a_function_on_the_loop(config: Config, mode: Mode) -> None:
    asked = list[Question]()

    async def main() -> tuple[str, bool]:
        loop = asyncio.get_running_loop()

        async def decide(question: Question) -> bool:
            assert asyncio.get_running_loop() is loop
            await asyncio.sleep(0)
            asked.append(question)
            return "keep" not in str(question)

        turns = [
            [call("exec_command", "c1", cmd="touch made", login=False)],
            [call("exec_command", "c2", cmd="touch keep", login=False)],
            [text("done")],
        ]
        untrusted = attrs.evolve(config, approval_policy="untrusted")
        async with opened(untrusted, turns, mode, on_approval=decide) as thread:
            return await thread.ask("Go."), Path(config.cwd, "keep").exists()

    assert asyncio.run(asyncio.wait_for(main(), 60)) == ("done", False)
    assert Path(config.cwd, "made").exists()
    assert len(asked) == 2


def test_tools_run_on_the_loop_and_are_cancelled_with_the_turn(config: Config, mode: Mode) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began, ended = asyncio.Event(), asyncio.Event()

        @tool
        async def double(x: int) -> int:
            """Twice."""
            assert asyncio.get_running_loop() is loop
            return 2 * x

        @tool
        async def wait() -> str:
            """For ever."""
            began.set()
            try:
                await asyncio.sleep(1000)
            finally:
                ended.set()
            return ""

        turns = [[call("double", "d", x=21)], [text("It is ${out:d}.")], [call("wait", "w")]]
        async with open_engine(playing(config, turns), mode=mode) as engine:
            thread = await engine.start_thread(tools=[double, wait])
            assert await thread.ask("Go.") == "It is 42."
            asking = asyncio.create_task(thread.ask("Wait."))
            await began.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert ended.is_set()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_errors_are_the_engines_own(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, [{"http_status": 400, "message": "no"}], mode) as thread:
            with pytest.raises(TurnError, match="no"):
                await thread.ask("Go.")
        async with open_engine(playing(config, [[text("a")]]), mode=mode) as engine:
            with pytest.raises(UserError):
                await engine.resume_thread("0199a213-81c0-7800-8aa1-bbab2a035a53")

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_block_left_by_an_error_stops_what_runs_and_raises_it(config: Config, mode: Mode) -> None:
    async def use(engine: Engine) -> asyncio.Task[str]:
        thread = await engine.start_thread()
        asking = asyncio.create_task(thread.ask("Go."))
        await thread.call(in_a_turn)
        return asking

    async def main() -> None:
        used = list[tuple[Engine, asyncio.Task[str]]]()
        try:
            async with open_engine(playing(config, [[HANG]]), mode=mode) as engine:
                used.append((engine, await use(engine)))
                raise LookupError("mine")
        finally:
            [(engine, asking)] = used
            assert engine.codex.threads == ()
            with pytest.raises((EngineStopped, TurnError)):
                await asking

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(asyncio.wait_for(main(), 60))


def test_a_stopped_engine_says_so(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, [[HANG]], mode) as thread:
            asking = asyncio.create_task(thread.ask("Go."))
            await thread.call(in_a_turn)
        with pytest.raises((EngineStopped, TurnError)):
            await asking
        with pytest.raises(EngineStopped):
            await thread.ask("More.")

    asyncio.run(asyncio.wait_for(main(), 60))


def test_stored_threads_are_gone_on_with(config: Config, mode: Mode) -> None:
    async def main() -> None:
        async with opened(config, [[text("one")]], mode) as thread:
            await thread.ask("Go.")
        async with open_engine(playing(config, [[text("two")], [text("three")]]), mode=mode) as engine:
            again = await engine.resume_thread(thread.thread_id)
            assert await again.ask("On.") == "two"
            other = await engine.fork_thread(thread.thread_id)
            assert other.thread_id != thread.thread_id
            page = await engine.list_threads()
            assert {one.thread_id for one in page.threads} >= {thread.thread_id}

    asyncio.run(asyncio.wait_for(main(), 60))


@attrs.frozen
class Weather:
    city: str
    degrees: int


def test_an_answer_is_a_value_of_the_type_that_was_asked_for(config: Config, mode: Mode) -> None:
    async def main() -> Weather:
        turns = [[text('{"city": "Bern"}')], [text('{"city": "Bern", "degrees": 21}')]]
        async with opened(config, turns, mode) as thread:
            return await thread.ask("How is it?", output_type=Weather)

    assert asyncio.run(asyncio.wait_for(main(), 60)) == Weather("Bern", 21)


def test_two_engines_live_beside_each_other(config: Config) -> None:
    async def main() -> list[str]:
        async with (
            opened(config, [[text("one")]], "thread") as first,
            opened(config, [[text("two")]], "thread") as second,
        ):
            return await asyncio.gather(first.ask("Go."), second.ask("Go."))

    asyncio.run(asyncio.wait_for(main(), 60))
