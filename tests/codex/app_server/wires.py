"""A client in memory and a server with a scripted model, for tests of what goes over the wire."""

import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from codex.app_server.serve import AppServer, open_app_server
from codex.base.jsontext import JsonObject
from codex.config.load import Resolution, resolve_config
from codex.config.schema import Config, ProviderInfo
from codex.protocol.permission import SandboxPolicy
from tests.codex.app_server.checked import check_answer, check_told

WITHIN = 60.0


class MemoryTransport:
    """Implements `Transport` between two tasks."""

    def __init__(self) -> None:
        self.to_server, self._receive = trio.open_memory_channel[str](10_000)
        self._send, self.from_server = trio.open_memory_channel[JsonObject](100_000)

    async def receive(self) -> str | None:
        try:
            return await self._receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            return None

    async def send(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            await self._send.send(json.loads(message))

    async def aclose(self) -> None:
        self._receive.close()
        self._send.close()


class WireClient:
    """Speaks to a server as programs do; keeps all it was told."""

    def __init__(self, transport: MemoryTransport) -> None:
        self._transport = transport
        self._last_id = 0
        self.seen: list[JsonObject] = []
        self._asked: dict[Any, str] = {}

    async def send(self, message: object) -> None:
        if isinstance(message, dict) and "method" in message and "id" in message:
            self._asked[message["id"]] = message["method"]
        text = message if isinstance(message, str) else json.dumps(message)
        await self._transport.to_server.send(text)

    async def request(self, method: str, params: object = None) -> int:
        self._last_id += 1
        message = {"id": self._last_id, "method": method}
        await self.send(message if params is None else {**message, "params": params})
        return self._last_id

    async def next(self) -> dict[str, Any]:
        with trio.fail_after(WITHIN):
            message = await self._transport.from_server.receive()
        self.seen.append(message)
        if "method" in message:
            check_told(message)
        elif "result" in message and message["id"] in self._asked:
            check_answer(self._asked[message["id"]], message["result"])
        return message

    async def answer_of(self, request_id: int) -> dict[str, Any]:
        """The answer of a request: its result, or `{"error": ...}`."""
        while True:
            message = await self.next()
            if "method" not in message and message.get("id") == request_id:
                return message if "error" in message else message["result"]

    async def call(self, method: str, params: object = None) -> dict[str, Any]:
        return await self.answer_of(await self.request(method, {} if params is None else params))

    async def until(self, method: str) -> dict[str, Any]:
        """The params of the next notification, or the whole of the next question, of this method."""
        while True:
            message = await self.next()
            if message.get("method") == method:
                return message if "id" in message else message["params"]

    async def greet(self, *, experimental: bool = True, opt_out: Sequence[str] = ()) -> dict[str, Any]:
        wishes = {"experimentalApi": experimental, "optOutNotificationMethods": [*opt_out]}
        info = {"name": "lab", "title": "Lab", "version": "0.1"}
        result = await self.call("initialize", {"clientInfo": info, "capabilities": wishes})
        await self.send({"method": "initialized"})
        return result

    async def start_thread(self, **params: object) -> str:
        return (await self.call("thread/start", params))["thread"]["id"]

    async def run_turn(self, thread_id: str, text: str = "go", **params: object) -> dict[str, Any]:
        """Start a turn; the params of its `turn/completed`."""
        said = [{"type": "text", "text": text}]
        await self.call("turn/start", {"threadId": thread_id, "input": said, **params})
        return await self.until("turn/completed")

    async def close(self) -> None:
        self._transport.to_server.close()

    def told(self, *, thread_id: str | None = None) -> list[str]:
        """What was told so far, by method; items with their type and, where they have one, their status."""
        return [told for message in self.seen if (told := _told(message, thread_id)) is not None]


def _told(message: Mapping[str, Any], thread_id: str | None) -> str | None:
    method, params = message.get("method"), message.get("params", {})
    if method is None or (thread_id is not None and params.get("threadId", thread_id) != thread_id):
        return None
    item, status = params.get("item"), params.get("status")
    words = [method]
    if item is not None:
        words += [item["type"], *([item["status"]] if "status" in item else [])]
    if isinstance(status, dict):
        words += [status["type"], *status.get("activeFlags", [])]
    return " ".join(words)


@attrs.frozen
class FixedConfigs:
    """The same settings for all threads, whatever else is asked for by flags."""

    config: Config

    def load(self, *, cwd: str | None, flags: Mapping[str, object], overrides: JsonObject) -> Config:
        fields: dict[str, Any] = {"cwd": cwd or self.config.cwd, "ephemeral": bool(flags.get("ephemeral"))}
        if flags.get("model"):
            fields["model"] = flags["model"]
        if flags.get("sandbox_mode"):
            fields["sandbox_policy"] = SandboxPolicy(flags["sandbox_mode"])  # type: ignore[arg-type]
        if flags.get("approval_policy"):
            fields["approval_policy"] = flags["approval_policy"]
        return attrs.evolve(self.config, **fields)

    def resolve(self, *, cwd: str | None) -> Resolution:
        home = self.config.codex_home
        return resolve_config(
            codex_home=home, cwd=cwd or self.config.cwd, environ={"HOME": home}, system_dir=f"{home}/none"
        )


@asynccontextmanager
async def open_server(place: Path, script: object, **settings: Any) -> AsyncGenerator[AppServer, None]:
    """A server whose model plays `script`; its home and its working directory are below `place`."""
    (place / "script.json").write_text(json.dumps(script if isinstance(script, dict) else {"turns": script}))
    for name in ("home", "work"):
        (place / name).mkdir(exist_ok=True)
    provider = ProviderInfo("scripted", "Scripted", wire_api="scripted", script=str(place / "script.json"))
    config = Config(
        codex_home=str(place / "home"),
        cwd=str(place / "work"),
        model="gpt-5.5",
        model_provider="scripted",
        model_providers={"scripted": provider},
        approval_policy="never",
        sandbox_policy=SandboxPolicy("danger-full-access"),
    )
    config = attrs.evolve(config, **settings)
    async with open_app_server(config, FixedConfigs(config), environ=os.environ) as server:
        yield server


@asynccontextmanager
async def open_wire(server: AppServer, *, greet: bool = True) -> AsyncGenerator[WireClient, None]:
    """A client of the server, which has said who it is unless told otherwise."""
    transport = MemoryTransport()
    connection = await server.connect(transport)
    client = WireClient(transport)
    if greet:
        await client.greet()
    try:
        yield client
    finally:
        await client.close()
        with trio.fail_after(WITHIN):
            await connection.wait()
