"""The typed client with real servers: in this process, over standard streams, WebSockets and a Unix socket."""

import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio

from codex.app_server.api.approval import (
    CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse,
)
from codex.app_server.api.item import CommandExecutionItem
from codex.app_server.api.thread import ThreadResumeParams, ThreadStartParams
from codex.app_server.api.turn import TurnInterruptParams
from codex.app_server.client import (
    Client,
    ConnectionLost,
    ConnectionRefused,
    Question,
    RequestFailed,
    open_client,
    process,
    unix_socket,
    websocket,
)
from codex.app_server.configs import FileConfigs
from codex.app_server.door import open_door
from tests.behaviour.typed_codex import Place, make_place
from tests.processes.served import command, open_served

SHELL = {"type": "function_call", "name": "exec_command", "call_id": "c"}
HELLO = {"turns": [[{"type": "text", "text": "hello there"}]], "loop": True}
SILENT = {"turns": [{"items": [{"type": "text", "text": "too late"}], "delay_before": 600}], "loop": True}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


async def new_thread(client: Client, **settings: object) -> str:
    return (await client.thread_start(ThreadStartParams(**settings))).thread.id  # type: ignore[arg-type]


@asynccontextmanager
async def open_here(place: Place, **options: Any) -> AsyncGenerator[Client, None]:
    """A client of a server in this process."""
    overrides = ['approval_policy="never"']
    configs = FileConfigs(str(place.repo), place.environ, overrides)
    config = configs.load(cwd=None, flags={}, overrides={})
    async with (
        open_door(config, environ=place.environ, originator="tests") as door,
        door.open_client(configs, **options) as client,
    ):
        yield client


def open_beside(place: Place, **options: Any) -> AbstractAsyncContextManager[Client]:
    """A client of a server that it starts."""
    return open_client(process(command(), env=place.environ, cwd=str(place.repo)), **options)


Opener: TypeAlias = Callable[..., AbstractAsyncContextManager[Client]]
everywhere = pytest.mark.parametrize("opener", [open_here, open_beside])


async def says_hello(opened: AbstractAsyncContextManager[Client]) -> None:
    async with opened as client:
        assert client.server.user_agent.startswith("tests/")
        thread_id = await new_thread(client)
        async with client.open_turn(thread_id, "hi") as turn:
            methods = [notification.method async for notification in turn]
        result = await turn.result()
        assert (result.turn.status, result.final_response) == ("completed", "hello there")
        assert result.usage is not None
        assert result.usage.total.total_tokens > 0
        assert methods[-1] == "turn/completed"
        started = methods.index("turn/started")
        assert [name for name in methods[started:] if name.startswith(("turn/", "item/"))] == [
            "turn/started",
            *["item/started", "item/completed"],
            *["item/started", "item/agentMessage/delta", "item/completed"],
            "turn/completed",
        ]


@everywhere
async def test_a_client_runs_turns(place: Place, opener: Opener) -> None:
    place.play(HELLO)
    await says_hello(opener(place, name="tests", version="1.2"))


async def test_servers_on_sockets_run_turns_for_clients_with_the_token(place: Place) -> None:
    options = ["--ws-auth", "capability-token", "--ws-token-file", str(place.path / "token")]
    (place.path / "token").write_text("secret\n")
    async with open_served(place, HELLO, options=options) as served:
        await says_hello(open_client(websocket(served.url, token="secret"), name="tests"))
        for token in ("wrong", None):
            with pytest.raises(ConnectionRefused, match="websocket bearer token"):
                await says_hello(open_client(websocket(served.url, token=token), name="tests"))
    assert served.process.returncode == 0
    path = str(place.path / "s.sock")
    async with open_served(place, HELLO, f"unix://{path}"):
        await says_hello(open_client(unix_socket(path), name="tests"))
    assert not os.path.exists(path)


async def test_a_server_that_cannot_be_had_is_told(place: Place) -> None:
    for connect, fault in [
        (process(["/no/such/codex"]), "cannot start"),
        (process(["true"]), "ended"),
        (unix_socket(str(place.path / "none")), "No such file"),
    ]:
        with pytest.raises((ConnectionRefused, ConnectionLost), match=fault):
            async with open_client(connect):
                pass


@everywhere
async def test_a_refused_request_says_why(place: Place, opener: Opener) -> None:
    place.play(HELLO)
    async with opener(place) as client:
        params = TurnInterruptParams(thread_id="01a20539-4afb-79b0-8aa3-8f73ebcc6bcd", turn_id="x")
        with pytest.raises(RequestFailed, match="thread not found"):
            await client.turn_interrupt(params)
        with pytest.raises(RequestFailed) as failed:
            await client.call("no/such/method")
        assert failed.value.code == -32600


@everywhere
async def test_questions_are_answered_by_the_program(place: Place, opener: Opener) -> None:
    place.play({"turns": [[{**SHELL, "arguments": {"cmd": "touch made"}}], [{"type": "text", "text": "done"}]]})
    asked: list[Question] = []

    async def accept(question: Question) -> object:
        asked.append(question)
        return CommandExecutionRequestApprovalResponse(decision="accept")

    async with opener(place, on_question=accept) as client:
        thread_id = await new_thread(client, approval_policy="untrusted", sandbox="danger-full-access")
        result = await client.run_turn(thread_id, "go")
    assert [type(question.params) for question in asked] == [CommandExecutionRequestApprovalParams]
    assert [item.status for item in result.items if isinstance(item, CommandExecutionItem)] == ["completed"]
    assert (place.repo / "made").exists()


@everywhere
async def test_a_client_that_answers_nothing_means_no(place: Place, opener: Opener) -> None:
    place.play({"turns": [[{**SHELL, "arguments": {"cmd": "touch made"}}], [{"type": "text", "text": "done"}]]})
    async with opener(place) as client:
        thread_id = await new_thread(client, approval_policy="untrusted", sandbox="danger-full-access")
        result = await client.run_turn(thread_id, "go")
    assert [item.status for item in result.items if isinstance(item, CommandExecutionItem)] == ["failed"]
    assert not (place.repo / "made").exists()


@everywhere
async def test_a_turn_that_is_left_or_cancelled_is_interrupted(place: Place, opener: Opener) -> None:
    place.play(SILENT)
    async with opener(place) as client:
        thread_id = await new_thread(client)
        async with client.open_notifications(thread_id) as told:
            async with client.open_turn(thread_id, "one"):
                pass
            assert await end_of_turn(told) == "interrupted"
            async with trio.open_nursery() as nursery:

                async def run() -> None:
                    await client.run_turn(thread_id, "two")

                nursery.start_soon(run)
                async for notification in told:
                    if notification.method == "turn/started":
                        nursery.cancel_scope.cancel()
                        break
            assert await end_of_turn(told) == "interrupted"


async def end_of_turn(told: object) -> str:
    async for notification in told:  # type: ignore[attr-defined]
        if notification.method == "turn/completed":
            return notification.params.turn.status
    raise AssertionError


async def test_a_server_that_is_killed_fails_what_waits_for_it(place: Place) -> None:
    async with open_served(place, SILENT) as served:
        async with open_client(websocket(served.url)) as client:
            thread_id = await new_thread(client)
            async with client.open_turn(thread_id, "hi") as turn:
                served.process.send_signal(signal.SIGKILL)
                with pytest.raises(ConnectionLost):
                    await turn.result()
            with pytest.raises(ConnectionLost):
                await client.thread_list()


class Cutter:
    """A way to a server that loses connections at will."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.streams: list[trio.SocketStream] = []
        self.closed = trio.Event()
        self.open = trio.Event()

    async def pass_on(self, inner: trio.SocketStream) -> None:
        await self.open.wait()
        outer = await trio.open_tcp_stream(self.host, self.port)
        self.streams = [inner, outer]
        async with inner, outer, trio.open_nursery() as nursery:
            nursery.start_soon(self._copy, inner, outer, nursery.cancel_scope)
            nursery.start_soon(self._copy, outer, inner, nursery.cancel_scope)

    async def _copy(self, source: trio.SocketStream, target: trio.SocketStream, both: trio.CancelScope) -> None:
        try:
            async for data in source:
                await target.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        both.cancel()

    async def cut(self) -> None:
        """Lose the connection; no other one is made until `open` is set."""
        self.open = trio.Event()
        for stream in self.streams:
            await trio.aclose_forcefully(stream)


async def test_a_client_that_was_cut_off_goes_on_where_it_was(place: Place) -> None:
    flag = place.path / "flag"
    wait = {**SHELL, "arguments": {"cmd": f"until test -e {flag}; do sleep 0.02; done", "yield_time_ms": 30_000}}
    script = [[wait], [{"type": "text", "text": "while you were away"}], [{"type": "text", "text": "and again"}]]
    async with open_served(place, {"turns": script}) as served, trio.open_nursery() as nursery:
        host, _, port = served.url.removeprefix("ws://").rpartition(":")
        cutter = Cutter(host, int(port))
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, cutter.pass_on, listeners)
        cutter.open.set()
        url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        async with open_client(websocket(url), reconnects=100) as client, open_client(websocket(served.url)) as other:
            thread_id = await new_thread(client, sandbox="danger-full-access")
            async with client.open_turn(thread_id, "hi") as turn:
                async for notification in turn:
                    if notification.method == "item/started" and isinstance(
                        notification.params.item, CommandExecutionItem
                    ):
                        break
                await cutter.cut()
                flag.touch()
                await until_idle(other, thread_id)
                cutter.open.set()
                result = await turn.result()
            assert [type(item).__name__ for item in result.items] == [
                "UserMessageItem",
                "CommandExecutionItem",
                "AgentMessageItem",
            ]
            assert (result.turn.status, result.final_response) == ("completed", "while you were away")
            assert (await client.run_turn(thread_id, "more")).final_response == "and again"
        nursery.cancel_scope.cancel()


async def until_idle(client: Client, thread_id: str) -> None:
    """Wait until the thread has no turn: another client sees it end."""
    async with client.open_notifications(thread_id) as told:
        resumed = await client.thread_resume(ThreadResumeParams(thread_id=thread_id))
        if resumed.thread.turns[-1].status == "inProgress":
            await end_of_turn(told)
