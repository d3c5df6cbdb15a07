"""Real processes and threads as supervised children, on the real clock."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from actors import Exit, Report, open_runtime
from supervisors import (
    ChildSpec,
    ProcessFailed,
    Supervisor,
    SupervisorSpec,
    process_child,
    start_supervisor,
    thread_child,
    worker_child,
)

SLEEPER = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(os.getpid(), flush=True); time.sleep(60)"
)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pid_in(file: Path) -> int:
    with trio.fail_after(20):
        while not (file.exists() and file.read_text().endswith("\n")):
            await trio.lowlevel.checkpoint()
        return int(file.read_text())


async def started(runtime: Any, command: list[str], file: Path, **fields: Any) -> tuple[Supervisor, int]:
    with file.open("w") as out:
        child = ChildSpec(id="process", start=process_child(command, stdout=out.fileno()), **fields)
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child]))
    return supervisor, await pid_in(file)


async def test_a_polite_stop_ends_a_process(tmp_path: Path) -> None:
    async with open_runtime() as runtime:
        supervisor, pid = await started(runtime, SLEEPER, tmp_path / "pid")
        await supervisor.terminate_child("process")
        assert not alive(pid)


async def test_a_stubborn_process_is_killed_after_its_shutdown_seconds(tmp_path: Path) -> None:
    async with open_runtime() as runtime:
        supervisor, pid = await started(runtime, [sys.executable, "-c", STUBBORN], tmp_path / "pid", shutdown=0.2)
        with supervisor.events.open_subscription() as events:
            await supervisor.terminate_child("process")
            assert [(event.kind, event.exit) for event in events.drain()] == [("killed", Exit("killed"))]
        assert not alive(pid)


async def test_cancelling_from_outside_leaves_no_process(tmp_path: Path) -> None:
    below = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).wait()"
    with trio.CancelScope() as scope:
        async with open_runtime() as runtime:
            _, pid = await started(runtime, [sys.executable, "-c", below], tmp_path / "pid", shutdown=0.1)
            assert alive(pid)
            scope.cancel()
            await trio.sleep_forever()
    with trio.fail_after(30):
        while alive(pid):
            await trio.lowlevel.checkpoint()


async def test_the_exit_of_a_process_is_the_exit_of_its_child() -> None:
    async def exit_of(code: int) -> Exit:
        async with open_runtime(report=lambda report: None) as runtime:
            return await runtime.spawn(process_child([sys.executable, "-c", f"raise SystemExit({code})"])).wait()

    assert await exit_of(0) == Exit("normal")
    failed = await exit_of(3)
    assert failed.kind == "crash"
    assert isinstance(failed.error, ProcessFailed)
    assert failed.error.code == 3


async def test_blocking_code_in_a_worker_process_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "done"
    async with open_runtime() as runtime:
        child = ChildSpec(id="quick", start=worker_child(os.mkdir, str(file)), restart="temporary")
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        ref = await supervisor.start_child(child)
        assert await ref.wait() == Exit("normal")
        assert file.is_dir()
        blocked = await supervisor.start_child(ChildSpec(id="blocked", start=worker_child(signal.pause), shutdown=0.1))
        with trio.fail_after(20):
            await supervisor.terminate_child(blocked)


async def test_a_thread_that_does_not_end_is_reported_as_still_running() -> None:
    reports: list[Report] = []
    release = threading.Event()
    async with open_runtime(report=reports.append) as runtime:
        ref = runtime.spawn(thread_child(release.wait), shutdown=0.05)
        quick = runtime.spawn(thread_child(int))
        assert await quick.wait() == Exit("normal")
        assert await ref.stop() == Exit("killed")
        assert reports == [Report("stuck", ref)]
        release.set()


async def test_what_blocking_code_raises_is_a_crash() -> None:
    async with open_runtime(report=lambda report: None) as runtime:
        exit = await runtime.spawn(thread_child(int, "x")).wait()
        assert (exit.kind, type(exit.error)) == ("crash", ValueError)


async def test_a_command_that_does_not_exist_fails_at_its_start() -> None:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec())
        with pytest.raises(Exception, match="No such file"):
            await supervisor.start_child(ChildSpec(id="none", start=process_child(["/nonexistent/command"])))
