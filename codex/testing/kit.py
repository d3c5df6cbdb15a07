"""An engine for tests: the model is a script, everything else is real."""

import json
import os
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from codex.base.jsontext import JsonObject, get_list, get_str
from codex.config.schema import Config, ProviderInfo
from codex.engine import Codex, open_codex
from codex.model.scripted import ScriptedClient
from codex.ports.approvals import OnApproval, Reviewer
from codex.ports.dynamic_tools import DynamicTools
from codex.ports.model import ModelRequest
from codex.protocol.event import EventMsg
from codex.protocol.permission import SandboxMode, SandboxPolicy
from codex.threads import Thread


@attrs.frozen
class SeenRequest:
    """A request that the model got."""

    body: JsonObject
    headers: Mapping[str, str]

    @property
    def input(self) -> list[JsonObject]:
        """The items of its input."""
        return [item for item in get_list(self.body, "input") if isinstance(item, dict)]

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools it offers, in their order."""
        return [get_str(tool, "name") for tool in get_list(self.body, "tools") if isinstance(tool, dict)]

    def output_of(self, call_id: str) -> str:
        """The output that answers a call, as text.

        Raises:
          AssertionError: there is none, or more than one.
        """
        outputs = [
            item for item in self.input if item.get("call_id") == call_id and str(item.get("type")).endswith("_output")
        ]
        assert len(outputs) == 1, f"{len(outputs)} outputs for {call_id!r}"
        output = outputs[0]["output"]
        return output if isinstance(output, str) else json.dumps(output)

    def texts(self, role: str) -> list[str]:
        """The texts of the messages of a role."""
        return [
            get_str(part, "text")
            for item in self.input
            if item.get("role") == role
            for part in get_list(item, "content")
            if isinstance(part, dict)
        ]


class TestCodex:
    """A running engine with one thread."""

    __test__ = False

    def __init__(self, codex: Codex, thread: Thread, requests: list[SeenRequest]) -> None:
        self.codex = codex
        self.thread = thread
        self.requests = requests

    @property
    def home(self) -> Path:
        """The engine's home."""
        return Path(self.codex.config.codex_home)

    @property
    def cwd(self) -> Path:
        """The working directory."""
        return Path(self.codex.config.cwd)

    async def run_turn(self, prompt: str, *, on_approval: OnApproval | None = None) -> list[EventMsg]:
        """Run one turn; its events. Cancelling interrupts the turn."""
        async with self.thread.run(prompt, on_approval=on_approval) as events:
            return [event.msg async for event in events]

    def rollout(self) -> list[JsonObject]:
        """The lines of the thread's rollout as they are on disk."""
        path = self.thread.rollout_path
        assert path is not None
        return [json.loads(line) for line in Path(path).read_bytes().splitlines()]


@asynccontextmanager
async def open_test_codex(
    turns: Sequence[Sequence[JsonObject] | JsonObject] | JsonObject,
    *,
    cwd: str | os.PathLike[str] | None = None,
    home: str | os.PathLike[str] | None = None,
    sandbox: SandboxMode = "danger-full-access",
    reviewer: Reviewer | None = None,
    environ: Mapping[str, str] | None = None,
    tools: DynamicTools | None = None,
    **settings: object,
) -> AsyncGenerator[TestCodex, None]:
    """Open an engine whose model plays `turns`; a home and a working directory that are not given are temporary.

    Args:
      turns: the turns of the script, or a whole script with names and rules.
      reviewer: answers the questions of all threads.
      environ: the variables that commands see; those of this process where none are given.
      tools: what the thread has beside the engine's own.
      settings: further fields of the Config.
    """
    requests: list[SeenRequest] = []

    def observe(request: ModelRequest) -> None:
        requests.append(SeenRequest(json.loads(json.dumps(request.body)), dict(request.headers)))

    with tempfile.TemporaryDirectory(prefix="codex-test-") as scratch:
        script = Path(scratch, "script.json")
        script.write_text(json.dumps(turns if isinstance(turns, dict) else {"turns": turns}))
        places = [
            Path(scratch, name) if given is None else Path(given) for name, given in (("home", home), ("cwd", cwd))
        ]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        provider = ProviderInfo("scripted", "Scripted", wire_api="scripted", script=str(script))
        config = Config(
            codex_home=str(places[0]),
            cwd=str(places[1]),
            model="gpt-5.5",
            model_provider="scripted",
            model_providers={"scripted": provider},
            approval_policy="never",
            sandbox_policy=SandboxPolicy(sandbox),
        )
        config = attrs.evolve(config, **settings)
        client = ScriptedClient(script, observe=observe)
        async with open_codex(config, client=client, reviewer=reviewer, environ=environ) as codex:
            yield TestCodex(codex, await codex.start_thread(tools=tools), requests)
