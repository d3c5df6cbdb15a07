"""Commands and processes of a client: their streams, their terminal, their end, and that nothing is left of them."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.codex.app_server.wires import WireClient, open_server, open_wire


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def read_until(client: WireClient, method: str, text: str) -> str:
    """What a process says, until it has said this."""
    said = ""
    while text not in said:
        said += base64.b64decode((await client.until(method))["deltaBase64"]).decode()
    return said


async def gone(pid: int) -> None:
    """Return when there is no such process."""
    with trio.fail_after(30):
        while os.path.exists(f"/proc/{pid}"):
            await trio.sleep(0.02)


async def test_a_command_is_run_with_its_streams_apart(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        script = 'echo "$NEW $HOME"; pwd; echo bad >&2; exit 3'
        params = {"command": ["sh", "-c", script], "env": {"NEW": "set", "HOME": None}}
        work = os.path.realpath(tmp_path / "work")
        told = {"exitCode": 3, "stdout": f"set \n{work}\n", "stderr": "bad\n"}
        assert await client.call("command/exec", params) == told
        capped = {"command": ["sh", "-c", "echo 123456; echo 123456 >&2"], "outputBytesCap": 3}
        assert await client.call("command/exec", capped) == {"exitCode": 0, "stdout": "123", "stderr": "123"}
        late = {"command": ["sleep", "60"], "timeoutMs": 100}
        assert await client.call("command/exec", late) == {"exitCode": 124, "stdout": "", "stderr": ""}


@pytest.mark.parametrize(
    ("params", "code", "told"),
    [
        ({"command": []}, -32600, "command must not be empty"),
        ({"command": ["a"], "tty": True}, -32600, "command/exec tty or streaming requires a client-supplied processId"),
        ({"command": ["a"], "timeoutMs": -1}, -32602, "command/exec timeoutMs must be non-negative, got -1"),
        (
            {"command": ["a"], "timeoutMs": 1, "disableTimeout": True},
            -32602,
            "command/exec cannot set both timeoutMs and disableTimeout",
        ),
        ({"command": ["a"], "size": {"rows": 1, "cols": 1}}, -32602, "command/exec size requires tty: true"),
    ],
)
async def test_what_cannot_be_run_is_refused_as_codex_does(tmp_path: Path, params: Any, code: int, told: str) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        assert (await client.call("command/exec", params))["error"] == {"code": code, "message": told}


async def test_a_command_is_written_to_and_closed(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        streams = {"processId": "p", "streamStdin": True, "streamStdoutStderr": True, "disableTimeout": True}
        request = await client.request("command/exec", {"command": ["sh", "-c", "echo ready; cat"], **streams})
        await read_until(client, "command/exec/outputDelta", "ready")
        again = await client.call("command/exec", {"command": ["cat"], **streams})
        assert again["error"]["message"] == 'duplicate active command/exec process id: "p"'
        sized = await client.call("command/exec/resize", {"processId": "p", "size": {"rows": 1, "cols": 1}})
        assert sized["error"]["message"] == "failed to resize PTY: process is not attached to a PTY"
        assert await client.call("command/exec/write", {"processId": "p", "deltaBase64": encoded("hello")}) == {}
        await read_until(client, "command/exec/outputDelta", "hello")
        assert await client.call("command/exec/write", {"processId": "p", "closeStdin": True}) == {}
        assert await client.answer_of(request) == {"exitCode": 0, "stdout": "", "stderr": ""}
        over = await client.call("command/exec/write", {"processId": "p", "closeStdin": True})
        assert over["error"]["message"] == 'no active command/exec for process id "p"'


async def test_a_command_on_a_terminal_knows_its_size(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        script = "stty size; read line; stty size"
        params = {"command": ["sh", "-c", script], "processId": "t", "tty": True, "size": {"rows": 10, "cols": 30}}
        request = await client.request("command/exec", params)
        await read_until(client, "command/exec/outputDelta", "10 30")
        assert await client.call("command/exec/resize", {"processId": "t", "size": {"rows": 20, "cols": 40}}) == {}
        assert await client.call("command/exec/write", {"processId": "t", "deltaBase64": encoded("\n")}) == {}
        await read_until(client, "command/exec/outputDelta", "20 40")
        assert (await client.answer_of(request))["exitCode"] == 0


async def test_a_command_that_is_ended_takes_with_it_what_it_started(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        script = "sleep 1000 & echo pid $! end; wait"
        streams = {"processId": "p", "streamStdoutStderr": True, "disableTimeout": True}
        request = await client.request("command/exec", {"command": ["sh", "-c", script], **streams})
        said = await read_until(client, "command/exec/outputDelta", "end")
        assert await client.call("command/exec/terminate", {"processId": "p"}) == {}
        assert (await client.answer_of(request))["exitCode"] == 137
        await gone(int(said.split()[1]))


async def test_a_process_runs_beside_and_its_end_is_told(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        command = {"command": ["sh", "-c", "echo out; echo err >&2; exit 3"], "cwd": str(tmp_path)}
        assert await client.call("process/spawn", {**command, "processHandle": "h"}) == {}
        assert await client.until("process/exited") == {
            "processHandle": "h",
            "exitCode": 3,
            "outputDrainTimedOut": False,
            "stdout": "out\n",
            "stdoutCapReached": False,
            "stderr": "err\n",
            "stderrCapReached": False,
        }
        nothing = await client.call("process/spawn", {**command, "command": ["/no/such"], "processHandle": "n"})
        assert nothing["error"]["message"].startswith("failed to spawn process: ")
        unknown = await client.call("process/kill", {"processHandle": "h"})
        assert unknown["error"]["message"] == 'no active process for process handle "h"'


async def test_a_process_ends_when_it_is_killed_or_its_client_leaves(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server:
        pids = list[int]()
        async with open_wire(server) as client:
            for name in ("a", "b"):
                command = {"command": ["sh", "-c", "echo $$ end; exec sleep 1000"], "cwd": str(tmp_path)}
                spawn = {**command, "processHandle": name, "streamStdoutStderr": True}
                assert await client.call("process/spawn", spawn) == {}
                pids.append(int((await read_until(client, "process/outputDelta", "end")).split()[0]))
            assert await client.call("process/kill", {"processHandle": "a"}) == {}
            ended = await client.until("process/exited")
            assert (ended["processHandle"], ended["exitCode"]) == ("a", 137)
        for pid in pids:
            await gone(pid)
