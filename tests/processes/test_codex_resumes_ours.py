"""Codex's own program goes on with a thread that we wrote, and we go on with what it wrote."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from actors import open_runtime
from codex.base.ids import uuid7
from codex.base.jsontext import Json, JsonObject
from codex.config.schema import Config
from codex.context import AgentsMd, initial_items, user_message
from codex.model.scripted import Script, load_script
from codex.model.scripted.server import serve
from codex.protocol.event import ItemCompleted, TaskComplete, TaskStarted, TokenCount
from codex.protocol.item import AgentMessage, UserMessage
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import TextInput
from codex.rollout import Append, Line, Sync, TurnIds, event_line, lines, load, rollout_path, run_writer
from codex.testing import call, open_test_codex, text

NOW = 1_795_356_585.8
USAGE = TokenUsage(100, 10, 0, 5, 1, 105)


@pytest.fixture
def codex() -> str:
    """OpenAI's program: named by CODEX_ACTORS_CODEX, else skipped."""
    path = shutil.which(os.environ.get("CODEX_ACTORS_CODEX", ""))
    if path is None:
        pytest.skip("set CODEX_ACTORS_CODEX to OpenAI's codex program to let it resume our threads")
    return path


class Requests:
    """The bodies that the server was sent."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def write(self, entry: Mapping[str, Json]) -> None:
        if "body" in entry:
            self.bodies.append(entry["body"])


def a_turn(config: Config, ids: TurnIds) -> list[Line]:
    """The lines of a whole turn with one call."""
    said = (TextInput("hi"),)
    call: Any = {"type": "function_call", "id": "fc_1", "name": "exec_command", "arguments": "{}", "call_id": "c1"}
    output: Any = {"type": "function_call_output", "id": "fco_1", "call_id": "c1", "output": "ok"}
    answer: Any = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "done"}],
    }
    context = initial_items(config, AgentsMd(), environ={}, now=datetime.fromtimestamp(NOW))
    kept = [
        lines.session_meta(
            thread_id=ids.thread_id,
            session_id=ids.session_id,
            cwd=config.cwd,
            originator="codex_exec",
            cli_version="0.1.0",
            model_provider="lab",
            base_instructions="Our instructions.",
            at=NOW,
        ),
        event_line(TaskStarted(ids.turn_id, 200_000), ids, NOW),
        *lines.response_items(context, ids.turn_id, NOW),
        lines.turn_context(ids, config, model="any-name", at=NOW),
        lines.thread_settings_applied(ids.thread_id, config, model="any-name", at=NOW),
        lines.response_item(user_message(said, config.cwd), ids.turn_id, NOW),
        event_line(ItemCompleted(ids.turn_id, UserMessage(uuid7(), said)), ids, NOW),
        *lines.response_items([call, output], ids.turn_id, NOW),
        lines.token_usage_record(ids, "resp_1", USAGE, turn=USAGE, thread=USAGE, at=NOW),
        event_line(TokenCount(ids.turn_id, USAGE, USAGE, 200_000), ids, NOW),
        lines.response_item(answer, ids.turn_id, NOW),
        event_line(ItemCompleted(ids.turn_id, AgentMessage("msg_1", "done")), ids, NOW),
        event_line(TaskComplete(ids.turn_id, "done", USAGE, 10), ids, NOW),
        Line("of_our_own", {"anything": 1}, NOW),
    ]
    return [line for line in kept if line is not None]


async def write_thread(home: Path, config: Config) -> str:
    thread_id = uuid7()
    path = rollout_path(str(home), thread_id, datetime.fromtimestamp(NOW))
    async with open_runtime(name="test") as runtime:
        writer = runtime.spawn(partial(run_writer, path=path, codex_home=str(home)), name="rollout")
        await writer.ask(partial(Append, a_turn(config, TurnIds(thread_id, thread_id, uuid7(), uuid7()))))
        await writer.ask(Sync)
    return thread_id


def script(directory: Path) -> Script:
    path = directory / "script.json"
    path.write_text(json.dumps([[{"type": "text", "text": "Hello again."}]]))
    return load_script(str(path))


async def resume_with(
    codex: str, tmp_path: Path, thread_id: str, *, provider: str = "lab"
) -> tuple[Requests, "subprocess.CompletedProcess[bytes]"]:
    """Let Codex run a turn in the thread; what it asked the model, and how it ended."""
    requests = Requests()
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, script(tmp_path), port=0, log=requests))
        table = f'{{name="lab",base_url="{url}",wire_api="responses"}}'
        command = [codex, "exec", "--json", "--skip-git-repo-check", "-m", "any-name"]
        command += ["-c", f'model_provider="{provider}"', "-c", f"model_providers.{provider}={table}"]
        command += ["resume", thread_id, "go on"]
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CODEX_HOME": str(tmp_path / "home")}
        with trio.fail_after(60):
            done = await trio.run_process(
                command,
                cwd=tmp_path / "repo",
                env=environ,
                stdin=b"",
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        nursery.cancel_scope.cancel("the program has ended")
    return requests, done


async def test_codex_goes_on_with_our_thread_and_we_with_what_it_added(tmp_path: Path, codex: str) -> None:
    home, repo = tmp_path / "home", tmp_path / "repo"
    home.mkdir()
    repo.mkdir()
    config = Config(codex_home=str(home), cwd=str(repo), approval_policy="never", model_provider="lab")
    thread_id = await write_thread(home, config)
    requests, done = await resume_with(codex, tmp_path, thread_id)
    assert done.returncode == 0, done.stderr.decode()
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0] == {"type": "thread.started", "thread_id": thread_id}
    assert told[-1]["usage"]["input_tokens"] >= 100  # the thread's total, ours with it
    sent = [(item.get("role"), item["type"]) for item in requests.bodies[0]["input"]]
    assert requests.bodies[0]["input"][0]["content"][0]["text"] == "Our instructions."
    assert sent[3:7] == [
        ("user", "message"),
        (None, "function_call"),
        (None, "function_call_output"),
        ("assistant", "message"),
    ]
    stored = load(str(home), thread_id)
    assert [item.get("role") for item in stored.items][-2:] == ["user", "assistant"]
    assert stored.last_agent_message == "Hello again."
    assert stored.usage.input_tokens >= 100


@pytest.mark.parametrize("v2", [False, True])
async def test_codex_goes_on_with_a_root_of_ours_that_has_agents_and_they_stay(
    tmp_path: Path, codex: str, v2: bool
) -> None:
    child = '${re:"agent_id":"([^"]+)"}'
    if v2:
        spawn = call("spawn_agent", "c1", task_name="scout", message="go [[script:scout]]")
        root: list[Json] = [[spawn, call("wait_agent", "c2", timeout_ms=600_000)], [text("thanks")]]
    else:
        spawn = call("spawn_agent", "c1", message="go [[script:scout]]")
        root = [[spawn], [call("wait_agent", "c2", targets=[child])], [call("close_agent", "c3", target=child)]]
        root.append([text("thanks")])
    plan: JsonObject = {"scripts": {"root": root, "scout": [[text("42")]]}, "default": "root"}
    home, features = tmp_path / "home", {"multi_agent_v2": v2}
    async with open_test_codex(plan, home=home, cwd=tmp_path / "repo", features=features) as ours:
        with trio.fail_after(60):
            assert await ours.thread.ask("delegate") == "thanks"
        thread_id, left = ours.thread.thread_id, [info.agent_id for info in ours.thread.agents]
    requests, done = await resume_with(codex, tmp_path, thread_id, provider="scripted")
    assert done.returncode == 0, done.stderr.decode()
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0] == {"type": "thread.started", "thread_id": thread_id}
    sent = json.dumps(requests.bodies[0]["input"])
    assert "delegate" in sent
    answer = "Payload:\\n42" if v2 else r"{\"completed\":\"42\"}"
    assert answer in sent.replace("\\\\", "\\")
    async with open_test_codex([[text("hi")]], home=home, features=features) as ours:
        thread = await ours.codex.resume_thread(thread_id)
        assert [(info.agent_id, info.state.status) for info in thread.agents] == [
            (left[0], "completed" if v2 else "shutdown")
        ]
        assert await ours.thread.ask("hello") == "hi"
