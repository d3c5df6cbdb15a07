"""What Codex 0.169 was seen to do with tools and items, where we once did something else."""

import stat
from pathlib import Path
from typing import Any

import pytest
import trio

from codex.base.jsontext import Json, JsonObject, decode_object
from codex.cli.exec_jsonl import JsonLines
from codex.patch import PROGRAMS
from codex.protocol.event import ItemCompleted, ItemStarted
from codex.protocol.item import CollabToolCall, CommandExecution, Reasoning, WebSearch
from codex.testing import TestCodex, call, open_test_codex, text
from tests.behaviour.typed_codex import Place

PATCH = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch"
NOBODY = "01234567-89ab-7def-8123-456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    for folder in (place.home, place.repo, tmp_path / "tmp"):
        folder.mkdir()
    return place


def command(cmd: str, call_id: str = "call_1", **more: Any) -> JsonObject:
    return call("exec_command", call_id, cmd=cmd, login=False, **more)


async def output_of(item: JsonObject, **settings: Any) -> str:
    """What the model is answered to a call."""
    async with open_test_codex([[item], [text("done")]], **settings) as codex:
        await codex.run_turn("go")
        return codex.requests[1].output_of("call_1")


async def completed(codex: TestCodex, kind: type) -> list[Any]:
    """The items of this kind that a turn completes."""
    return [
        event.item
        for event in await codex.run_turn("go")
        if isinstance(event, ItemCompleted) and isinstance(event.item, kind)
    ]


# -- exec_command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workdir", "reason"), [("nope", "does not exist"), ("file", "is not a directory")])
async def test_a_command_in_a_wrong_directory_is_shown_as_failed(workdir: str, reason: str) -> None:
    async with open_test_codex([[command("pwd", workdir=workdir)], [text("done")]]) as codex:
        (codex.cwd / "file").touch()
        [item] = await completed(codex, CommandExecution)
        why = f"Failed to create unified exec process: the working directory {codex.cwd / workdir} {reason}"
        assert (item.status, item.exit_code, item.aggregated_output) == ("failed", -1, why)
        output = codex.requests[1].output_of("call_1")
        assert output == f'exec_command failed: CreateProcess {{ message: "Rejected(\\"{why}\\")" }}'


async def test_what_the_sandbox_stops_at_once_is_told_to_the_model_and_shown_to_programs_but_not_in_codex_s_lines() -> (
    None
):
    script = [[command("echo a > new.txt")], [text("done")]]
    async with open_test_codex(script, sandbox="read-only") as codex:
        events = await codex.run_turn("go")
        [item] = [e.item for e in events if isinstance(e, ItemCompleted) and isinstance(e.item, CommandExecution)]
        assert (item.status, item.exit_code, item.stopped_at_once) == ("failed", 1, True)
        assert "Read-only file system" in codex.requests[1].output_of("call_1")
        lines = JsonLines()
        shown = [decode_object(line) for event in events for line in lines.render(event).splitlines()]
        assert [line["item"]["type"] for line in shown if "item" in line] == ["agent_message"]  # pyright: ignore
        [rollout] = codex.home.rglob("rollout-*.jsonl")
        assert "CommandExecution" not in rollout.read_text()


async def test_a_command_is_shown_once_it_has_ended_or_run_for_a_moment() -> None:
    calls = [command("sleep 0.6", "slow"), command("true", "quick")]
    async with open_test_codex([calls, [text("done")]]) as codex:
        events = await codex.run_turn("go")
        stages = [
            (type(event).__name__, event.item.id)
            for event in events
            if isinstance(event, ItemStarted | ItemCompleted) and isinstance(event.item, CommandExecution)
        ]
    assert stages == [
        ("ItemStarted", "quick"),
        ("ItemCompleted", "quick"),
        ("ItemStarted", "slow"),
        ("ItemCompleted", "slow"),
    ]


@pytest.mark.parametrize("shell", ["bash", "/nowhere/bash", "./bash"])
async def test_a_shell_is_found_by_its_kind(shell: str) -> None:
    assert (await output_of(command("echo $BASH", shell=shell))).endswith("/bash\n")


@pytest.mark.parametrize("shell", ["python3", "fish", "", "bash -l", "/nowhere/sh"])
async def test_what_is_no_shell_becomes_sh(shell: str) -> None:
    assert "/sh it\n" in await output_of(command("echo $0 it", shell=shell))


async def test_a_forced_removal_is_seen_behind_the_name_of_another_program() -> None:
    output = await output_of(command("rm -f x", shell="/usr/bin/env"))
    assert "rm -f style commands are not permitted" in output


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
@pytest.mark.parametrize("wanted", ["require_escalated", "with_additional_permissions"])
@pytest.mark.parametrize("cmd", ["echo hi", f"apply_patch <<'EOF'\n{PATCH}\nEOF"])
async def test_no_command_and_no_patch_in_one_gets_more_permissions_where_nobody_can_be_asked(
    cmd: str, wanted: str, mode: Any
) -> None:
    async with open_test_codex([[command(cmd, sandbox_permissions=wanted)], [text("done")]], sandbox=mode) as codex:
        assert await completed(codex, CommandExecution) == []
        assert codex.requests[1].output_of("call_1").startswith("approval policy is Never; reject command")
        assert not (codex.cwd / "new.txt").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"sandbox_permissions": "all"}, {"justification": 5}, {"prefix_rule": "ls"}, {"prefix_rule": ["ls", 1]}],
    ids=str,
)
async def test_a_request_to_leave_the_sandbox_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    assert (await output_of(command("echo hi", **wrong))).startswith("failed to parse function arguments: ")


async def test_the_size_of_output_is_counted_in_its_own_bytes() -> None:
    assert "\nOriginal token count: 2\n" in await output_of(command(r"printf 'a\xff\xfeb\n\xc3'"))


async def test_what_a_command_printed_beyond_the_buffer_is_counted_too() -> None:
    async with open_test_codex([[command("seq 1 300000")], [text("done")]]) as codex:
        [item] = await completed(codex, CommandExecution)
        output = codex.requests[1].output_of("call_1")
    assert "\n... 940319 bytes omitted ...\n" in item.aggregated_output
    assert "\nOutput:\nWarning: truncated output (original token count: 4972" in output
    assert "\n... 940319 bytes omitted ...\n\n1\n2\n" in output
    assert "Original token count: 4972" in output


async def test_a_command_knows_the_thread_the_session_and_the_call_it_runs_for() -> None:
    names = "$CODEX_THREAD_ID $CODEX_SESSION_ID $CODEX_TOOL_CALL_ID"
    async with open_test_codex([[command(f"echo {names}")], [text("done")]]) as codex:
        await codex.run_turn("go")
        said = codex.requests[1].output_of("call_1").splitlines()[-1]
        assert said == f"{codex.thread.thread_id} {codex.thread.thread_id} call_1"


# -- apply_patch inside of commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cmd",
    [
        "echo first && apply_patch <<'EOF'\n%s\nEOF",
        "cat <<'EOF' | apply_patch\n%s\nEOF",
        "applypatch '%s'",
        "cd . && cd . && apply_patch <<'EOF'\n%s\nEOF",
    ],
)
async def test_commands_find_apply_patch_as_a_program(cmd: str) -> None:
    async with open_test_codex([[command(cmd % PATCH)], [text("done")]]) as codex:
        [item] = await completed(codex, CommandExecution)
        assert item.exit_code == 0
        assert item.aggregated_output.endswith("Success. Updated the following files:\nA new.txt\n")
        assert (codex.cwd / "new.txt").read_text() == "hello\n"


async def test_apply_patch_in_a_command_obeys_the_sandbox() -> None:
    async with open_test_codex([[command(f"true; apply_patch '{PATCH}'")], [text("x")]], sandbox="read-only") as codex:
        [item] = await completed(codex, CommandExecution)
        assert item.exit_code == 1
        assert not (codex.cwd / "new.txt").exists()


async def test_no_module_of_the_working_directory_gets_into_apply_patch() -> None:
    async with open_test_codex([[command(f"true; apply_patch '{PATCH}'")], [text("done")]]) as codex:
        (codex.cwd / "codex").mkdir()
        (codex.cwd / "codex" / "__init__.py").write_text("raise SystemExit('mine')\n")
        (codex.cwd / "attrs.py").write_text("raise SystemExit('mine')\n")
        [item] = await completed(codex, CommandExecution)
        assert item.exit_code == 0


def test_our_programs_may_be_executed() -> None:
    programs = sorted(Path(PROGRAMS).iterdir())
    assert [program.name for program in programs] == ["apply_patch", "applypatch"]
    assert all(program.stat().st_mode & stat.S_IXUSR for program in programs)


# -- view_image and calls of nobody ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "detail"), [("gpt-5.5", "original"), ("unknown", "high")])
async def test_an_image_goes_to_the_model_in_the_detail_that_it_takes(model: str, detail: str) -> None:
    script = [[call("view_image", path="./sub/../i.png")], [text("done")]]
    async with open_test_codex(script, model=model) as codex:
        (codex.cwd / "i.png").write_bytes(PNG)
        await codex.run_turn("go")
        items: list[Any] = [*codex.requests[1].input]
        [[part]] = [item["output"] for item in items if item["type"] == "function_call_output"]
        assert (part["type"], part["detail"]) == ("input_image", detail)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "function_call", "namespace": "other", "name": "exec_command"}, "call: otherexec_command"),
        (
            {"type": "function_call", "namespace": "multi_agent_v1", "name": "view_image"},
            "call: multi_agent_v1view_image",
        ),
        ({"type": "function_call", "namespace": "functions", "name": "spawn_agent"}, "call: functionsspawn_agent"),
        ({"type": "custom_tool_call", "name": "nope"}, "custom tool call: nope"),
    ],
)
async def test_a_tool_is_not_found_in_a_namespace_that_is_not_its_own(item: JsonObject, name: str) -> None:
    body: JsonObject = {"input": "x"} if item["type"] == "custom_tool_call" else {"arguments": {"cmd": "echo hi"}}
    assert await output_of({**item, **body, "call_id": "call_1"}) == f"unsupported {name}"


async def test_models_may_say_functions_for_tools_without_a_namespace() -> None:
    output = await output_of({**command("echo hi"), "namespace": "functions"})
    assert output.endswith("\nhi\n")


# -- items -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "query"),
    [
        ({"type": "search", "query": "foo", "queries": ["foo", "bar"]}, "foo"),
        ({"type": "search", "queries": ["a"]}, "a"),
        ({"type": "search", "queries": ["a", "b"]}, "a ..."),
        ({"type": "open_page", "url": "http://x"}, "http://x"),
        ({"type": "find_in_page", "url": "http://x", "pattern": "p"}, "'p' in http://x"),
        ({"type": "find_in_page", "pattern": "p"}, "'p'"),
        ({"type": "search"}, ""),
    ],
    ids=str,
)
def test_a_search_of_the_server_is_an_item(place: Place, action: JsonObject, query: str) -> None:
    search: JsonObject = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action}
    place.play([[{"type": "raw_item", "item": search}, text("found")]])
    done = place.run("exec", "--json", "--skip-git-repo-check", "go")
    item = {"id": "ws_1", "type": "web_search", "query": query, "action": action}
    assert done.events[2:4] == [{"type": "item.started", "item": item}, {"type": "item.completed", "item": item}]
    assert done.events[4]["item"]["id"] == "item_1"


@pytest.mark.parametrize("action", [None, {"type": "think", "query": "x"}])
def test_a_search_of_an_unknown_kind_is_shown_as_another_one(place: Place, action: JsonObject | None) -> None:
    search: JsonObject = {"type": "web_search_call", "id": "ws_1", "action": action}
    place.play([[{"type": "raw_item", "item": search}, text("found")]])
    done = place.run("exec", "--json", "--skip-git-repo-check", "go")
    assert done.events[3]["item"] == {"id": "ws_1", "type": "web_search", "query": "", "action": {"type": "other"}}


async def test_a_search_is_kept_in_the_rollout_and_goes_back_to_the_model() -> None:
    action: JsonObject = {"type": "search", "query": "foo"}
    search: JsonObject = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action}
    turns: list[list[JsonObject]] = [[{"type": "raw_item", "item": search}, command("true")], [text("done")]]
    async with open_test_codex(turns) as codex:
        [item] = await completed(codex, WebSearch)
        assert item == WebSearch("ws_1", "foo", action)
        assert search in codex.requests[1].input
        kept = [line["payload"] for line in codex.rollout() if line["type"] == "event_msg"]
    assert {"type": "WebSearch", "id": "ws_1", "query": "foo", "action": action} in [
        line.get("item") for line in kept if isinstance(line, dict)
    ]


def test_raw_reasoning_without_a_summary_is_not_printed() -> None:
    assert JsonLines().render(ItemCompleted("t", Reasoning("rs_1", (), ("raw",)))) == b""
    line = decode_object(JsonLines().render(ItemCompleted("t", Reasoning("rs_1", ("short",), ("raw",)))))
    assert line["item"] == {"id": "item_0", "type": "reasoning", "text": "short"}


def test_a_refusal_is_what_the_model_said(place: Place) -> None:
    content: list[Any] = [{"type": "refusal", "refusal": "I will not."}]
    said: JsonObject = {"type": "message", "role": "assistant", "id": "m", "content": content}
    place.play([[{"type": "raw_item", "item": said}]])
    done = place.run("exec", "--json", "--skip-git-repo-check", "go")
    assert done.events[2]["item"] == {"id": "item_0", "type": "agent_message", "text": "I will not."}


# -- approvals of exec -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["on-request", "on-failure", "never"])
def test_exec_never_lets_a_command_out_of_its_sandbox(place: Place, policy: str) -> None:
    outside = place.path / "outside"
    place.play([[command(f"touch {outside}", sandbox_permissions="require_escalated")], [text("done")]])
    config = f'approval_policy="{policy}"'
    done = place.run("exec", "--json", "--skip-git-repo-check", "-s", "read-only", "-c", config, "go")
    assert done.code == 0
    assert not outside.exists()
    assert [event["item"]["type"] for event in done.events if "item" in event] == ["agent_message"]


# -- agents ------------------------------------------------------------------------------------------------------------

CHILD = "${out:spawn.agent_id}"


def agents(*turns: list[JsonObject], child: list[JsonObject] | None = None) -> JsonObject:
    scripts: dict[str, Any] = {
        "parent": [*turns, [text("done")]],
        "child": [child or [text("first")]],
        "again": [[text("second")]],
    }
    return {"scripts": scripts, "default": "parent"}


def spawn(**more: Any) -> JsonObject:
    return call("spawn_agent", "spawn", **({"message": "[[script:child]] work"} | more))


def wait(call_id: str = "wait", **more: Any) -> JsonObject:
    arguments: dict[str, Any] = {"targets": [CHILD], **more}
    return call("wait_agent", call_id, **arguments)


def settled(codex: TestCodex, call_id: str) -> dict[str, Any]:
    return decode_object(codex.requests[-1].output_of(call_id).encode())


async def test_a_closed_agent_goes_on_with_its_history() -> None:
    turns = [
        [spawn()],
        [wait()],
        [call("close_agent", "close", target=CHILD)],
        [call("resume_agent", "resume", id=CHILD)],
        [call("send_input", "send", target=CHILD, message="[[script:again]] more")],
        [wait("wait_2")],
    ]
    async with open_test_codex(agents(*turns)) as codex:
        items = await completed(codex, CollabToolCall)
        assert settled(codex, "resume") == {"status": "pending_init"}
        [state] = settled(codex, "wait_2")["status"].values()
        assert state == {"completed": "second"}
        [again] = [request for request in codex.requests if request.texts("user")[-1] == "[[script:again]] more"]
    assert "[[script:child]] work" in again.texts("user")
    assert again.texts("assistant") == ["first"]
    resumed = next(item for item in items if item.tool == "resume_agent")
    assert [state.status for state in resumed.agents_states.values()] == ["pending_init"]
    assert decode_object(JsonLines().render(ItemCompleted("t", resumed)))["item"]["tool"] == "wait"  # pyright: ignore


async def test_a_wait_after_an_interrupt_with_a_new_task_waits_for_the_new_task() -> None:
    turns = [
        [call("spawn_agent", "spawn", message="[[script:slow]] work")],
        [call("send_input", "more", target=CHILD, message="[[script:child]] rather this", interrupt=True)],
        [wait()],
    ]
    script = agents(*turns)
    script["scripts"]["slow"] = [[{"type": "sleep", "seconds": 60}, text("late")]]  # type: ignore[index,call-overload]
    async with open_test_codex(script) as codex:
        items = await completed(codex, CollabToolCall)
        assert [state.status for item in items for state in item.agents_states.values()] == [
            "pending_init",
            "interrupted",
            "completed",
        ]
        assert [*settled(codex, "wait")["status"].values()] == [{"completed": "first"}]


async def test_an_agent_that_lives_is_not_started_again() -> None:
    async with open_test_codex(agents([spawn()], [wait()], [call("resume_agent", "resume", id=CHILD)])) as codex:
        await codex.run_turn("go")
        assert settled(codex, "resume") == {"status": {"completed": "first"}}


async def test_a_stranger_cannot_be_resumed() -> None:
    async with open_test_codex(agents([call("resume_agent", "resume", id=NOBODY)])) as codex:
        [item] = await completed(codex, CollabToolCall)
        assert (item.status, item.agents_states[NOBODY].status) == ("failed", "not_found")
        assert codex.requests[-1].output_of("resume") == f"agent with id {NOBODY} not found"


async def test_a_resumed_agent_takes_a_place() -> None:
    turns = [
        [spawn()],
        [wait()],
        [call("close_agent", "close", target=CHILD)],
        [call("spawn_agent", "busy", message="[[script:slow]] work")],
        [call("resume_agent", "resume", id=CHILD)],
    ]
    script = agents(*turns)
    script["scripts"]["slow"] = [[{"type": "sleep", "seconds": 60}, text("late")]]  # type: ignore[index,call-overload]
    async with open_test_codex(script, max_agents=1) as codex:
        await codex.run_turn("go")
        assert "agent thread limit reached" in codex.requests[-1].output_of("resume")


async def test_a_wait_that_timed_out_names_nobody(autojump_clock: trio.abc.Clock) -> None:
    script = agents([spawn()], [wait(timeout_ms=10_000)])
    script["scripts"]["child"] = [[{"type": "sleep", "seconds": 60}, text("late")]]  # type: ignore[index,call-overload]
    async with open_test_codex(script) as codex:
        items = await completed(codex, CollabToolCall)
        assert (items[-1].tool, items[-1].status, items[-1].receiver_thread_ids) == ("wait", "completed", ())


async def test_a_wait_that_found_a_lost_agent_failed() -> None:
    async with open_test_codex(agents([wait(targets=[NOBODY])])) as codex:
        [item] = await completed(codex, CollabToolCall)
        assert (item.tool, item.status) == ("wait", "failed")


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        (spawn(message=" "), "Empty message can't be sent to an agent"),
        (spawn(items=[]), "Provide either message or items, but not both"),
        (call("spawn_agent", "spawn"), "Provide one of: message or items"),
        (call("spawn_agent", "spawn", items=[]), "Items can't be empty"),
        (call("send_input", "spawn", target=NOBODY, message=""), "Empty message can't be sent to an agent"),
        (wait("spawn", targets=[NOBODY], timeout_ms=0), "timeout_ms must be greater than zero"),
        (wait("spawn", targets=[]), "agent ids must be non-empty"),
        *(
            (call("close_agent", "spawn", target=target), f"invalid agent id {target}: Error({fault})")
            for target, fault in {
                "nobody": "ParseChar { character: 'n', index: 1 }",
                "abc": "ParseSimpleLength { len: 3 }",
                "ab-cd": "ParseGroupCount { count: 2 }",
                NOBODY[1:]: "ParseGroupLength { group: 0, len: 7, index: 1 }",
                NOBODY[:-1]: "ParseGroupLength { group: 4, len: 11, index: 25 }",
            }.items()
        ),
        (call("spawn_agent", "spawn", items=[{"type": "image", "image_url": "x"}]), "failed to parse function arg"),
    ],
)
async def test_what_cannot_be_asked_of_agents_is_answered_and_not_shown(item: JsonObject, answer: str) -> None:
    async with open_test_codex(agents([item])) as codex:
        assert await completed(codex, CollabToolCall) == []
        assert codex.requests[-1].output_of("spawn").startswith(answer)


async def test_an_agent_may_be_spoken_to_in_parts() -> None:
    parts: list[Json] = [{"type": "text", "text": "[[script:child]] one"}, {"type": "text", "text": "two"}]
    async with open_test_codex(agents([call("spawn_agent", "spawn", items=parts)], [wait()])) as codex:
        items = await completed(codex, CollabToolCall)
        assert items[0].prompt == "[[script:child]] one\ntwo"
        assert list(settled(codex, "wait")["status"].values()) == [{"completed": "first"}]
