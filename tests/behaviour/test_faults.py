"""What goes wrong inside a turn: the model or the user is told, the turn ends, nothing is left behind."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json, JsonObject
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted, TaskComplete, TurnAborted
from codex.protocol.item import CommandExecution
from codex.protocol.op import Interrupt, TurnInput
from codex.protocol.permission import SandboxMode
from codex.protocol.user_input import TextInput
from codex.testing import TestCodex as Kit
from codex.testing import call, open_test_codex, patch, text
from tests.behaviour.typed_codex import DEADLINE, Place, Typed, make_place

ALL_MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")


def command(cmd: str, call_id: str = "call_1", **arguments: Json) -> JsonObject:
    return call("exec_command", call_id, cmd=cmd, login=False, **arguments)


def raw_call(name: str, arguments: str, call_id: str) -> JsonObject:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}


def commands(events: Sequence[EventMsg]) -> list[CommandExecution]:
    items: list[Any] = [event.item for event in events if isinstance(event, ItemCompleted)]
    return [item for item in items if isinstance(item, CommandExecution)]


async def run_with(codex: Kit, prompt: str = "go") -> list[EventMsg]:
    """A turn that must complete, in good time."""
    with trio.fail_after(30):
        events = await codex.run_turn(prompt)
    assert isinstance(events[-1], TaskComplete), events[-1]
    return events


async def words_in(path: Path, count: int) -> list[str]:
    """The words in a file, once there are so many."""
    with trio.fail_after(20):
        while not (path.exists() and len(path.read_text().split()) >= count):
            await trio.lowlevel.checkpoint()
    return path.read_text().split()


async def wait_gone(pids: Sequence[str], within: float = 2.0) -> None:
    with trio.fail_after(within):
        while any(is_alive(pid) for pid in pids):
            await trio.lowlevel.checkpoint()


def is_alive(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path("/proc", pid, "status").read_text()
    except OSError:
        return False


# -- bytes that are no text --------------------------------------------------------------------------------------------


async def test_output_that_is_no_text_is_shown_with_marks() -> None:
    turns = [[command(r"printf 'a\377b\303\n'; printf '\000\001'")], [text("done")]]
    async with open_test_codex(turns) as codex:
        events = await run_with(codex)
        assert codex.requests[1].output_of("call_1").endswith("\na\ufffdb\ufffd\n\0\1")
        json.dumps(codex.rollout())
    assert commands(events)[0].aggregated_output == "a\ufffdb\ufffd\n\0\1"


async def test_a_patch_of_a_file_that_is_no_text_changes_nothing_and_is_told() -> None:
    update = patch("*** Update File: data.bin\n@@\n-old\n+new")
    async with open_test_codex([[update], [text("done")]], sandbox="workspace-write") as codex:
        (codex.cwd / "data.bin").write_bytes(b"old\n\xff\xfe\n")
        await run_with(codex)
        assert (codex.cwd / "data.bin").read_bytes() == b"old\n\xff\xfe\n"
        assert "data.bin" in codex.requests[1].output_of("call_1")
        assert "invalid utf-8" in codex.requests[1].output_of("call_1")


async def test_an_agents_md_that_is_no_text_does_not_keep_the_turn_from_running() -> None:
    async with open_test_codex([[text("done")]]) as codex:
        (codex.cwd / "AGENTS.md").write_bytes(b"Be \xff kind.\n")
        thread = await codex.codex.start_thread()
        with trio.fail_after(10):
            assert await thread.ask("go") == "done"
    assert any("Be \ufffd kind." in said for said in codex.requests[-1].texts("user"))


async def test_what_is_no_image_is_told_to_the_model() -> None:
    names = ["text.png", "empty.png", "none.png", ".", "/dev/zero", "pipe", "lines\n.png", "nul\0.png"]
    calls = [call("view_image", f"call_{n}", path=name) for n, name in enumerate(names)]
    async with open_test_codex([calls, [text("done")]]) as codex:
        (codex.cwd / "text.png").write_bytes(b"\xff\xfenot an image")
        (codex.cwd / "empty.png").touch()
        os.mkfifo(codex.cwd / "pipe")
        await run_with(codex)
        outputs = [codex.requests[1].output_of(f"call_{n}") for n in range(len(names))]
    starts = ["unable to process image at `", "unable to locate image at `", "image path `"]
    kinds = [next(kind for kind, start in enumerate(starts) if output.startswith(start)) for output in outputs]
    assert kinds == [0, 0, 1, 2, 0, 0, 1, 0]


# -- calls that make no sense ------------------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    "", " ", "null", "[]", "7", '"text"', "{", "{broken", "{}", '{"cmd": 3}', '{"cmd": ["ls"]}', '{"cmd": null}',
    '{"cmd": "true", "workdir": 3}', '{"cmd": "true", "tty": "yes"}', '{"cmd": "true", "yield_time_ms": "soon"}',
    '{"cmd": "true", "yield_time_ms": 1e999}', '{"cmd": "true", "max_output_tokens": NaN}', "{" * 5000,
    '{"cmd": "true", "max_output_tokens": ' + "9" * 5000 + "}", '{"command": "ls"}',
    '{"cmd": "true", "yield_time_ms": 1' + "0" * 400 + "}", '{"cmd": "true", "yield_time_ms": "' + "9" * 5000 + '"}',
    '{"cmd": "true", "max_output_tokens": "--5"}', '{"cmd": "true", "max_output_tokens": "-"}',
]  # fmt: skip


async def test_arguments_that_cannot_be_read_are_told_to_the_model() -> None:
    calls = [raw_call("exec_command", arguments, f"call_{n}") for n, arguments in enumerate(BAD_ARGUMENTS)]
    async with open_test_codex([calls, [text("done")]]) as codex:
        events = await run_with(codex)
        outputs = {arguments: codex.requests[1].output_of(f"call_{n}") for n, arguments in enumerate(BAD_ARGUMENTS)}
    strange = {arguments: output for arguments, output in outputs.items() if "failed to parse" not in output}
    assert strange == {}
    assert commands(events) == []


ODD_ARGUMENTS: list[JsonObject] = [
    {"cmd": "echo \ud800"}, {"cmd": "echo \0"}, {"cmd": ": " + "x" * 200_000}, {"cmd": ""},
    {"cmd": "true", "workdir": "/no/such"}, {"cmd": "true", "workdir": "a\0b"},
    {"cmd": "true", "shell": "/no/such/shell"}, {"cmd": "true", "shell": ""},
    {"cmd": "true", "shell": "a\0b"}, {"cmd": "true", "yield_time_ms": -1}, {"cmd": "true", "yield_time_ms": 10**300},
    {"cmd": "echo x", "max_output_tokens": -5}, {"cmd": "echo x", "max_output_tokens": 0},
    {"cmd": "kill -9 $$"}, {"cmd": "exec 1>&- 2>&-"}, {"cmd": "true", "unknown": {"deep": [1]}},
]  # fmt: skip


@pytest.mark.parametrize("sandbox", ["danger-full-access", "workspace-write"])
async def test_odd_arguments_are_answered_and_the_turn_goes_on(sandbox: SandboxMode) -> None:
    calls = [
        raw_call("exec_command", json.dumps({"login": False, **arguments}), f"call_{n}")
        for n, arguments in enumerate(ODD_ARGUMENTS)
    ]
    async with open_test_codex([calls, [text("done")]], sandbox=sandbox) as codex:
        await run_with(codex)
        outputs = [codex.requests[1].output_of(f"call_{n}") for n in range(len(calls))]
        json.dumps(codex.rollout())
    assert all(outputs)
    assert "crashed" not in "".join(outputs)


async def test_arguments_of_five_megabytes_are_taken() -> None:
    body = "*** Add File: big.txt\n" + "\n".join("+" + "x" * 99 for _ in range(50_000))
    async with open_test_codex([[patch(body)], [text("done")]], sandbox="workspace-write") as codex:
        # A conversation of this size must not be refused: only the call is tested.
        await codex.run_turn("go")
        assert (codex.cwd / "big.txt").stat().st_size == 5_000_000


async def test_calls_of_the_wrong_kind_and_of_nobody_are_told_to_the_model() -> None:
    calls: list[JsonObject] = [
        call("no_such_tool", "call_0"),
        call("", "call_1"),
        {"type": "custom_tool_call", "name": "exec_command", "call_id": "call_2", "input": "ls"},
        raw_call("write_stdin", '{"session_id": 4711, "chars": "x"}', "call_3"),
        raw_call("write_stdin", '{"chars": "x"}', "call_4"),
        {"type": "custom_tool_call", "name": "apply_patch", "call_id": "call_5", "input": "no patch"},
        {"type": "custom_tool_call", "name": "apply_patch", "call_id": "call_6", "input": ""},
        raw_call("wait_agent", '{"targets": ["nobody"]}', "call_7"),
        raw_call("close_agent", '{"target": "nobody"}', "call_8"),
    ]
    async with open_test_codex([calls, [text("done")]]) as codex:
        await run_with(codex)
        outputs = [codex.requests[1].output_of(f"call_{n}") for n in range(len(calls))]
    assert outputs[:2] == ["unsupported call: no_such_tool", "unsupported call: "]
    assert outputs[2] == "unsupported custom tool call: exec_command"
    assert "Unknown process id 4711" in outputs[3]
    assert "missing field `session_id`" in outputs[4]
    assert all("crashed" not in output and output for output in outputs)


# -- many calls --------------------------------------------------------------------------------------------------------


async def test_five_hundred_calls_one_after_the_other_are_answered_once_each() -> None:
    turn: JsonObject = {"items": [call("update_plan", "call_$i", plan=[{"step": "$i", "status": "pending"}])]}
    turns: list[Any] = [{"repeat": 500, "turn": turn}, [text("done")]]
    async with open_test_codex(turns, update_plan_enabled=True) as codex:
        await run_with(codex)
        last = codex.requests[-1].input
        payloads: list[Any] = [line["payload"] for line in codex.rollout()]
    ids = [f"call_{n}" for n in range(500)]
    assert [item["call_id"] for item in last if item["type"] == "function_call_output"] == ids
    assert [item["call_id"] for item in last if item["type"] == "function_call"] == ids
    assert [line["call_id"] for line in payloads if line.get("type") == "function_call_output"] == ids


async def test_a_hundred_commands_of_one_response_run_and_are_answered_in_their_order() -> None:
    calls = [command(f"echo {n}", f"call_{n}") for n in range(100)]
    async with open_test_codex([calls, [text("done")]]) as codex:
        events = await run_with(codex)
        outputs = [item for item in codex.requests[1].input if item["type"] == "function_call_output"]
    assert [item["call_id"] for item in outputs] == [f"call_{n}" for n in range(100)]
    assert [str(item["output"]).split("Output:\n")[1] for item in outputs] == [f"{n}\n" for n in range(100)]
    assert len(commands(events)) == 100


async def test_calls_that_share_an_id_get_an_output_each() -> None:
    twice = [command("echo one", "same"), command("echo two", "same")]
    async with open_test_codex([twice, [command("echo three", "same")], [text("done")]]) as codex:
        await run_with(codex)
        outputs = [item for item in codex.requests[2].input if item["type"] == "function_call_output"]
    assert [str(item["output"]).split("Output:\n")[1] for item in outputs] == ["one\n", "two\n", "three\n"]


async def test_a_call_without_an_id_gets_one_and_is_answered() -> None:
    unnamed: JsonObject = {"type": "function_call", "name": "exec_command", "arguments": json.dumps({"cmd": "echo hi"})}
    named_by_item: JsonObject = {**unnamed, "id": "fc_1", "call_id": ""}
    items: list[JsonObject] = [{"type": "raw_item", "item": item} for item in (unnamed, unnamed, named_by_item)]
    async with open_test_codex([items, [text("done")]]) as codex:
        await run_with(codex)
        request = codex.requests[1]
    ids = [str(item["call_id"]) for item in request.input if item["type"] == "function_call"]
    assert len({*ids}) == 3
    assert ids[2] == "fc_1"
    assert all("Output:\nhi\n" in request.output_of(call_id) for call_id in ids)


# -- commands that misbehave -------------------------------------------------------------------------------------------


async def test_a_command_may_be_waited_for_as_shortly_as_the_model_likes() -> None:
    async with open_test_codex([[command("sleep 60", yield_time_ms=0)], [text("done")]]) as codex:
        with trio.fail_after(9):  # less than what is waited for where nothing is said
            await codex.run_turn("go")
        assert "Process running with session ID " in codex.requests[1].output_of("call_1")


async def test_a_command_that_never_ends_goes_on_until_its_thread_ends() -> None:
    forever = command("echo $$ > pid; while :; do sleep 0.05; done", yield_time_ms=250)
    async with open_test_codex([[forever], [text("done")]]) as codex:
        await run_with(codex)
        assert "Process running with session ID " in codex.requests[1].output_of("call_1")
        pids = await words_in(codex.cwd / "pid", 1)
        assert is_alive(pids[0])
        with trio.fail_after(30):
            await codex.thread.stop()
        await wait_gone(pids)


@pytest.mark.parametrize("sandbox", ALL_MODES)
async def test_a_daemon_of_a_command_is_gone_after_an_interrupt(sandbox: SandboxMode, tmp_path: Path) -> None:
    # Inside of a sandbox the ids are others than ours, so the processes are found by what they run.
    mark = f"4243.{os.getpid()}{ALL_MODES.index(sandbox)}"
    daemon = f"(setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep {mark} &)' >/dev/null 2>&1 &)"
    turns = [[command(f"{daemon}; sleep {mark}", yield_time_ms=30_000)], [text("and on")]]
    async with open_test_codex(turns, sandbox=sandbox) as codex:
        with trio.fail_after(20):
            async with codex.thread.open_events() as events:
                await codex.thread.submit(TurnInput((TextInput("run"),)))
                async for event in events:
                    if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, CommandExecution):
                        break
                while len(sleepers(mark)) < 2:
                    await trio.lowlevel.checkpoint()
                await codex.thread.submit(Interrupt())
                async for event in events:
                    if isinstance(event.msg, TurnAborted):
                        break
        assert sleepers(mark) == []
        await run_with(codex, "go on")
        assert codex.requests[-1].output_of("call_1") == "aborted"


@pytest.mark.parametrize("sandbox", ALL_MODES)
async def test_a_daemon_that_outlives_its_command_ends_with_its_thread(sandbox: SandboxMode) -> None:
    mark = f"4244.{os.getpid()}{ALL_MODES.index(sandbox)}"
    daemon = f"(setsid sh -c '(setsid sleep {mark} &)' >/dev/null 2>&1 </dev/null &)"
    async with open_test_codex([[command(daemon)], [text("done")]], sandbox=sandbox) as codex:
        await run_with(codex)
        if sandbox != "danger-full-access":
            assert sleepers(mark) == []
        with trio.fail_after(10):
            await codex.thread.stop()
        assert sleepers(mark) == []


def sleepers(mark: str) -> list[str]:
    """The living processes that sleep for so long."""
    found: list[str] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path("/proc", name, "cmdline").read_bytes() == f"sleep\0{mark}\0".encode() and is_alive(name):
                found.append(name)
        except OSError:
            continue
    return found


# -- limits of the machine, with the real command ----------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def test_a_command_that_prints_100_megabytes_is_cut_and_costs_little_memory(place: Place) -> None:
    place.play([[command("yes abcdefgh | head -c 100000000", yield_time_ms=30_000)], [text("${out:call_1}")]])
    with place.start("exec", "--json", "-s", "danger-full-access", "go") as process:
        assert process.stdout is not None
        lines: list[bytes] = []
        peaks: list[int] = []
        for line in process.stdout:
            lines.append(line)
            peaks += peak_kilobytes(process.pid)
        assert process.wait(DEADLINE) == 0
    assert max(peaks[2:]) < 150_000
    items = [event["item"] for event in map(json.loads, lines) if event["type"] == "item.completed"]
    shown, told = (items[0]["aggregated_output"], items[1]["text"])
    assert len(shown) < 1_100_000
    assert "tokens truncated" in told
    assert len(told) < 50_000


def peak_kilobytes(pid: int) -> list[int]:
    """The most memory a process ever had; nothing when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]


FILLING: JsonObject = {
    "turns": [{"repeat": 30, "turn": [text("step $i"), command("yes | head -c 4000", "call_$i")]}, [text("done")]]
}


def stored(place: Place) -> list[JsonObject]:
    """The lines of the only rollout; each must be whole. None where not even the first one fitted."""
    paths = [*(place.codex_home / "sessions").rglob("*.jsonl")]
    assert len(paths) <= 1
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def check_full_disk(place: Place, run: Typed, reason: str) -> None:
    """The turn ended with the reason, and the rollout holds what was shown before."""
    assert "Traceback" not in run.stderr
    assert (run.code, [event["type"] for event in run.events[-2:]]) == (1, ["error", "turn.failed"])
    message = run.events[-1]["error"]["message"]
    assert "cannot write the session's record" in message
    assert reason in message
    assert [event["message"] for event in run.events if event["type"] == "error"] == [message]
    shown = [event["item"] for event in run.events if event["type"] == "item.completed"]
    payloads: list[Any] = [line["payload"] for line in stored(place)]
    texts = [part["text"] for payload in payloads if payload.get("role") == "assistant" for part in payload["content"]]
    outputs = [payload["call_id"] for payload in payloads if payload.get("type") == "function_call_output"]
    said = [item["text"] for item in shown if item["type"] == "agent_message"]
    assert said == texts[: len(said)]
    ran = [item for item in shown if item["type"] == "command_execution"]
    assert len(outputs) >= len(ran) - 1  # the output for the model follows what is shown


@pytest.mark.parametrize("blocks", [1, 60, 150])
def test_a_file_that_may_not_grow_fails_the_turn_and_keeps_what_was_shown(place: Place, blocks: int) -> None:
    place.play(FILLING)
    run = place.run("exec", "--json", "-s", "danger-full-access", "go", before=f"ulimit -f {blocks}")
    check_full_disk(place, run, "File too large")
    assert stored(place) or blocks == 1


@pytest.mark.parametrize("kilobytes", [8, 40, 100])
def test_a_full_disk_fails_the_turn_and_keeps_what_was_shown(place: Place, kilobytes: int) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"]
    place.codex_home.mkdir()
    if os.getuid() != 0 or subprocess.run([*mount, str(place.codex_home)], check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        place.play(FILLING)
        run = place.run("exec", "--json", "-s", "danger-full-access", "go")
        check_full_disk(place, run, "No space left on device")
        assert stored(place) or kilobytes == 8
    finally:
        subprocess.run(["umount", str(place.codex_home)], check=True)
