"""Ctrl-C, a real one, at whatever moment it meets a busy service with a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.processes.test_foreign_children import alive

SERVICE = """
import signal, sys
import trio
from actors import open_runtime
from supervisors import ChildSpec, SupervisorSpec, process_child, start_supervisor

lives = [0]

async def worker(mailbox):
    lives[0] += 1
    try:
        async for message in mailbox:
            print("tick\\n", end="", flush=True)
            if message % 7 == 0:
                raise ValueError
    finally:
        lives[0] -= 1

async def main():
    global runtime
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    spec = SupervisorSpec(children=[
        ChildSpec(id="process", start=process_child(sleeper)),
        *(ChildSpec(id=f"{n}", start=worker) for n in range(5)),
    ], max_restarts=10**9)
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, spec)
        refs = [child.ref for child in await supervisor.which_children()][1:]
        number = 0
        while True:
            number += 1
            await refs[number % 5].send(number)
            if number % 50 == 0:
                await trio.testing.wait_all_tasks_blocked()

import logging, trio.testing
logging.disable()
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    trio.run(main)
except KeyboardInterrupt:
    print("interrupted", runtime.statistics().alive, lives[0], flush=True)
"""


def children_of(pid: int) -> list[int]:
    """Of all its threads."""
    texts = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in texts for child in text.split()]


@pytest.mark.parametrize("ticks", [1, 40, 133])
def test_an_interrupt_ends_a_service_and_its_processes_whenever_it_comes(ticks: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, text=True) as service:
        deadline = threading.Timer(120, service.kill)
        deadline.start()
        try:
            assert service.stdout is not None
            assert [service.stdout.readline() for _ in range(ticks)] == ["tick\n"] * ticks
            processes = children_of(service.pid)
            os.kill(service.pid, signal.SIGINT)
            last = service.stdout.read().splitlines()[-1]
            assert (last, service.wait(), len(processes)) == ("interrupted 0 0", 0, 1)
            assert not any(alive(pid) for pid in processes)
        finally:
            deadline.cancel()
            service.kill()
