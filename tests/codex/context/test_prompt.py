"""What the model is told at the start, and afterwards only what changed."""

import json
import os
from datetime import datetime
from pathlib import Path

import attrs
import pytest

from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.context import AgentsMd, History, Told, base_instructions, base_item, context_items, fragments, initial_items
from codex.context.environment import filesystem, look_around
from codex.protocol.permission import APPROVAL_POLICIES, SANDBOX_MODES, FileSystemEntry, SandboxPolicy
from codex.protocol.response_item import ResponseItem

NOW = datetime(2026, 11, 22, 14, 0)
ENVIRON = {"TZ": "Etc/UTC", "SHELL": "/bin/bash"}
SHARED = Path(os.environ.get("CODEX_ACTORS_SHARED", Path(__file__).parents[4] / "shared"))


def config(**changes: object) -> Config:
    return attrs.evolve(Config(codex_home="/home/u/.codex", cwd="/repo", approval_policy="never"), **changes)  # type: ignore[arg-type]


def texts(items: list[ResponseItem]) -> list[tuple[str, str]]:
    return [(str(item["role"]), part["text"]) for item in items for part in item["content"]]  # type: ignore[index,union-attr,call-overload]


def recorded_environment(name: str) -> str:
    path = SHARED / "conformance" / "rollouts" / name
    if not path.exists():
        pytest.skip(f"no recorded rollouts at {path}; CODEX_ACTORS_SHARED names another place")
    for line in path.read_text().splitlines():
        value = json.loads(line)
        for part in value["payload"].get("content") or []:
            if part.get("text", "").startswith("<environment_context>"):
                return part["text"]
    raise AssertionError(name)


def test_a_new_thread_is_told_everything_in_codexs_order() -> None:
    told = texts(
        initial_items(
            config(developer_instructions="Speak plainly."), AgentsMd("Rules.", True), environ=ENVIRON, now=NOW
        )
    )
    assert [role for role, _ in told] == ["developer", "developer", "user", "user"]
    assert told[0][1] == "Speak plainly."
    assert told[1][1].startswith("<permissions instructions>\nThe sandbox mode is `read-only`.")
    assert told[2][1] == "# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\nRules.\n</INSTRUCTIONS>"
    assert told[3][1].startswith("<environment_context>\n  <cwd>/repo</cwd>\n  <shell>bash</shell>\n")


def test_the_environment_reads_as_codex_writes_it_when_read_only() -> None:
    environment = fragments(config(), AgentsMd(), ENVIRON, NOW).environment
    assert environment == recorded_environment("shell_then_resume.jsonl")


def test_the_file_system_reads_as_codex_writes_it_when_the_workspace_is_writable() -> None:
    ours = filesystem("/repo", SandboxPolicy(mode="workspace-write"))
    theirs = recorded_environment("patch.jsonl").replace('<entry access="read"><path>/repo/.aws</path></entry>', "")
    assert ours in theirs


def test_a_permission_profile_is_told_as_codex_tells_it() -> None:
    entries = (
        FileSystemEntry("path", "read", "/opt"),
        FileSystemEntry("glob", "deny", "/data/*.k"),
        FileSystemEntry("minimal", "read"),
        FileSystemEntry("workspace_roots", "deny", "**/*.env"),
        FileSystemEntry("workspace_roots", "write", "a/b"),
    )
    policy = SandboxPolicy("workspace-write", ("/two",), profile="mine", entries=entries, glob_scan_max_depth=4)
    assert filesystem("/one", policy) == (
        "<filesystem><workspace_roots><root>/one</root><root>/two</root></workspace_roots>"
        '<permission_profile type="managed"><file_system type="restricted" glob_scan_max_depth="4">'
        '<entry access="read"><path>/opt</path></entry>'
        '<entry access="deny" escalatable="false"><glob>/data/*.k</glob></entry>'
        '<entry access="read"><special>:minimal</special></entry>'
        '<entry access="deny" escalatable="false"><glob>/one/**/*.env</glob></entry>'
        '<entry access="deny" escalatable="false"><glob>/two/**/*.env</glob></entry>'
        '<entry access="write"><path>/one/a/b</path></entry>'
        '<entry access="write"><path>/two/a/b</path></entry>'
        "</file_system></permission_profile></filesystem>"
    )


def test_full_access_is_an_unrestricted_file_system() -> None:
    ours = filesystem("/a<b", SandboxPolicy(mode="danger-full-access"))
    assert ours == (
        "<filesystem><workspace_roots><root>/a&lt;b</root></workspace_roots>"
        '<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile></filesystem>'
    )


def test_nothing_is_said_twice() -> None:
    start = initial_items(config(developer_instructions="D"), AgentsMd("Rules.", True), environ=ENVIRON, now=NOW)
    history = History(start)
    again = fragments(config(developer_instructions="D"), AgentsMd("Rules.", True), ENVIRON, NOW)
    assert context_items(again, history.told) == []
    assert context_items(again, Told.by(json.loads(json.dumps(start)))) == []


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"approval_policy": "on-request"}, ["developer"]),
        ({"cwd": "/other"}, ["user"]),
        ({"sandbox_policy": SandboxPolicy(mode="danger-full-access")}, ["developer", "user"]),
        ({"developer_instructions": "New."}, ["developer"]),
    ],
)
def test_only_what_changed_is_told(changes: JsonObject, parts: list[str]) -> None:
    history = History(initial_items(config(), AgentsMd(), environ=ENVIRON, now=NOW))
    news = context_items(fragments(config(**changes), AgentsMd(), ENVIRON, NOW), history.told)
    assert [role for role, _ in texts(news)] == parts
    history.record(news)
    assert context_items(fragments(config(**changes), AgentsMd(), ENVIRON, NOW), history.told) == []


def test_a_new_day_is_told() -> None:
    history = History(initial_items(config(), AgentsMd(), environ=ENVIRON, now=NOW))
    news = context_items(fragments(config(), AgentsMd(), ENVIRON, datetime(2026, 11, 23)), history.told)
    assert "<current_date>2026-11-23</current_date>" in texts(news)[0][1]


def test_changed_agents_md_says_that_it_replaces_the_old_one_and_is_not_repeated() -> None:
    history = History(initial_items(config(), AgentsMd("Old.", True), environ=ENVIRON, now=NOW))
    changed = fragments(config(), AgentsMd("New.", True), ENVIRON, NOW)
    history.record(context_items(changed, history.told))
    assert texts(history.prompt_items())[-1][1] == (
        "# AGENTS.md instructions for /repo\n\n<INSTRUCTIONS>\n"
        "This takes the place of all AGENTS.md instructions given before.\n\nNew.\n</INSTRUCTIONS>"
    )
    assert context_items(changed, history.told) == []
    gone = fragments(config(), AgentsMd(), ENVIRON, NOW)
    history.record(context_items(gone, history.told))
    assert "No AGENTS.md instructions hold any more." in texts(history.prompt_items())[-1][1]
    assert context_items(gone, history.told) == []


def test_parts_can_be_switched_off() -> None:
    silent = config(include_permissions_instructions=False, include_environment_context=False)
    assert initial_items(silent, AgentsMd(), environ=ENVIRON, now=NOW) == []


@pytest.mark.parametrize("mode", SANDBOX_MODES)
@pytest.mark.parametrize("approval", APPROVAL_POLICIES)
def test_permissions_name_what_is_in_force(mode: str, approval: str) -> None:
    text = fragments(
        config(sandbox_policy=SandboxPolicy(mode=mode), approval_policy=approval),  # type: ignore[arg-type]
        AgentsMd(),
        ENVIRON,
        NOW,
    ).permissions
    assert text is not None
    assert f"`{mode}`" in text
    assert f"`{approval}`" in text
    assert ("require_escalated" in text) == (approval in ("on-request", "untrusted", "permissive"))
    assert ("Writable roots: `/repo`, `/tmp`." in text) == (mode == "workspace-write")


def test_the_network_is_named() -> None:
    open_policy = SandboxPolicy(mode="workspace-write", network_access=True)
    texts_of = [
        fragments(config(sandbox_policy=policy), AgentsMd(), ENVIRON, NOW).permissions or ""
        for policy in (SandboxPolicy(), open_policy)
    ]
    assert ["The network is blocked." in texts_of[0], "The network is enabled." in texts_of[1]] == [True, True]


def test_the_base_item_is_the_same_in_every_request_of_a_thread() -> None:
    item = base_item(base_instructions(config()), "01a20397-6f44-7403-b593-c83d191da6d1")
    assert item == base_item(base_instructions(config()), "01a20397-6f44-7403-b593-c83d191da6d1")
    assert item["role"] == "developer"
    history = History(initial_items(config(), AgentsMd(), environ=ENVIRON, now=NOW), base=item)
    assert history.prompt_items()[0] is item
    assert item not in history.items


def test_our_instructions_have_a_sensible_size_and_name_the_tools() -> None:
    text = base_instructions(config())
    assert 6_000 <= len(text.encode()) <= 10_000
    for name in ("exec_command", "write_stdin", "apply_patch", "update_plan", "view_image", "AGENTS.md"):
        assert f"`{name}`" in text


def test_configured_instructions_take_the_place_of_ours() -> None:
    assert base_instructions(config(model_instructions="Mine.")) == "Mine."
    assert base_instructions(config(model_instructions="")) == ""


def test_the_surroundings_come_from_the_environment() -> None:
    around = look_around({"TZ": ":Europe/Rome", "SHELL": "/usr/bin/zsh"}, NOW)
    assert (around.shell, around.current_date, around.timezone) == ("zsh", "2026-11-22", "Europe/Rome")
    assert look_around({}, NOW).timezone
