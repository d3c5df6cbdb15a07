"""How an app-server ends, and what its clients' ends leave: no process, no descriptor, no socket file."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.behaviour.typed_codex import DEADLINE, Place, make_place
from tests.processes.app_server_flood import Peer
from tests.processes.served import command, open_served

if sys.platform != "linux":
    pytest.skip("reads /proc", allow_module_level=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def make_script(mark: str) -> dict[str, Any]:
    """A turn that runs a command for a day, with a child that hides from signals."""
    cmd = f"(setsid sleep {mark} &) ; sleep {mark}"
    call = {"type": "function_call", "name": "exec_command", "call_id": "c"}
    arguments = {"cmd": cmd, "login": False, "yield_time_ms": 30_000}
    return {"turns": [[{**call, "arguments": arguments}], [{"type": "text", "text": "done"}]], "loop": True}


def new_mark() -> str:
    return f"86{random.randrange(10**9):09d}"


def sleepers(mark: str) -> int:
    """How many processes sleep for this long."""
    found = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += words[:2] == [b"sleep", mark.encode()]
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; there is no event for what other processes do."""
    with trio.fail_after(DEADLINE):
        while not condition():
            await trio.sleep(0.02)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def no_more_than(most: int, pid: int) -> bool:
    return descriptors(pid) <= most


async def start_turn(peer: Peer) -> str:
    """A turn that runs the command; the thread's id."""
    await peer.greet(experimentalApi=True)
    await peer.send(id=2, method="thread/start", params={"sandbox": "danger-full-access"})
    thread_id = (await peer.answer(2))["thread"]["id"]
    await peer.send(
        id=3, method="turn/start", params={"threadId": thread_id, "input": [{"type": "text", "text": "go"}]}
    )
    await peer.answer(3)
    return thread_id


async def test_a_turn_survives_its_client_and_not_its_server(place: Place) -> None:
    mark, path = new_mark(), place.path / "s.sock"
    async with open_served(place, make_script(mark), f"unix://{path}") as served:
        peer = Peer(await trio.open_unix_socket(path))
        await peer.shake_hands()
        await start_turn(peer)
        await until(lambda: sleepers(mark) == 2)
        peer.close()
        other = Peer(await trio.open_unix_socket(path))
        await other.shake_hands()
        await other.greet(experimentalApi=True)
        while await gauge(other, "connections") > 1:
            await trio.sleep(0.02)
        assert (await gauge(other, "active_turns"), sleepers(mark)) == (1, 2)
        served.process.terminate()
        assert await served.process.wait() == 0
        other.close()
    assert not path.exists()
    await until(lambda: sleepers(mark) == 0)


async def gauge(peer: Peer, name: str) -> int:
    await peer.send(id=9, method="server/diagnostics", params={})
    return {one["name"]: one["value"] for one in (await peer.answer(9))["gauges"]}[name]


async def test_clients_that_come_and_go_leave_no_descriptor(place: Place) -> None:
    async with open_served(place, {"turns": [[{"type": "text", "text": "hello"}]], "loop": True}) as served:
        host, _, port = served.url.removeprefix("ws://").rpartition(":")
        watcher = await Peer.connect(host, int(port))
        await watcher.greet(experimentalApi=True)
        held = list[int]()
        for _ in range(3):
            peers = [await Peer.connect(host, int(port)) for _ in range(10)]
            for number, peer in enumerate(peers):
                if number % 2:
                    await peer.greet()
                peer.close()
            while await gauge(watcher, "connections") > 1:
                await trio.sleep(0.02)
            held = held or [descriptors(served.process.pid)]
            await until(partial(no_more_than, held[0], served.process.pid))
        watcher.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None], ids=["SIGTERM", "SIGINT", "EOF"])
def test_a_server_on_standard_streams_ends_with_all_it_runs(place: Place, end: signal.Signals | None) -> None:
    mark = new_mark()
    place.play(make_script(mark))
    child = subprocess.Popen(
        command(), env=place.environ, cwd=place.repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        ask(child, 1, "initialize", {"clientInfo": {"name": "tests", "version": "1"}})
        thread_id = ask(child, 2, "thread/start", {"sandbox": "danger-full-access"})["thread"]["id"]
        ask(child, 3, "turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "go"}]})
        trio.run(until, lambda: sleepers(mark) == 2)
        if end is None:
            child.stdin.close()
        else:
            child.send_signal(end)
        # Codex 0.169 dies of SIGINT there, and ends with 0 otherwise.
        assert child.wait(DEADLINE) == (-signal.SIGINT if end == signal.SIGINT else 0)
    trio.run(until, lambda: sleepers(mark) == 0)


def ask(child: "subprocess.Popen[bytes]", request_id: int, method: str, params: Any) -> Any:
    """The result of a request over standard streams."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps({"id": request_id, "method": method, "params": params}).encode() + b"\n")
    for line in child.stdout:
        read = json.loads(line)
        if read.get("id") == request_id and "method" not in read:
            return read["result"]
    raise AssertionError
