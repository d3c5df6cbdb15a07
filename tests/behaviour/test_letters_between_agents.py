"""The second generation of tools for agents through the public door: paths, letters, follow-up tasks, interrupts."""

import json
import resource
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import trio

from codex.base.jsontext import Json, JsonObject, decode_object, get_list, get_object, get_str
from codex.ports.agents import AgentFailure, SpawnRequest
from codex.protocol.event import ItemCompleted, ItemStarted, TaskComplete, TurnFailed
from codex.protocol.item import AgentMessage, CollabToolCall, SubAgentActivity
from codex.protocol.letter import Letter
from codex.protocol.op import TurnInput
from codex.protocol.user_input import TextInput
from codex.session import Publish
from codex.testing import SeenRequest, TestCodex, call, open_test_codex, text

V2: dict[str, bool] = {"multi_agent_v2": True}
FOREVER: Json = {"type": "sleep", "seconds": 100_000}


def scripts(root: Sequence[object], **others: Sequence[object]) -> JsonObject:
    turns: Json = {name: cast("list[Json]", [*steps]) for name, steps in (("root", root), *others.items())}
    return {"scripts": turns, "default": "root"}


def spawn(call_id: str, name: str, script: str, **arguments: Json) -> JsonObject:
    return call("spawn_agent", call_id, task_name=name, message=f"go [[script:{script}]]", **arguments)


def wait(call_id: str) -> JsonObject:
    """Wait for a letter. It stands in the response of the call that it waits for the answer to: a request in between
    could carry the answer already."""
    return call("wait_agent", call_id, timeout_ms=600_000)


def letters(request: SeenRequest) -> list[str]:
    """The letters that a request carries."""
    return [
        "".join(get_str(part, "text") for part in get_list(item, "content") if isinstance(part, dict))
        for item in request.input
        if item["type"] == "agent_message"
    ]


def payloads(lines: list[JsonObject]) -> list[JsonObject]:
    return [get_object(line, "payload") for line in lines]


def asked_by(codex: TestCodex, path: str) -> list[SeenRequest]:
    """The requests of a child, which are known by their first letter."""
    return [
        request for request in codex.requests if any(f"Task name: {path}\n" in letter for letter in letters(request))
    ]


@contextmanager
def no_room() -> Generator[None]:
    """No file of this process can grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_task_arrives_as_a_letter_and_the_answer_comes_back_as_one() -> None:
    script = scripts([[spawn("c1", "scout", "child"), wait("c2")], [text("thanks")]], child=[[text("42")]])
    async with open_test_codex(script, features=V2) as codex:
        events = await codex.run_turn("delegate")
        child, last = asked_by(codex, "/root/scout")[0], codex.requests[-1]
    assert json.loads(last.output_of("c1")) == {"task_name": "/root/scout"}
    assert json.loads(last.output_of("c2")) == {"message": "Wait completed.", "timed_out": False}
    task = "Message Type: NEW_TASK\nTask name: /root/scout\nSender: /root\nPayload:\ngo [[script:child]]"
    assert letters(child) == [task]
    assert letters(last) == ["Message Type: FINAL_ANSWER\nTask name: /root\nSender: /root/scout\nPayload:\n42"]
    shown = [event.item for event in events if isinstance(event, ItemStarted | ItemCompleted)]
    assert [item.tool for item in shown if isinstance(item, CollabToolCall)] == ["wait", "wait"]
    assert [item.kind for item in shown if isinstance(item, SubAgentActivity)] == ["started", "completed"]


async def test_the_feature_or_the_model_chooses_the_tools(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"models": [{"slug": "gpt-5.5", "multi_agent_version": "v2"}]}))
    choices: list[tuple[dict[str, object], str]] = [
        ({}, "resume_agent"),
        ({"features": V2}, "list_agents"),
        ({"model_catalog_json": str(catalog)}, "list_agents"),
        ({"model_catalog_json": str(catalog), "features": {"multi_agent_v2": False}}, "resume_agent"),
    ]
    for settings, tool in choices:
        async with open_test_codex([[text("hi")]], **settings) as codex:
            await codex.run_turn("hello")
            names = json.dumps(codex.requests[0].body["tools"])
        offered = [name for name in ("resume_agent", "list_agents") if f'"{name}"' in names]
        assert offered == [tool], settings


async def test_a_message_starts_nothing_and_is_read_with_the_follow_up_task() -> None:
    script = scripts(
        [
            [spawn("c1", "scout", "child"), wait("c2")],
            [call("send_message", "c3", target="scout", message="a hint")],
            [call("list_agents", "c4")],
            [call("followup_task", "c5", target="/root/scout", message="more"), wait("c6")],
            [text("done")],
        ],
        child=[[text("one")], [text("two")]],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        second, last = asked_by(codex, "/root/scout")[1], codex.requests[-1]
    assert [letter.partition("Payload:\n")[2] for letter in letters(second)] == [
        "go [[script:child]]",
        "a hint",
        "more",
    ]
    assert json.loads(last.output_of("c4")) == {
        "agents": [
            {"agent_name": "/root", "agent_status": "running"},
            {"agent_name": "/root/scout", "agent_status": {"completed": "one"}},
        ]
    }
    assert (last.output_of("c3"), last.output_of("c5")) == ("", "")
    assert [letter.rpartition("\n")[2] for letter in letters(last)] == ["one", "two"]


async def test_more_follow_up_tasks_than_news_may_wake_all_start_a_turn() -> None:
    rounds = 27
    steps = [
        [call("followup_task", f"f{number}", target="scout", message="more"), wait(f"w{number}")]
        for number in range(rounds)
    ]
    script = scripts(
        [[spawn("c1", "scout", "child"), wait("c2")], *steps, [text("done")]],
        child=[[text(f"answer {number}")] for number in range(rounds + 1)],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    answers = [letter.rpartition("\n")[2] for letter in letters(last)]
    assert answers == [f"answer {number}" for number in range(rounds + 1)]


async def test_a_child_writes_to_its_parent_while_it_works() -> None:
    script = scripts(
        [
            [spawn("c1", "scout", "child"), wait("c2")],
            [call("send_message", "c3", target="scout", message="the second"), wait("c4")],
            [text("done")],
        ],
        child=[[call("send_message", "d1", target="/root", message="which file?"), wait("d2")], [text("that one")]],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    assert [(letter.split("\n")[0], letter.rpartition("\n")[2]) for letter in letters(last)] == [
        ("Message Type: MESSAGE", "which file?"),
        ("Message Type: FINAL_ANSWER", "that one"),
    ]


async def test_a_failure_is_a_final_answer_with_its_cause() -> None:
    script = scripts(
        [[spawn("c1", "scout", "child"), wait("c2")], [text("done")]],
        child=[{"http_status": 400, "message": "no such thing " * 1000}],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        (letter,) = letters(codex.requests[-1])
    assert "Payload:\nThe agent failed (errored) and gave no answer." in letter
    assert "no such thing" in letter
    assert len(letter) < 5_000


async def test_what_the_user_says_ends_a_wait() -> None:
    script = scripts(
        [[spawn("c1", "scout", "child"), wait("c2")], [text("done")]],
        child=[[FOREVER, text("never")]],
    )
    async with open_test_codex(script, features=V2) as codex, trio.open_nursery() as nursery:
        async with codex.thread.open_events() as events:
            nursery.start_soon(codex.run_turn, "delegate")
            async for event in events:
                if isinstance(event.msg, ItemStarted) and isinstance(event.msg.item, CollabToolCall):
                    break
        await codex.thread.submit(TurnInput((TextInput("stop waiting"),)))
    assert json.loads(codex.requests[-1].output_of("c2"))["timed_out"] is False
    assert "stop waiting" in codex.requests[-1].texts("user")


async def test_an_interrupted_agent_keeps_what_it_knows_and_takes_more() -> None:
    script = scripts(
        [
            [spawn("c1", "scout", "child")],
            [call("exec_command", "c2", cmd="until [ -s pid ]; do sleep 0.01; done")],
            [call("interrupt_agent", "c3", target="scout")],
            [call("exec_command", "c4", cmd="kill -0 $(cat pid) && echo alive || echo gone")],
            [call("followup_task", "c5", target="scout", message="and now?"), wait("c6")],
            [text("done")],
        ],
        child=[[call("exec_command", "d1", cmd="echo $$ > pid; sleep 1000", yield_time_ms=30_000)], [text("better")]],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    assert json.loads(last.output_of("c3")) == {"previous_status": "running"}
    assert last.output_of("c4").endswith("\ngone\n")
    assert [letter.rpartition("\n")[2] for letter in letters(last)] == ["better"]


async def test_what_cannot_be_done_is_told_with_the_way_out() -> None:
    script = scripts(
        [
            [spawn("c1", "scout", "slow")],
            [spawn("c2", "scout", "slow")],
            [spawn("c3", "Scout!", "slow")],
            [spawn("c4", "two", "slow")],
            [call("send_message", "c5", target="scuot", message="hm")],
            [call("followup_task", "c6", target="/root", message="hm")],
            [call("interrupt_agent", "c7", target="/root"), call("wait_agent", "c8", timeout_ms=3_600_001)],
            [spawn("c9", "three", "slow", fork_turns="some")],
            [text("done")],
        ],
        slow=[[FOREVER, text("never")]],
    )
    async with open_test_codex(script, features=V2, max_concurrent_threads=2) as codex:
        await codex.run_turn("delegate")
        last = codex.requests[-1]
    places = "features.multi_agent_v2.max_concurrent_threads_per_session = 2, the root among them"
    full = f"collab spawn failed: agent thread limit reached ({places}); wait for an agent to finish, or close one"
    assert [last.output_of(f"c{number}") for number in range(2, 10)] == [
        full,
        "agent_name must use only lowercase letters, digits, and underscores",
        full,
        "live agent path `/root/scuot` not found, did you mean '/root/scout'?",
        "Follow-up tasks can't target the root agent",
        "root is not a spawned agent",
        "timeout_ms must be at most 3600000",
        "fork_turns must be `none` or `all`",
    ]


async def test_a_path_stands_for_one_agent() -> None:
    script = scripts(
        [[spawn("c1", "scout", "child"), wait("c2")], [spawn("c3", "scout", "child")], [text("done")]],
        child=[[text("one")]],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        said = codex.requests[-1].output_of("c3")
    assert said == "agent path `/root/scout` already exists"


async def test_a_closed_agent_does_not_come_back_where_another_one_stands() -> None:
    async with open_test_codex(scripts([[text("well")]], child=[[text("one")]]), features=V2) as codex:
        agents = codex.thread._places.agents
        assert agents is not None
        request = SpawnRequest("go [[script:child]]", task_name="scout")
        first = await agents.spawn(request)
        await agents.close(first.agent_id)
        await agents.spawn(request)
        with pytest.raises(AgentFailure, match="agent path `/root/scout` already exists"):
            await agents.resume(first.agent_id)
        assert [one.state.status == "shutdown" for one in agents.below()] == [True, False]


async def test_a_fork_has_what_was_said_in_its_turns_and_no_calls() -> None:
    root: list[object] = [
        [text("My name is Ann.")],
        [call("exec_command", "e1", cmd="true"), text("I keep a secret.")],
        [text("It is blue.")],
        [
            spawn("c1", "all", "child"),
            spawn("c2", "one", "child", fork_turns="2"),
            spawn("c3", "none", "child", fork_turns="none"),
        ],
        [text("done")],
    ]
    async with open_test_codex(scripts(root, child=[[text("fine")]]), features=V2) as codex:
        for prompt in ("who?", "what?", "go on"):
            await codex.run_turn(prompt)
        with trio.fail_after(60):
            while not all(asked_by(codex, f"/root/{path}") for path in ("all", "one", "none")):
                await trio.lowlevel.checkpoint()
        said = {path: asked_by(codex, f"/root/{path}")[0] for path in ("all", "one", "none")}
    assert said["all"].texts("assistant") == ["My name is Ann.", "I keep a secret.", "It is blue."]
    assert said["one"].texts("assistant") == ["I keep a secret.", "It is blue."]
    assert said["none"].texts("assistant") == []
    assert not any(str(item["type"]).endswith(("call", "output")) for item in said["all"].input)


async def test_an_answer_wakes_an_idle_parent_only_where_that_is_on() -> None:
    held = call("exec_command", "d1", cmd="until [ -e go ]; do sleep 0.01; done", yield_time_ms=30_000)
    script = scripts(
        [[spawn("c1", "scout", "child")], [text("I go on later")], [text("I have read it")]],
        child=[[held], [text("42")]],
    )
    for wakes in (True, False):
        async with open_test_codex(script, features={**V2, "background_wake": wakes}) as codex:
            await codex.run_turn("delegate")
            async with codex.thread.open_events() as events:
                (codex.cwd / "go").touch()
                if wakes:
                    with trio.fail_after(60):
                        async for event in events:
                            if isinstance(event.msg, ItemCompleted) and isinstance(event.msg.item, AgentMessage):
                                break
                    assert letters(codex.requests[-1])[-1].endswith("\n42")
                else:
                    with trio.fail_after(60):
                        while not any(item["type"] == "agent_message" for item in await codex.thread.history()):
                            await trio.lowlevel.checkpoint()
                    assert codex.thread.outbox.open_turn is None


async def test_rollouts_say_which_generation_of_tools_a_thread_has() -> None:
    v2 = scripts([[spawn("c1", "scout", "child"), wait("c2")], [text("thanks")]], child=[[text("42")]])
    v1 = scripts([[call("spawn_agent", "c1", message="go [[script:child]]")], [text("ok")]], child=[[text("42")]])
    said: list[list[object]] = []
    for script, features in ((v1, dict[str, bool]()), (v2, V2)):
        async with open_test_codex(script, features=features) as codex:
            await codex.run_turn("delegate")
            with trio.fail_after(60):
                while codex.codex.threads[1].outbox.open_turn or codex.codex.threads[1].outbox.last_turn is None:
                    await trio.lowlevel.checkpoint()
            for thread in codex.codex.threads:
                assert thread.rollout_path is not None
                lines = [decode_object(line) for line in Path(thread.rollout_path).read_bytes().splitlines()]
                kinds = ("session_meta", "turn_context")
                said.append(
                    [get_object(line, "payload").get("multi_agent_version") for line in lines if line["type"] in kinds]
                )
    assert said == [[None, "v1"], ["v1", "v1"], ["v2", "v2"], ["v2", "v2"]]


async def test_a_letter_stands_in_its_author_s_rollout_and_in_its_reader_s() -> None:
    script = scripts([[spawn("c1", "scout", "child"), wait("c2")], [text("thanks")]], child=[[text("42")]])
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        child = codex.codex.threads[1]
        assert child.rollout_path is not None
        theirs = [decode_object(line) for line in Path(child.rollout_path).read_bytes().splitlines()]
        ours = codex.rollout()
    written = [get_object(get_object(payload, "item"), "letter") for payload in payloads(ours)]
    read = [payload["id"] for payload in payloads(theirs) if payload.get("type") == "agent_message"]
    assert [letter["id"] for letter in written if letter] == read
    ended = [payload["turn_id"] for payload in payloads(theirs) if payload.get("type") == "task_complete"]
    answers = [payload["id"] for payload in payloads(ours) if payload.get("type") == "agent_message"]
    assert answers == [f"amsg_{turn_id}" for turn_id in ended]


async def test_a_letter_outlives_the_session_that_had_not_read_it() -> None:
    script = scripts(
        [
            [spawn("c1", "scout", "child")],
            [call("exec_command", "c2", cmd="until [ -e began ]; do sleep 0.01; done", yield_time_ms=30_000)],
            [call("send_message", "c3", target="scout", message="a hint")],
            [call("exec_command", "c4", cmd="touch sent; until [ -e on ]; do sleep 0.01; done", yield_time_ms=30_000)],
            [call("followup_task", "c5", target="scout", message="more"), wait("c6")],
            [text("done")],
        ],
        child=[[call("exec_command", "d1", cmd="touch began; sleep 1000", yield_time_ms=30_000)], [text("fine")]],
    )
    async with open_test_codex(script, features=V2) as codex, trio.open_nursery() as nursery:
        nursery.start_soon(codex.run_turn, "delegate")
        with trio.fail_after(60):
            while not (codex.cwd / "sent").exists():
                await trio.lowlevel.checkpoint()
            child = codex.codex.threads[1]
            async with child.open_events() as events:
                child._session.send_nowait("nonsense", control=True)  # it crashes
                async for event in events:
                    if isinstance(event.msg, TurnFailed):
                        break
            (codex.cwd / "on").touch()
    assert [letter.rpartition("\n")[2] for letter in letters(asked_by(codex, "/root/scout")[-1])] == [
        "go [[script:child]]",
        "a hint",
        "more",
    ]
    failed, fine = letters(codex.requests[-1])
    assert "The agent failed (errored)" in failed
    assert fine.endswith("\nfine")


async def test_a_letter_that_a_full_disk_refused_is_brought_and_kept_once_there_is_room() -> None:
    script = scripts(
        [[spawn("c1", "scout", "child"), wait("c2")], [text("thanks")], [text("well")]],
        child=[[text("42")], [text("read")]],
    )
    async with open_test_codex(script, features=V2) as codex:
        await codex.run_turn("delegate")
        child, agents, session = codex.codex.threads[1], codex.thread._places.agents, codex.thread._places.session
        assert agents is not None
        assert agents.mail is not None
        assert session is not None

        async def keep(letter: Letter) -> None:
            activity = SubAgentActivity("c3", "interacted", letter.recipient_id, letter.recipient, letter=letter)
            with no_room():
                await session.ask(partial(Publish, (ItemCompleted("t", activity),), (), None))

        async with child.open_events() as events:
            await agents.mail.send("scout", "a hint", kind="NEW_TASK", keep=keep)
            async for event in events:
                if isinstance(event.msg, TaskComplete) and event.msg.last_agent_message == "read":
                    break
        assert letters(asked_by(codex, "/root/scout")[-1])[-1].endswith("\na hint")
        await codex.run_turn("go on")
        written = [get_object(get_object(payload, "item"), "letter") for payload in payloads(codex.rollout())]
    assert [letter["text"] for letter in written if letter] == ["go [[script:child]]", "a hint"]


async def test_a_program_s_agents_answer_in_letters_too() -> None:
    script = scripts([[text("I have read it")]], child=[[text("42")]])
    async with open_test_codex(script, features=V2) as codex:
        async with codex.thread.agents.spawn("how many? [[script:child]]") as agent:
            assert await agent.result() == "42"
            path = agent.info.path
        await codex.run_turn("and?")
        assert letters(codex.requests[-1]) == [
            f"Message Type: FINAL_ANSWER\nTask name: /root\nSender: {path}\nPayload:\n42"
        ]


async def test_who_would_close_a_circle_of_waits_is_told_the_circle_where_no_user_is_there() -> None:
    child = [[wait("d1")], [text("I end then")]]
    quiet = {**V2, "background_wake": False}
    async with open_test_codex(
        scripts([[spawn("c1", "scout", "child"), wait("c2")], [text("root")]], child=child), features=quiet
    ) as codex:
        with trio.fail_after(60):
            await codex.run_turn("delegate")
        (told,) = {
            str(item["output"]).partition(";")[0]
            for request in codex.requests
            for item in request.input
            if item.get("call_id") in ("c2", "d1") and "nobody would be left" in str(item.get("output"))
        }
    one, other = "/root waits for /root/scout waits for /root", "/root/scout waits for /root waits for /root/scout"
    assert told.removeprefix("nobody would be left to write: ") in (one, other)
