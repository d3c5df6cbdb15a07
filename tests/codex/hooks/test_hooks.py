"""Which hooks there are, who is trusted, and what their answers mean together."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.config.folders import HookSource
from codex.hooks import Verdict, find_hooks
from codex.hooks._machine import Answer, Ran, combine, read_answer
from codex.hooks.find import EventName, Hook, hook_hash

PRE = {"PreToolUse": [{"matcher": "Bash|Edit", "hooks": [{"type": "command", "command": "true", "timeout": 5}]}]}


def user(table: object, kind: str = "user", path: str = "/home/config.toml") -> HookSource:
    return HookSource(kind, path, table)  # pyright: ignore[reportArgumentType]


def test_hashes_are_those_of_codex() -> None:
    """As Codex 0.169 lists them."""
    first = {"type": "command", "command": "cat > /tmp/cfgtry/pre.json", "timeout": 5}
    expected = "sha256:8d4d4019a21d8d1da883bcc0e1356169cedcbc316964df96d075b5ba06c0701b"
    assert hook_hash("pre_tool_use", "Bash", first) == expected  # pyright: ignore[reportArgumentType]
    expected = "sha256:2ba34c7a02841fada06b868a093d041fd3d9de81883c789a321916b0aa118851"
    assert hook_hash("stop", None, {"type": "command", "command": "true"}) == expected
    last = {"type": "command", "command": "(cat; echo) >> /tmp/cfgtry/seen.jsonl; echo ctx-SessionEnd"}
    expected = "sha256:debc2e8ee56e437c5b616346299d8578da85f63330b48cea68fbb05342fd7480"
    assert hook_hash("session_end", None, last) == expected  # pyright: ignore[reportArgumentType]


def test_a_hook_runs_only_as_long_as_it_says_what_was_trusted() -> None:
    key = "/home/config.toml:pre_tool_use:0:0"
    (untrusted,) = find_hooks([user(PRE)]).hooks
    assert (untrusted.key, untrusted.trusted, untrusted.timeout) == (key, False, 5.0)
    state = {"state": {key: {"trusted_hash": untrusted.hash}}}
    assert [hook.trusted for hook in find_hooks([user({**PRE, **state})]).hooks] == [True]
    changed = json.loads(json.dumps(PRE).replace("true", "rm -rf x"))
    found = find_hooks([user({**changed, **state})])
    assert found.usable == ()
    assert found.warnings == (f"hooks not run, since you have not trusted them ('codex hooks trust'): {key}",)
    assert len(find_hooks([user(PRE)], bypass_trust=True).usable) == 1


def test_the_owners_hooks_need_no_trust_and_a_project_cannot_give_it() -> None:
    key = "/p/config.toml:pre_tool_use:0:0"
    hash_of = find_hooks([user(PRE)]).hooks[0].hash
    itself = user({**PRE, "state": {key: {"trusted_hash": hash_of}}}, kind="project", path="/p/config.toml")
    assert find_hooks([itself]).usable == ()
    assert len(find_hooks([user(PRE, kind="managed")]).usable) == 1


def test_a_hook_can_be_switched_off() -> None:
    off = {"state": {"/home/config.toml:pre_tool_use:0:0": {"enabled": False}}}
    assert find_hooks([user({**PRE, **off})], bypass_trust=True).hooks == ()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"PreTool": []}, "/home/config.toml: hooks.PreTool: there is no such event"),
        (
            {"Stop": [{"hooks": [{"type": "prompt"}]}]},
            "/home/config.toml:stop:0:0: hooks of type 'prompt' are not run; only those of type 'command' are",
        ),
        (
            {"Stop": [{"hooks": [{"command": " "}]}]},
            "/home/config.toml:stop:0:0: `command` is missing; say what to run",
        ),
        ({"Stop": [{"hooks": ["true"]}]}, "/home/config.toml:stop:0:0: expected a table with `type` and `command`"),
        ({"Stop": ["true"]}, "/home/config.toml: hooks.Stop: expected tables with `matcher` and `hooks`"),
    ],
)
def test_what_is_wrong_with_a_hook_is_told(table: object, problem: str) -> None:
    found = find_hooks([user(table)])
    assert (found.hooks, found.warnings) == ((), (problem,))


def test_a_matcher_that_is_no_expression_is_told() -> None:
    found = find_hooks([user({"Stop": [{"matcher": "(", "hooks": [{"command": "true"}]}]})])
    assert found.hooks == ()
    assert found.warnings[0].startswith("/home/config.toml:stop:0:0: matcher '(' is no regular expression")


def test_hooks_in_a_file_of_their_own_are_read(tmp_path: Path) -> None:
    (tmp_path / "hooks.json").write_text(json.dumps({"hooks": PRE}))
    source = HookSource("user", str(tmp_path / "hooks.json"))
    assert [hook.command for hook in find_hooks([source]).hooks] == ["true"]
    (tmp_path / "hooks.json").write_text("{")
    assert find_hooks([source]).warnings[0].startswith(f"{tmp_path}/hooks.json: no hooks are read from it")


@pytest.mark.parametrize(
    ("matcher", "subject", "matches"),
    [
        (None, "Bash", True),
        ("", "Bash", True),
        ("*", "Bash", True),
        ("Bash", "Bash", True),
        ("Bas", "Bash", False),
        ("Bash|Edit", "apply_patch", True),
        ("Write", "apply_patch", True),
        ("Agent", "spawn_agent", True),
        ("mcp__.*", "mcp__x__y", True),
    ],
)
def test_a_matcher_names_tools_as_hooks_know_them(matcher: str | None, subject: str, matches: bool) -> None:
    assert Hook("PreToolUse", "c", "k", "h", "s", matcher).matches(subject) is matches


# -- answers -----------------------------------------------------------------------------------------------------------


def printed(value: object) -> Ran:
    return Ran(0, json.dumps(value))


@pytest.mark.parametrize(
    ("event", "ran", "answer"),
    [
        ("PreToolUse", Ran(0), Answer()),
        ("PreToolUse", Ran(2, "x", "too risky\n"), Answer(blocked="too risky")),
        ("PreToolUse", Ran(2), Answer(failure="ended with 2, but gave no reason on stderr")),
        ("PreToolUse", Ran(1, "", "a\nb\n"), Answer(failure="ended with 1: b")),
        ("PreToolUse", Ran(None, problem="was killed after 5 seconds"), Answer(failure="was killed after 5 seconds")),
        ("PreToolUse", Ran(0, "fine"), Answer()),
        ("Stop", Ran(0, "fine"), Answer(failure="printed something that is no JSON object")),
        ("Stop", Ran(0, "{no"), Answer(failure="printed something that is no JSON object")),
        ("UserPromptSubmit", Ran(0, "Be kind.\n"), Answer(context="Be kind.")),
        (
            "Stop",
            printed({"decision": "block", "reason": "test first"}),
            Answer(blocked="test first", permission="deny"),
        ),
        ("Stop", printed({"decision": "block"}), Answer(failure="refused without a reason")),
        ("Stop", printed({"decision": "perhaps"}), Answer(failure="answered with the unknown decision 'perhaps'")),
        ("Stop", printed({"continue": False, "stopReason": "enough"}), Answer(stopped="enough")),
        ("Stop", printed({"systemMessage": "hi"}), Answer(message="hi")),
        (
            "PreToolUse",
            printed({"hookSpecificOutput": {"permissionDecision": "deny", "permissionDecisionReason": "no"}}),
            Answer(blocked="no", permission="deny"),
        ),
        (
            "PreToolUse",
            printed({"hookSpecificOutput": {"permissionDecision": "allow", "updatedInput": {"command": "ls"}}}),
            Answer(permission="allow", updated_input={"command": "ls"}),
        ),
        ("SessionStart", printed({"hookSpecificOutput": {"additionalContext": "c"}}), Answer(context="c")),
    ],
)
def test_an_answer_is_read_from_the_exit_code_and_the_output(event: EventName, ran: Ran, answer: Answer) -> None:
    assert read_answer(event, ran) == answer


ANSWERS = st.builds(
    Answer,
    blocked=st.one_of(st.none(), st.sampled_from(["a", "b"])),
    stopped=st.one_of(st.none(), st.just("s")),
    permission=st.sampled_from([None, "allow", "deny", "ask"]),
    context=st.sampled_from(["", "c", "d"]),
    updated_input=st.one_of(st.none(), st.sampled_from([{"command": "x"}, {"command": "y"}])),
    failure=st.sampled_from(["", "broke"]),
)


@given(st.lists(ANSWERS, max_size=5))
def test_one_refusal_is_enough_and_failures_refuse_nothing(answers: list[Answer]) -> None:
    verdict = combine([(f"h{number}", answer) for number, answer in enumerate(answers)])
    blocks = [answer.blocked for answer in answers if answer.blocked]
    assert verdict.blocked == (blocks[0] if blocks else None)
    assert (verdict.refused is not None) == bool(blocks or any(answer.stopped for answer in answers))
    assert verdict.contexts == tuple(answer.context for answer in answers if answer.context)
    updates = [answer.updated_input for answer in answers if answer.updated_input]
    assert verdict.updated_input == (updates[-1] if updates else None)
    broken = [f"hook h{number}: broke" for number, answer in enumerate(answers) if answer.failure]
    assert verdict.messages == tuple(broken)


def test_no_hooks_mean_nothing() -> None:
    assert combine([]) == Verdict()


@given(
    st.sampled_from(["PreToolUse", "Stop", "SessionStart"]),
    st.integers(-9, 255),
    st.text(max_size=40),
    st.text(max_size=9),
)
def test_any_end_of_a_hook_has_a_meaning(event: EventName, code: int, stdout: str, stderr: str) -> None:
    answer = read_answer(event, Ran(code, stdout, stderr))
    assert answer.blocked is None or code in (0, 2)
