"""What the app-server costs beside the real Codex, both against the same scripted model, in one run.

    python -m tests.benchmarks.app_server [--codex PATH] [--only NAME]

initialize   seconds from the start of the program until `initialize` is answered; the median of nine, by turns
turns        turns a second: so many threads with one turn each, all at once; KB that each thread adds to the process.
             500 of them are run by ours alone, since Codex refuses a fifth of them, and takes minutes
memory       KB that a thread with one turn adds: one after the other, from the second to the fifty-first
deltas       notifications a second for an answer of 20,000 pieces

Behind each speed stands the same for a second of the server's own processor time, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

_SCRIPT: dict[str, Any] = {
    "scripts": {
        "text": {"turns": [[{"type": "text", "text": "Hello there."}]], "loop": True},
        "long": {"turns": [[{"type": "text", "repeat_delta": ["word ", 20_000]}]], "loop": True},
    },
    "default": "text",
}
_WITHIN = 180.0
_SETTLES = 2.0  # what a first turn loads is there then
_OURS = (sys.executable, "-c", "from codex.cli.main import main; main()")


class Server:
    """An app-server on pipes; what it says is counted by a thread."""

    def __init__(self, command: Sequence[str], home: Path) -> None:
        environ = {**os.environ, "CODEX_HOME": str(home)}
        self.process = subprocess.Popen(
            [*command, "app-server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            cwd=home,
        )
        self.answers: dict[int, Any] = {}
        self.counts: dict[str, int] = {}
        self._last_id = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b'"item/agentMessage/delta"' in line[:40]:
                self.counts["item/agentMessage/delta"] = self.counts.get("item/agentMessage/delta", 0) + 1
                continue
            message = json.loads(line)
            with self._changed:
                if "method" in message:
                    self.counts[message["method"]] = self.counts.get(message["method"], 0) + 1
                else:
                    self.answers[message["id"]] = message
                self._changed.notify_all()

    def send(self, method: str, params: object) -> int:
        self._last_id += 1
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": self._last_id, "method": method, "params": params}).encode() + b"\n")
        self.process.stdin.flush()
        return self._last_id

    def answer(self, request: int) -> Any:
        with self._changed:
            assert self._changed.wait_for(lambda: request in self.answers, _WITHIN), "no answer came"
        return self.answers[request]

    def call(self, method: str, params: object) -> Any:
        answer = self.answer(self.send(method, params))
        assert "result" in answer, answer
        return answer["result"]

    def wait_count(self, method: str, count: int) -> None:
        with self._changed:
            done = self._changed.wait_for(lambda: self.counts.get(method, 0) >= count, _WITHIN)
        assert done, f"{self.counts.get(method, 0)} of {count} {method}"

    def greet(self) -> None:
        self.call("initialize", {"clientInfo": {"name": "bench", "version": "1"}, "capabilities": None})

    def rss_kb(self) -> int:
        """Of the server itself; Codex's launcher starts it as a child."""
        return max(_rss_kb(pid) for pid in _family(self.process.pid))

    def cpu(self) -> float:
        """Processor seconds of the server so far."""
        return max(_cpu(pid) for pid in _family(self.process.pid))

    def start_thread(self, folder: Path) -> str:
        """Codex refuses what comes too fast: then it is asked again."""
        while True:
            answer = self.answer(self.send("thread/start", {"cwd": str(folder)}))
            if "result" in answer:
                return answer["result"]["thread"]["id"]
            assert answer["error"]["code"] == -32001, answer
            time.sleep(0.05)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


@attrs.frozen
class Contestant:
    """A codex command and its home."""

    name: str
    command: Sequence[str]
    home: Path

    @contextmanager
    def serving(self) -> Iterator[Server]:
        server = Server(self.command, self.home)
        try:
            yield server
        finally:
            server.close()


def initialize(contestants: Sequence[Contestant]) -> dict[str, float]:
    """Seconds; the contestants take turns, so that a busy machine slows both."""
    took: dict[str, list[float]] = {one.name: [] for one in contestants}
    for _ in range(9):
        for one in contestants:
            began = time.monotonic()
            with one.serving() as server:
                server.greet()
                took[one.name].append(time.monotonic() - began)
    return {name: statistics.median(seconds) for name, seconds in took.items()}


def memory(contestant: Contestant, count: int = 50) -> float:
    """KB a thread with one turn."""
    with contestant.serving() as server:
        server.greet()
        before = 0
        for number in range(1, count + 2):
            server.call("turn/start", _turn(server.start_thread(contestant.home), "text"))
            server.wait_count("turn/completed", number)
            if number == 1:
                time.sleep(_SETTLES)
                before = server.rss_kb()
        return (server.rss_kb() - before) / count


def turns(contestant: Contestant, count: int) -> tuple[float, float, float]:
    """Turns a second, turns a processor second, and KB a thread."""
    with contestant.serving() as server:
        server.greet()
        server.call("turn/start", _turn(server.start_thread(contestant.home), "text"))
        server.wait_count("turn/completed", 1)
        before = server.rss_kb()
        threads = [server.start_thread(contestant.home) for _ in range(count)]
        began, spent = time.monotonic(), server.cpu()
        started = [server.send("turn/start", _turn(thread, "text")) for thread in threads]
        refused = sum("error" in server.answer(request) for request in started)
        server.wait_count("turn/completed", 1 + count - refused)
        took, spent = time.monotonic() - began, server.cpu() - spent
        if refused:
            print(f"  {contestant.name}: {refused} of {count} refused")
        done = count - refused
        return done / took, done / spent, (server.rss_kb() - before) / count


def deltas(contestant: Contestant) -> tuple[float, float, int]:
    """Notifications a second, and a processor second, and how many there were."""
    with contestant.serving() as server:
        server.greet()
        thread = server.start_thread(contestant.home)
        server.call("turn/start", _turn(thread, "text"))
        server.wait_count("turn/completed", 1)
        before = server.counts.get("item/agentMessage/delta", 0)
        began, spent = time.monotonic(), server.cpu()
        server.call("turn/start", _turn(thread, "long"))
        server.wait_count("turn/completed", 2)
        took, spent = time.monotonic() - began, server.cpu() - spent
        count = server.counts["item/agentMessage/delta"] - before
        return count / took, count / spent, count


def _turn(thread: str, script: str) -> dict[str, Any]:
    return {"threadId": thread, "input": [{"type": "text", "text": f"go [[script:{script}]]"}]}


@contextmanager
def _contestants(codex: str | None) -> Iterator[list[Contestant]]:
    with tempfile.TemporaryDirectory(prefix="codex-bench-", dir=Path.home(), ignore_cleanup_errors=True) as scratch:
        script = Path(scratch, "script.json")
        script.write_text(json.dumps(_SCRIPT))
        model = subprocess.Popen(
            [*_OURS, "debug", "model-server", "--script", str(script)], stdout=subprocess.PIPE, text=True
        )
        assert model.stdout is not None
        url = model.stdout.readline().split()[-1]
        commands: list[tuple[str, Sequence[str]]] = [("ours", _OURS), *([("codex", (codex,))] if codex else [])]
        found: list[Contestant] = []
        for name, command in commands:
            home = Path(scratch, name)
            home.mkdir()
            (home / "config.toml").write_text(
                'model = "gpt-5.5"\nmodel_provider = "mock"\napproval_policy = "never"\n'
                f'[model_providers.mock]\nname = "Mock"\nbase_url = "{url}"\n'
            )
            found.append(Contestant(name, command, home))
        try:
            yield found
        finally:
            model.terminate()
            model.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codex", default=shutil.which("codex-real"), help="the real one, to compare with")
    parser.add_argument("--only", choices=("initialize", "turns", "memory", "deltas"))
    options = parser.parse_args()
    with _contestants(options.codex) as contestants:
        if options.only in (None, "initialize"):
            for name, seconds in initialize(contestants).items():
                print(f"{name:<6} initialize {seconds:.3f} s", flush=True)
        for one in contestants:
            for count in (50, 500) if options.only in (None, "turns") else ():
                if count > 50 and one.name != "ours":
                    continue
                speed, per_cpu, kb = turns(one, count)
                told = f"{speed:.1f} turns/s ({per_cpu:.0f} a CPU second), {kb:.0f} KB a thread"
                print(f"{one.name:<6} {count} turns at once: {told}", flush=True)
            if options.only in (None, "memory"):
                print(f"{one.name:<6} memory {memory(one):.0f} KB a thread with one turn", flush=True)
            if options.only in (None, "deltas"):
                speed, per_cpu, count = deltas(one)
                told = f"{speed:,.0f} notifications/s ({per_cpu:,.0f} a CPU second), {count:,} of them"
                print(f"{one.name:<6} deltas {told}", flush=True)


if __name__ == "__main__":
    main()
