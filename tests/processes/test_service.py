"""The engine inside a web service and an asyncio program: real clients, real signals, nothing left."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 60.0
SCRIPTS = {
    "scripts": {
        "say": [[{"type": "text", "deltas": ["one ", "two ", "three"]}]],
        # The command's line says who it is, so that it can be looked for.
        "hang": [
            [
                {
                    "type": "function_call",
                    "name": "exec_command",
                    "arguments": {"cmd": "echo pid $$; exec sleep 1000", "login": False, "yield_time_ms": 60_000},
                }
            ]
        ],
    },
    "default": "say",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(SCRIPTS))
    for name in ("home", "cwd"):
        (tmp_path / name).mkdir()
    environ = {
        **os.environ,
        "SERVICE_CWD": str(tmp_path / "cwd"),
        "SERVICE_HOME": str(tmp_path / "home"),
        "SERVICE_SCRIPT": str(script),
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Connections wait in the listener until the service takes them.
        command = [sys.executable, "-m", "uvicorn", "tests.processes.service_app:app", "--fd", str(listener.fileno())]
        options = ["--log-level", "warning", "--timeout-graceful-shutdown", "1"]
        with subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environ, pass_fds=[listener.fileno()], start_new_session=True
        ) as process:
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}", process
            finally:
                process.kill()


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@contextmanager
def asked(url: str, script: str) -> Iterator[Iterator[str]]:
    with httpx2.stream("GET", f"{url}/ask", params={"q": f"Go. [[script:{script}]]"}, timeout=WITHIN) as answer:
        yield (line.removeprefix("data: ") for line in answer.iter_lines() if line)


def pid_of(lines: Iterator[str]) -> int:
    return int(json.loads(next(lines)).split()[1])


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_turn_comes_as_server_sent_events(service: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, process = service
    with asked(url, "say") as lines:
        assert [*lines] == ['"one "', '"two "', '"three"', "event: done", "{}"]
    until(lambda: httpx2.get(f"{url}/threads", timeout=WITHIN).json() == 0, "the thread is still there")
    process.terminate()
    assert process.wait(WITHIN) in (0, -signal.SIGTERM)


def test_a_client_that_goes_away_ends_its_turn_and_the_commands_of_it(
    service: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, _ = service
    with asked(url, "hang") as lines:
        pid = pid_of(lines)
        assert lives(pid)
        assert httpx2.get(f"{url}/threads", timeout=WITHIN).json() == 1
    until(lambda: not lives(pid), "the command still runs")
    until(lambda: httpx2.get(f"{url}/threads", timeout=WITHIN).json() == 0, "the thread is still there")


def test_a_service_that_is_told_to_stop_leaves_nothing(service: tuple[str, subprocess.Popen[bytes]]) -> None:
    url, process = service
    with asked(url, "hang") as lines:
        pid = pid_of(lines)
        process.terminate()
        assert process.wait(WITHIN) in (0, -signal.SIGTERM)
    until(lambda: not lives(pid), "the command still runs")


PROGRAM = """
import json, sys
from codex.config import load_config
from codex.embed import open_engine, run
from codex.protocol.event import CommandOutputDelta

async def main():
    home, cwd, script = sys.argv[1:]
    overrides = ['model_provider="scripted"', f"model_script={json.dumps(script)}", 'model="gpt-5.5"']
    flags = {"sandbox_mode": "danger-full-access"}
    config = load_config(cwd=cwd, codex_home=home, environ={}, overrides=overrides, flags=flags)
    try:
        async with open_engine(config) as engine:
            thread = await engine.start_thread()
            async for event in thread.run("Go. [[script:hang]]"):
                if isinstance(event.msg, CommandOutputDelta):
                    print(event.msg.chunk.decode(), flush=True)
    finally:
        print("left in order", flush=True)

run(main())
"""


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_program_that_is_told_to_stop_ends_its_engine_first(told: signal.Signals, code: int, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(SCRIPTS))
    for name in ("home", "cwd"):
        (tmp_path / name).mkdir()
    places = [str(tmp_path / "home"), str(tmp_path / "cwd"), str(script)]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *places], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[1])
        assert lives(pid)
        process.send_signal(told)
        assert "left in order" in process.stdout.read()
        assert process.wait(WITHIN) in (code, -told)
    until(lambda: not lives(pid), "the command still runs")
