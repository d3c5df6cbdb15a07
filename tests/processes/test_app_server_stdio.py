"""The app-server as a program on stdin and stdout: it ends with its client, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_RUN = "from codex.cli.main import main; main()"
_WITHIN = 60.0


def start(tmp_path: Path, turns: list[Any]) -> subprocess.Popen[bytes]:
    (tmp_path / "home").mkdir()
    (tmp_path / "script.json").write_text(json.dumps({"turns": turns}))
    (tmp_path / "home" / "config.toml").write_text(
        'model = "gpt-5.5"\nmodel_provider = "s"\napproval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
        f'[model_providers.s]\nname = "S"\nwire_api = "scripted"\nscript = "{tmp_path / "script.json"}"\n'
    )
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, "app-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "CODEX_HOME": str(tmp_path / "home"), "PYTHONPATH": os.getcwd()},
        cwd=tmp_path,
    )


def send(server: subprocess.Popen[bytes], message: object) -> None:
    assert server.stdin is not None
    server.stdin.write(json.dumps(message).encode() + b"\n")
    server.stdin.flush()


def read_until(server: subprocess.Popen[bytes], key: str, value: object) -> dict[str, Any]:
    assert server.stdout is not None
    for line in server.stdout:
        message = json.loads(line)
        if message.get(key) == value:
            return message
    raise AssertionError(f"the server ended before {key}={value!r}")


def greet(server: subprocess.Popen[bytes]) -> None:
    send(server, {"id": "hello", "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}})
    assert read_until(server, "id", "hello")["result"]["userAgent"].startswith("t/")


def test_the_end_of_stdin_ends_the_program_with_all_it_runs(tmp_path: Path) -> None:
    command = {"cmd": "echo $$ > pid; sleep 600", "yield_time_ms": 250}
    call = {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": command}
    with start(tmp_path, [[call], [{"type": "text", "text": "it runs"}]]) as server:
        pid = run_in_background(server, tmp_path)
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(_WITHIN) == 0
    assert _is_gone(pid)


def run_in_background(server: subprocess.Popen[bytes], tmp_path: Path) -> int:
    """Have a turn leave a command behind; its process id."""
    greet(server)
    send(server, {"id": 1, "method": "thread/start", "params": {"cwd": str(tmp_path)}})
    thread_id = read_until(server, "id", 1)["result"]["thread"]["id"]
    said = [{"type": "text", "text": "go"}]
    send(server, {"id": 2, "method": "turn/start", "params": {"threadId": thread_id, "input": said}})
    read_until(server, "method", "turn/completed")
    return int((tmp_path / "pid").read_text())


def test_requests_that_were_sent_with_the_greeting_are_answered(tmp_path: Path) -> None:
    hello = {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}}
    rest = [
        {"method": "initialized"},
        {"id": 2, "method": "thread/start", "params": {"cwd": str(tmp_path)}},
        {**hello, "id": 3},
    ]
    with start(tmp_path, []) as server:
        assert server.stdin is not None
        server.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in [hello, *rest]))
        server.stdin.flush()
        assert read_until(server, "id", 1)["result"]["userAgent"].startswith("t/")
        assert server.stdout is not None
        answers: dict[int, Any] = {}
        while not answers.keys() >= {2, 3}:
            message = json.loads(server.stdout.readline())
            answers[message.get("id")] = message
        assert answers[2]["result"]["thread"]["cwd"] == str(tmp_path)
        assert answers[3]["error"]["message"] == "Already initialized"
        server.stdin.close()
        assert server.wait(_WITHIN) == 0


def test_sigterm_ends_the_program_in_an_orderly_way(tmp_path: Path) -> None:
    with start(tmp_path, [[{"type": "text", "text": "hello"}]]) as server:
        greet(server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(_WITHIN) == 0


def _is_gone(pid: int) -> bool:
    """Whether the process has ended, or does so while its killer's last words arrive."""
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
    return False
