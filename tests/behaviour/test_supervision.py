"""What breaks inside a thread is seen by its supervisor, told to its watchers, and costs nothing that was written."""

import pytest
import trio
import trio.testing

from codex.protocol.event import ItemStarted, ShutdownComplete, TaskComplete, TurnFailed
from codex.protocol.item import CommandExecution
from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput
from codex.rollout import ThreadHasWriter
from codex.testing import call, open_test_codex, text
from codex.threads import Thread


def break_session(thread: Thread) -> None:
    """Send the session something that it cannot explain: it crashes."""
    thread._session.send_nowait("nonsense", control=True)


async def test_a_crashed_session_fails_its_turn_and_goes_on_with_what_it_had_written() -> None:
    turns = [
        [text("first answer")],
        [call("exec_command", cmd="sleep 60", yield_time_ms=30_000)],
        [text("third answer")],
    ]
    async with open_test_codex(turns) as codex:
        await codex.run_turn("first question")
        with trio.fail_after(10):
            async with codex.thread.open_events() as events:
                await codex.thread.submit(TurnInput((TextInput("second question"),)))
                async for event in events:
                    if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, CommandExecution):
                        break
                break_session(codex.thread)
                async for event in events:
                    if isinstance(event.msg, TurnFailed):
                        break
            ended = await codex.run_turn("third question")
        request = codex.requests[-1]
    assert isinstance(ended[-1], TaskComplete)
    assert {"first question", "second question", "third question"} <= set(request.texts("user"))
    assert "first answer" in request.texts("assistant")
    assert request.output_of("call_1") == "aborted"


async def test_a_session_that_keeps_crashing_ends_its_thread_and_no_other() -> None:
    async with open_test_codex([[text("hello")], [text("hello again")]]) as codex:
        other = await codex.codex.start_thread()
        with trio.fail_after(10):
            async with codex.thread.open_events() as events:
                while codex.thread.alive:
                    break_session(codex.thread)
                    await trio.testing.wait_all_tasks_blocked()
                async for event in events:
                    if isinstance(event.msg, ShutdownComplete):
                        break
            assert await other.ask("are you there?") == "hello"
        assert codex.codex.threads == (other,)


async def test_leaving_the_engine_ends_a_running_turn_and_its_processes() -> None:
    turns = [[call("exec_command", cmd="echo $$ > pid; sleep 60", yield_time_ms=30_000)]]
    with trio.fail_after(10):
        async with open_test_codex(turns) as codex:
            await codex.thread.submit(TurnInput((TextInput("run"),)))
            pid = codex.cwd / "pid"
            while not (pid.exists() and pid.read_text().strip()):
                await trio.lowlevel.checkpoint()
            proc = trio.Path("/proc", pid.read_text().strip())
            assert await proc.exists()
        assert not await proc.exists()


async def test_a_thread_that_somebody_else_writes_cannot_be_resumed() -> None:
    async with open_test_codex([[text("hello")]]) as first:
        await first.run_turn("go")
        async with open_test_codex([[text("hello")]], cwd=first.cwd, home=first.home) as second:
            with pytest.raises(ThreadHasWriter, match="already has an active writer"):
                await second.codex.resume_thread(first.thread.thread_id)


async def test_a_turn_that_died_with_its_program_is_told_to_the_model_at_the_resume() -> None:
    async with open_test_codex([[text("hello")], [text("again")]]) as first:
        await first.run_turn("go")
        path = first.thread.rollout_path
        await first.thread.stop()
        lines = await trio.Path(path).read_bytes()
        await trio.Path(path).write_bytes(b"".join(lines.splitlines(keepends=True)[:-1]))
        async with open_test_codex([[text("back")]], cwd=first.cwd, home=first.home) as second:
            thread = await second.codex.resume_thread(first.thread.thread_id)
            await thread.ask("what now?")
            said = second.requests[-1].texts("user")
    assert any("<turn_aborted>" in text for text in said)
