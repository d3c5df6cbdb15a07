"""What a person sees of a turn."""

import re
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from codex.cli.exec_human import MAX_SHOWN_LINES, HumanText, harmless, shown_lines
from codex.protocol.event import (
    ActionRefused,
    CommandOutputDelta,
    EventMsg,
    ItemCompleted,
    ItemStarted,
    PlanUpdate,
    SessionConfigured,
    TaskComplete,
    TaskStarted,
    TurnAborted,
    TurnFailed,
    Warning,
)
from codex.protocol.item import (
    AgentMessage,
    AgentState,
    CollabToolCall,
    CommandExecution,
    ContextCompaction,
    FileChange,
    FileUpdate,
    PlanStep,
    Reasoning,
    UserMessage,
)
from codex.protocol.permission import SandboxPolicy
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import TextInput

USAGE = TokenUsage(12_000, 9_000, 0, 345, 0, 12_345)
COMMAND = CommandExecution("c", ("/bin/bash", "-lc", "ls -l"), "/repo")


def text_of(*msgs: EventMsg, color: bool = False) -> str:
    human = HumanText("codex-actors 0", color=color)
    return "".join(map(human.render, msgs))


def test_a_compaction_is_a_line_of_its_own() -> None:
    compaction = ContextCompaction("c")
    assert text_of(ItemStarted("t", compaction), ItemCompleted("t", compaction)) == "context compacted\n\n"


def test_a_whole_turn_reads_from_top_to_bottom() -> None:
    policy = SandboxPolicy("workspace-write", ("/data",), network_access=True)
    patch = FileChange(
        "p",
        (
            FileUpdate("/repo/a.py", "update", unified_diff="--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"),
            FileUpdate("/repo/b.py", "add", content="new\n"),
        ),
        "completed",
    )
    states = {"th2": AgentState("pending_init")}
    text = text_of(
        SessionConfigured("th1", "gpt-5.5", "openai", "/repo", "never", policy, "/r.jsonl"),
        Warning("careful"),
        TaskStarted("t"),
        ItemCompleted("t", UserMessage("u", (TextInput("fix it"),))),
        ItemCompleted("t", Reasoning("r", ("hm",))),
        PlanUpdate("t", "first look", (PlanStep("look", "completed"), PlanStep("fix", "in_progress"))),
        ItemStarted("t", COMMAND),
        ItemCompleted("t", CommandExecution("c", COMMAND.command, "/repo", "failed", None, "no\n", 2, 0.0123)),
        ItemStarted("t", CollabToolCall("s", "spawn_agent", "th1", (), "look into b")),
        ItemCompleted("t", CollabToolCall("s", "spawn_agent", "th1", ("th2",), "look into b", states, "completed")),
        ItemCompleted("t", patch),
        ItemCompleted("t", AgentMessage("m", "Done.")),
        TaskComplete("t", "Done.", USAGE, 5),
    )
    assert text == (
        "codex-actors 0\n--------\nworkdir: /repo\nmodel: gpt-5.5\nprovider: openai\napproval: never\n"
        "sandbox: workspace-write [workdir, /data, /tmp, $TMPDIR] with network\n"
        "reasoning effort: default of the model\nsession id: th1\n--------\n"
        "warning: careful\n"
        "user\nfix it\n\n"
        "thinking\nhm\n\n"
        "plan  first look\n  ✓ look\n  → fix\n\n"
        "exec  ls -l\n  no\n  exited 2 in 12 ms\n\n"
        "agent  starts an agent\n  look into b\n  agent 1 (th2) is pending init\n\n"
        "patch\n  M a.py\n  @@ -1 +1 @@\n  -x\n  +y\n  A b.py\n  +new\n\n"
        "codex\nDone.\n\n"
        "tokens used: 12,345 (input 12,000, output 345, 9,000 of the input cached)\n"
    )


def test_a_diff_is_green_and_red() -> None:
    patch = FileChange("p", (FileUpdate("/a", "update", unified_diff="@@ -1 +1 @@\n-x\n+y\n"),), "completed")
    text = text_of(ItemCompleted("t", patch), color=True)
    assert "\x1b[31m-x\x1b[0m" in text
    assert "\x1b[32m+y\x1b[0m" in text


def test_parallel_commands_are_told_apart_at_their_ends() -> None:
    other = CommandExecution("d", ("/bin/bash", "-c", "sleep 9"), "/repo")
    done = CommandExecution("c", COMMAND.command, "/repo", "completed", None, "", 0, 1.5)
    text = text_of(TaskStarted("t"), ItemStarted("t", COMMAND), ItemStarted("t", other), ItemCompleted("t", done))
    assert text == "exec  ls -l in /repo\nexec  sleep 9 in /repo\nexec  ls -l ended:\n  succeeded in 1.5 s\n\n"


def test_what_an_agent_said_is_shown_where_it_is_waited_for_and_its_id_once() -> None:
    states = {"th2": AgentState("completed", "all fine")}
    waited = CollabToolCall("w", "wait", "th1", ("th2",), None, states, "completed")
    closed = CollabToolCall("x", "close_agent", "th1", ("th2",), None, states, "completed")
    text = text_of(
        ItemStarted("t", CollabToolCall("w", "wait", "th1", ("th2",))),
        ItemCompleted("t", waited),
        ItemStarted("t", CollabToolCall("x", "close_agent", "th1", ("th2",))),
        ItemCompleted("t", closed),
    )
    assert text == (
        "agent  waits for agent 1 (th2)\n  agent 1 is completed: all fine\n\n"
        "agent  closes agent 1\n  agent 1 is completed\n\n"
    )


def test_an_interrupted_turn_says_so_with_its_tokens() -> None:
    text = text_of(TaskStarted("t"), TurnAborted("t", "interrupted", USAGE))
    assert text.startswith("turn ended: the turn was interrupted\ntokens used: 12,345")


def test_a_failed_turn_says_why() -> None:
    assert text_of(TaskStarted("t"), TurnFailed("t", "no such model", "x", USAGE)).startswith("ERROR: no such model\n")


@pytest.mark.parametrize(("reasoning", "shown"), [("summary", "short"), ("raw", "long"), (None, "")])
def test_thoughts_are_shown_as_the_user_wants_them(reasoning: Any, shown: str) -> None:
    human = HumanText("t", color=False, reasoning=reasoning)
    text = human.render(ItemCompleted("t", Reasoning("r", ("short",), ("long",))))
    assert text == (f"thinking\n{shown}\n\n" if shown else "")


def test_what_is_waited_for_is_known() -> None:
    human = HumanText("t", color=False)
    human.render(TaskStarted("t"))
    assert human.activity() == "waiting for the model"
    human.render(ItemStarted("t", COMMAND))
    assert human.activity() == "ls -l"


def test_output_cannot_steer_the_terminal() -> None:
    evil = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\rgone\x9b1m\x08 \x1bPx\x1b\\end\n"
    assert harmless(evil) == "redgone1m end\n"


@given(st.text())
def test_no_text_keeps_a_control_character(text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", harmless(text))


@given(st.integers(0, 1000))
def test_a_long_output_keeps_its_beginning_and_end(count: int) -> None:
    lines = [f"line {number}" for number in range(count)]
    shown = shown_lines("".join(f"{line}\n" for line in lines))
    if count <= MAX_SHOWN_LINES:
        assert shown == lines
    else:
        half = MAX_SHOWN_LINES // 2
        assert shown == [*lines[:half], f"… {count - MAX_SHOWN_LINES:,} lines left out …", *lines[-half:]]


def test_a_huge_single_line_is_cut() -> None:
    assert sum(map(len, shown_lines("x" * 10_000_000))) < 500_000


def running(item_id: str, *chunks: bytes) -> list[EventMsg]:
    started = ItemStarted("t", evolve(COMMAND, id=item_id))
    return [started, *(CommandOutputDelta("t", item_id, chunk) for chunk in chunks)]


def ended(item_id: str, output: str) -> EventMsg:
    done = evolve(COMMAND, id=item_id, status="completed", aggregated_output=output, exit_code=0)
    return ItemCompleted("t", done)


def test_output_is_shown_while_the_command_runs() -> None:
    live = text_of(*running("c", b"one\ntw", b"o\nthr"))
    assert live == "exec  ls -l in /repo\n  one\n  two\n"
    whole = text_of(*running("c", b"one\ntw", b"o\nthr"), ended("c", "one\ntwo\nthree\n"))
    assert whole == text_of(*running("c"), ended("c", "one\ntwo\nthree\n"))


def test_output_waits_for_the_end_when_another_command_was_shown_in_between() -> None:
    text = text_of(
        *running("a", b"1\n"), *running("b", b"x\n"), CommandOutputDelta("t", "a", b"2\n"), ended("a", "1\n2\n")
    )
    assert text == "exec  ls -l in /repo\n  1\nexec  ls -l in /repo\n  x\nexec  ls -l ended:\n  2\n  succeeded\n\n"


@given(st.lists(st.binary(max_size=30), max_size=30))
def test_what_was_shown_live_and_what_the_end_adds_are_the_whole_output(chunks: list[bytes]) -> None:
    output = b"".join(chunks).decode("utf-8", "replace")
    assert text_of(*running("c", *chunks), ended("c", output)) == text_of(*running("c"), ended("c", output))


def test_what_the_policy_refused_is_shown_with_its_reason() -> None:
    assert text_of(ActionRefused("t", "c", "rm -rf \x1b[31m/", "too much")) == "refused  rm -rf /\n  too much\n\n"
