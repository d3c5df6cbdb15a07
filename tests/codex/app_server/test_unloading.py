"""Threads that nobody follows are ended after a while, and come back when they are resumed."""

from pathlib import Path

import trio
from trio.testing import MockClock

from codex.app_server.server import UNLOAD_AFTER
from tests.codex.app_server.wires import open_server, open_wire

_TALK = {"turns": [[{"type": "text", "text": "Hello."}]], "loop": True}


async def _loaded(tmp_path: Path, mock_clock: MockClock, *, comes_back: bool) -> list[str]:
    """The loaded threads after half an hour without, or with, the client that followed one."""
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.run_turn(thread_id)
        await client.call("thread/unsubscribe", {"threadId": thread_id})
        if comes_back:
            await client.call("thread/resume", {"threadId": thread_id})
        mock_clock.jump(UNLOAD_AFTER + 1)
        if not comes_back:
            while server.server.find(thread_id) is not None:
                await trio.lowlevel.checkpoint()
        return (await client.call("thread/loaded/list"))["data"]


async def test_a_thread_without_a_client_is_ended(tmp_path: Path, mock_clock: MockClock) -> None:
    assert await _loaded(tmp_path, mock_clock, comes_back=False) == []


async def test_a_client_that_comes_back_keeps_it(tmp_path: Path, mock_clock: MockClock) -> None:
    assert len(await _loaded(tmp_path, mock_clock, comes_back=True)) == 1
