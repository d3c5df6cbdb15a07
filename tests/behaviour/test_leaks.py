"""A long conversation costs no more descriptors, children, threads and files than a short one."""

import gc
import logging
import os
import threading
import weakref
from pathlib import Path

import attrs
import pytest
import trio

from codex.base.jsontext import JsonObject
from codex.protocol.event import EventMsg, ItemStarted, TaskComplete, TurnAborted
from codex.protocol.item import CommandExecution
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.permission import SANDBOX_MODES, SandboxMode
from codex.protocol.user_input import TextInput
from codex.session import Outbox
from codex.testing import TestCodex as Kit
from codex.testing import call, cut, open_test_codex, patch, text
from codex.threads import Thread
from tests.behaviour.typed_codex import Place, make_place

CHILD = '${re:"agent_id":"([^"]+)"}'
ZOMBIE = " (a zombie)"
SCRIPT: JsonObject = {
    "scripts": {
        "work": {
            "turns": [
                [
                    call("exec_command", "run", cmd="echo $$; seq 2000", login=False),
                    patch("*** Add File: notes.txt\n+one\n+two", "add"),
                ],
                [
                    patch("*** Delete File: notes.txt", "delete"),
                    call("exec_command", "terminal", cmd="tty", tty=True, login=False),
                ],
                [text("done"), cut()],
                [text("done")],
            ],
            "loop": True,
        },
        "delegate": {
            "turns": [
                [call("spawn_agent", "spawn", message="[[script:child]]")],
                [call("wait_agent", "wait", targets=[CHILD])],
                [call("close_agent", "close", target=CHILD)],
                [text("done")],
            ],
            "loop": True,
        },
        "child": [[call("exec_command", "run", cmd="(setsid sleep 600 &); echo hi", login=False)], [text("done")]],
        "stuck": {
            "turns": [[call("exec_command", "stuck", cmd="sleep 600 | sleep 600", login=False, yield_time_ms=30_000)]],
            "loop": True,
        },
    },
    "default": "work",
}  # fmt: skip


@attrs.frozen
class Held:
    """What this process holds at a moment."""

    descriptors: dict[str, int]
    children: list[str]
    threads: set[str]
    files: set[str]


def held(*places: Path) -> Held:
    gc.collect()
    kinds: dict[str, int] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            kind = os.readlink(f"/proc/self/fd/{name}").partition(":")[0]
        except OSError:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
    files = {str(path) for place in places for path in place.rglob("*") if "sessions" not in path.parts}
    return Held(kinds, descendants(os.getpid()), {t.name for t in threading.enumerate() if "Trio" not in t.name}, files)


def descendants(pid: int) -> list[str]:
    """The command lines and states of all processes below one, zombies too."""
    found: list[str] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        except OSError:
            continue
        for child in children:
            try:
                state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
                found.append(f"{Path(f'/proc/{child}/cmdline').read_bytes()!r}{ZOMBIE if state in 'ZX' else ''}")
                found += descendants(int(child))
            except OSError:
                continue
    return sorted(found)


async def wait_same(expected: Held, *places: Path) -> None:
    """Processes that were killed are reaped a moment later."""
    with trio.move_on_after(5):
        while held(*places) != expected:
            await trio.lowlevel.checkpoint()
    now = held(*places)
    for field in attrs.fields_dict(Held):
        assert getattr(now, field) == getattr(expected, field)


async def interrupt_a_command(codex: Kit) -> EventMsg:
    async with codex.thread.open_events() as events:
        await codex.thread.submit(TurnInput((TextInput("[[script:stuck]]"),)))
        async for event in events:
            if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, CommandExecution):
                break
        await codex.thread.submit(Interrupt())
        async for event in events:
            if isinstance(event.msg, TurnAborted):
                return event.msg
    raise AssertionError("the thread ended")


async def run_round(codex: Kit) -> None:
    for script in ("work", "delegate"):
        events = await codex.run_turn(f"[[script:{script}]]")
        assert isinstance(events[-1], TaskComplete), events[-1]
    await interrupt_a_command(codex)


async def test_thirty_turns_leave_as_much_behind_as_three(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    (cwd := tmp_path / "cwd").mkdir()
    with trio.fail_after(120):
        async with open_test_codex(SCRIPT, home=home, cwd=cwd, max_agents=2) as codex:
            await run_round(codex)
            actors = len(codex.codex.threads)
            before = held(home, cwd)
            for _ in range(9):
                await run_round(codex)
            assert len(codex.codex.threads) == actors == 1
            await wait_same(before, home, cwd)


@pytest.mark.parametrize("sandbox", SANDBOX_MODES)
async def test_an_interrupt_while_a_command_starts_leaves_nothing_of_it(sandbox: SandboxMode) -> None:
    with trio.fail_after(30):
        async with open_test_codex(SCRIPT, sandbox=sandbox) as codex:
            await codex.run_turn("[[script:work]]")
            helper = descendants(os.getpid())
            for _ in range(10):
                await interrupt_a_command(codex)
                living = [child for child in descendants(os.getpid()) if not child.endswith(ZOMBIE)]
                assert living == helper
            with trio.fail_after(30):
                while descendants(os.getpid()) != helper:
                    await trio.lowlevel.checkpoint()


async def test_a_closed_engine_leaves_nothing_behind(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    (cwd := tmp_path / "cwd").mkdir()
    with trio.fail_after(60):
        before = held(cwd)
        for _ in range(2):  # the first one loads modules, whose descriptors stay
            before = held(cwd)
            async with open_test_codex(SCRIPT, home=home, cwd=cwd) as codex:
                await run_round(codex)
        await wait_same(before, cwd)
        # The id of the installation, the locks' directory, the sessions: nothing per thread.
        assert [path.name for path in (home / "thread-writer-locks").glob("*") if path.name[0] != "."] == []


async def test_what_goes_well_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with trio.fail_after(30):
        async with open_test_codex(SCRIPT) as codex:
            await run_round(codex)
    # A program that embeds the engine and sets up no logging gets warnings on its stderr.
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_short_run_forgets_to_close_nothing(tmp_path: Path) -> None:
    place: Place = make_place(tmp_path)
    place.play(SCRIPT)
    flags = ["-X", "dev", "-W", "default"]
    for prompt in ("[[script:work]]", "[[script:delegate]]"):
        run = place.run("exec", "--json", "-s", "workspace-write", prompt, python=flags)
        assert run.code == 0
        assert run.told == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("script", ["work", "stuck"])
async def test_a_cancelled_turn_leaves_nothing_behind(script: str, tmp_path: Path) -> None:
    (cwd := tmp_path / "cwd").mkdir()
    async with open_test_codex(SCRIPT, cwd=cwd) as codex:
        await codex.run_turn("[[script:work]]")
        before = held(cwd)
        for checkpoints in range(0, 60, 3):
            with trio.move_on_after(30), trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(codex.run_turn, f"[[script:{script}]]")
                    for _ in range(checkpoints):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
        (cwd / "notes.txt").unlink(missing_ok=True)
        await wait_same(before, cwd)


async def test_of_agents_that_have_ended_only_their_records_are_kept() -> None:
    script: JsonObject = {"scripts": {"child": [[text("done")]]}, "default": "child"}
    seen: list[weakref.ref[Thread] | weakref.ref[Outbox]] = []
    async with open_test_codex(script) as codex:
        for _ in range(20):
            async with codex.thread.agents.spawn("go") as agent:
                assert await agent.result() == "done"
                thread = codex.codex.find_living(agent.agent_id)
                assert thread is not None
                seen += [weakref.ref(thread), weakref.ref(thread.outbox)]
                del thread
        with trio.fail_after(60):
            while any(ref() is not None for ref in seen[:-2]):  # the last one is in the hands of who hears of its end
                await trio.lowlevel.checkpoint()
                gc.collect()
        assert [info.last_words for info in codex.thread.agents] == ["done"] * 20
