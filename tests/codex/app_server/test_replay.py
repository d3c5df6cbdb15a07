"""Codex's recorded sessions, replayed: the same answers and notifications, but for a list that only shrinks."""

import difflib
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from codex.app_server.configs import FileConfigs
from codex.app_server.serve import open_app_server
from tests.codex.app_server.replay import Said, Session, load, replay, script_of, streams, words_of
from tests.codex.app_server.wires import open_wire

_SCRIPTS = {"main": "main", "approvals": "approvals", "resume": "main"}

# What may differ: "+" is told by us alone, "-" by Codex alone. Nothing may be added here.
EXPECTED: dict[str, list[str]] = {
    # what was steered into a turn just before its interrupt is kept here in any case
    "main": [
        "+ thread 1: item/started userMessage",
        "+ thread 1: item/completed userMessage",
    ],
    # MCP, plan mode and reviews are not offered
    "approvals": [
        "- server: account/rateLimits/updated",
        "- server: account/rateLimits/updated",
        "- thread 1: mcpServer/startupStatus/updated",
        "- thread 1: mcpServer/startupStatus/updated",
        "- thread 1: item/started mcpToolCall inProgress",
        "- thread 1: thread/status/changed active waitingOnApproval",
        "- thread 1: mcpServer/elicitation/request",
        "- thread 1: serverRequest/resolved",
        "- thread 1: thread/status/changed active",
        "- thread 1: item/completed mcpToolCall completed",
        "- thread 1: thread/settings/updated",
        "- thread 1: thread/status/changed active",
        "- thread 1: turn/started",
        "- thread 1: item/started userMessage",
        "- thread 1: item/completed userMessage",
        "- thread 1: thread/status/changed active waitingOnUserInput",
        "- thread 1: item/tool/requestUserInput",
        "- thread 1: serverRequest/resolved",
        "- thread 1: thread/status/changed active",
        "- thread 1: thread/tokenUsage/updated",
        "- thread 1: item/started plan",
        "- thread 1: item/plan/delta",
        "- thread 1: item/completed plan",
        "- thread 1: thread/tokenUsage/updated",
        "- thread 1: thread/status/changed idle",
        "- thread 1: turn/completed",
        "- thread 1: item/started enteredReviewMode",
        "- thread 1: item/completed enteredReviewMode",
        "- thread 1: thread/status/changed active",
        "- thread 1: turn/started",
        "- thread 1: item/started userMessage",
        "- thread 1: item/completed userMessage",
        "- thread 1: item/started agentMessage",
        "- thread 1: item/started exitedReviewMode",
        "- thread 1: item/completed exitedReviewMode",
        "- thread 1: item/started agentMessage",
        "- thread 1: item/completed agentMessage",
        "- thread 1: thread/readState/changed",
        "- thread 1: thread/status/changed idle",
        "- thread 1: turn/completed",
        "- thread 12: mcpServer/startupStatus/updated",
        "- answer: 13",
        "- answer: 14",
    ],
    "resume": [],
}


def make_place(root: Path, name: str) -> dict[str, str]:
    """A home and repositories as in the recordings; recorded paths and ours."""
    work = root / "work"
    for folder in (work / "app", root / "repo", root / "home"):
        folder.mkdir(parents=True, exist_ok=True)
        if folder.name != "home" and not (folder / ".git").exists():
            (folder / "f").write_text("x\n")
            commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "i"]
            for command in (["init", "-q", "-b", "master"], ["add", "f"], commit):
                subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    places = {"/home/user/work/app": str(work / "app"), "/home/user/work": str(work), "/repo": str(root / "repo")}
    script = script_of(_SCRIPTS[name], places, root / "script.json")
    trusted = "".join(f'[projects."{path}"]\ntrust_level = "trusted"\n' for path in places.values())
    (root / "home" / "config.toml").write_text(
        'model = "gpt-5.5"\nmodel_provider = "mock"\ntools.update_plan.enabled = true\n'
        f'[model_providers.mock]\nname = "Mock"\nwire_api = "scripted"\nscript = "{script}"\n{trusted}'
    )
    return places


async def run(root: Path, name: str, names: dict[str, str] | None = None) -> Session:
    """Replay one session in a server of its own."""
    places = make_place(root, name)
    environ = {**os.environ, "CODEX_HOME": str(root / "home")}
    configs = FileConfigs(str(root / "work" / "app"), environ)
    config = configs.load(cwd=None, flags={}, overrides={})
    async with open_app_server(config, configs, environ=environ) as server, open_wire(server, greet=False) as client:
        session = Session(client, places, dict(names or {}))
        await replay(name, session)
    return session


def differences(name: str, session: Session) -> list[str]:
    """What one side alone has told or answered, by stream."""
    theirs = streams(session.recorded, {theirs: theirs for theirs in session.names})
    told = [words_of(message) for message in session.client.seen if "method" in message]
    ours = streams(told, session.names)
    found: list[str] = []
    for stream in sorted({*theirs, *ours}):
        lines = difflib.ndiff(theirs.get(stream, []), ours.get(stream, []))
        found += [f"{line[0]} {stream}: {line[2:]}" for line in lines if line[0] in "+-"]
    recorded = {
        entry["msg"]["id"]: "error" not in entry["msg"]
        for entry in load(name)
        if entry["dir"] == "<-" and "method" not in entry["msg"]
    }
    return found + [
        f"{'-' if recorded[request] else '+'} answer: {request}"
        for request, done in session.answers.items()
        if done != recorded[request]
    ]


def unexpected(name: str, session: Session) -> list[str]:
    """Differences beyond those that are known."""
    return list((Counter(differences(name, session)) - Counter(EXPECTED[name])).elements())


@pytest.mark.parametrize("name", ["main", "approvals"])
async def test_a_recorded_session_is_answered_and_told_as_codex_did(tmp_path: Path, name: str) -> None:
    session = await run(tmp_path, name)
    assert unexpected(name, session) == []


async def test_the_session_after_a_restart_is_too(tmp_path: Path) -> None:
    before = await run(tmp_path, "main")
    after = await run(tmp_path, "resume", before.names)
    assert unexpected("resume", after) == []


def test_words_of_a_notification() -> None:
    message = {"method": "item/started", "params": {"threadId": "t", "item": {"type": "plan"}}}
    assert words_of(message) == Said("item/started plan", "t")
