"""One measured run of a codex command against the scripted model server: clocks, memory, the server's log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[2]
_SERVE = (
    "import sys; from codex.model.scripted.server import run_model_server; sys.exit(run_model_server(sys.argv[1:]))"
)
_DEADLINE = 180.0
_SAMPLE_SECONDS = 0.004


class RunFailed(Exception):
    """A run did not end as it should; the text is one line."""


@attrs.frozen
class Contestant:
    """A codex command, and the home it keeps warm from run to run."""

    name: str
    command: str
    home: Path
    version: str


@attrs.frozen
class Scenario:
    """What is asked of both: options of `codex exec` and the model's script; and what shows that it was done.

    `printed` must stand on stdout at least `times` times.
    """

    name: str
    script: Any  # a script as it stands in a file
    options: tuple[str, ...] = ()
    requests: int = 1
    printed: bytes = b'"turn.completed"'
    times: int = 1


@attrs.frozen
class Run:
    """What one run showed; times by the machine's monotonic clock."""

    started: float
    ended: float
    turn_completed: float
    requests: tuple[float, ...]
    responses: tuple[float, ...]
    peak_mb: float = 0.0
    helpers_mb: float = 0.0

    @property
    def wall(self) -> float:
        """From the start of the process to its end."""
        return self.ended - self.started

    @property
    def to_first_request(self) -> float:
        """From the start of the process to the first byte of its first request."""
        return self.requests[0] - self.started

    @property
    def per_call(self) -> float:
        """Mean time from the end of a response to the first byte of the next request."""
        gaps = [after - ended for ended, after in zip(self.responses, self.requests[1:], strict=False)]
        return sum(gaps) / len(gaps)

    @property
    def turn(self) -> float:
        """From the first byte of the first request to the line `turn.completed` on stdout."""
        return self.turn_completed - self.requests[0]


class Server:
    """A scripted model server in a process of its own."""

    def __init__(self, scenario: Scenario, place: Path) -> None:
        script, self._log = place / f"{scenario.name}.json", place / f"{scenario.name}.log"
        script.write_text(json.dumps(scenario.script))
        self._log.touch()
        self._offset = 0
        arguments = ["--script", str(script), "--log", str(self._log), "--no-log-bodies"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def new_entries(self) -> list[dict[str, Any]]:
        """What was logged since the last call, once every request in it is answered."""
        deadline = time.monotonic() + 5
        while True:
            with self._log.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            entries = [json.loads(line) for line in data.splitlines()]
            asked = sum("request" in entry for entry in entries)
            if asked * 2 == len(entries) or time.monotonic() > deadline:
                self._offset += len(data)
                return entries
            time.sleep(0.01)

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait()


@contextmanager
def open_server(scenario: Scenario, place: Path) -> Generator[Server]:
    """A server of the scenario's script; leaving the block ends it."""
    server = Server(scenario, place)
    try:
        yield server
    finally:
        server.close()


def open_home(name: str, command: str, version: str, place: Path) -> Contestant:
    """A contestant with an empty HOME and CODEX_HOME and a git repository to work in."""
    home = place / name
    for folder in ("home", "codex_home", "repo"):
        (home / folder).mkdir(parents=True)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=home / "repo", check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], cwd=home / "repo", check=True)
    return Contestant(name, command, home, version)


def run_once(contestant: Contestant, scenario: Scenario, server: Server, *, sample_memory: bool = False) -> Run:
    """Run the scenario once.

    Raises:
      RunFailed: exit status, output or requests are not those of a whole turn.
    """
    settings = {"name": '"mock"', "base_url": f'"{server.url}"', "wire_api": '"responses"'}
    options = [part for key, value in settings.items() for part in ("-c", f"model_providers.mock.{key}={value}")]
    command = [contestant.command, "exec", "--json", "-m", "gpt-5.5", *options, "-c", 'model_provider="mock"']
    server.new_entries()
    with (contestant.home / "stderr").open("wb") as stderr:
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, *scenario.options, "go"],
            cwd=contestant.home / "repo",
            env=_environ(contestant.home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        memory = _Memory(process.pid) if sample_memory else None
        timer = threading.Timer(_DEADLINE, process.kill)
        timer.start()
        turn_completed, output = _watch_output(process)
        returncode = process.wait()
        ended = time.monotonic()
        timer.cancel()
    entries = server.new_entries()
    requests = tuple(entry["arrived"] for entry in entries if "request" in entry)
    answered = [entry for entry in entries if "response" in entry]
    if returncode != 0 or turn_completed is None or any(entry["outcome"] != "sent" for entry in answered):
        said = (contestant.home / "stderr").read_text(errors="replace").strip().splitlines()
        outcomes = sorted({str(entry["outcome"]) for entry in answered})
        raise RunFailed(f"exit status {returncode}, answers {outcomes}: {said[-1] if said else 'nothing on stderr'}")
    done = output.count(scenario.printed)
    if len(requests) != scenario.requests or done < scenario.times:
        printed = scenario.printed.decode()
        raise RunFailed(f"{len(requests)} requests instead of {scenario.requests}, {printed} printed {done} times")
    peak, helpers = memory.end() if memory else (0.0, 0.0)
    responses = tuple(entry["ended"] for entry in answered)
    return Run(started, ended, turn_completed, requests, responses, peak, helpers)


def _environ(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home / "home"),
        "CODEX_HOME": str(home / "codex_home"),
        "LANG": "C.UTF-8",
        # Codex wants no CODEX_HOME below the directory for temporary files.
        "TMPDIR": "/var/tmp",
    }


def _watch_output(process: subprocess.Popen[bytes]) -> tuple[float | None, bytes]:
    """When `turn.completed` was printed, and all that was printed."""
    assert process.stdout is not None
    found: float | None = None
    output = b""
    while data := os.read(process.stdout.fileno(), 65_536):
        output += data
        if found is None and b'"turn.completed"' in output[-len(data) - 32 :]:
            found = time.monotonic()
    process.stdout.close()
    return found, output


class _Memory:
    """Samples the peak RSS of a process, and the PSS of the Python processes below it, until the process ends."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_kb = self._helpers_kb = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def end(self) -> tuple[float, float]:
        self._stop.set()
        self._thread.join()
        return self._peak_kb / 1024, self._helpers_kb / 1024

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self._peak_kb = max(self._peak_kb, _field(f"/proc/{self._pid}/status", "VmHWM:"))
            helpers = (child for child in _children(self._pid) if _is_python(child))
            pss = sum(_field(f"/proc/{child}/smaps_rollup", "Pss:") for child in helpers)
            self._helpers_kb = max(self._helpers_kb, pss)


def _field(path: str, name: str) -> int:
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def _children(pid: int) -> list[int]:
    try:
        below = [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in _words(task / "children")]
    except OSError:
        return []
    return [*below, *(grandchild for child in below for grandchild in _children(child))]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _is_python(pid: int) -> bool:
    try:
        return "python" in os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return False


def wait_idle(share: float = 0.75, patience: float = 300.0) -> bool:
    """Wait until this share of the CPU was idle for half a second; whether it came to that."""
    deadline = time.monotonic() + patience
    while True:
        before = _cpu_times()
        time.sleep(0.5)
        after = _cpu_times()
        total = sum(after) - sum(before)
        idle = after[3] + after[4] - before[3] - before[4]
        if total and idle / total >= share:
            return True
        if time.monotonic() > deadline:
            return False


def _cpu_times() -> list[int]:
    with open("/proc/stat") as file:
        return [int(word) for word in file.readline().split()[1:9]]


def native_codex(path: str) -> str:
    """The binary of Codex behind a path: npm's entry is a script that starts it, a tenth of a second later."""
    found = Path(shutil.which(path) or path).resolve()
    with found.open("rb") as file:
        if file.read(2) != b"#!":
            return str(found)
    for folder in found.parents:
        for binary in sorted(folder.glob("node_modules/@openai/codex-*/vendor/*/bin/codex")):
            return str(binary)
        for binary in sorted(folder.glob("@openai/codex-*/vendor/*/bin/codex")):
            return str(binary)
    return str(found)


def version_of(command: Sequence[str]) -> str:
    """The first line that `--version` prints; empty when it cannot be asked."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().partition("\n")[0]
