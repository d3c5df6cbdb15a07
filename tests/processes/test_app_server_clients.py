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
from codex.app_server.api.thread import ThreadStartParams
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
    assert [item.status for item in result.items if isinstance(item, CommandExecutionItem)] == ["declined"]
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
