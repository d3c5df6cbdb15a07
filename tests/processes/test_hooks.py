"""Hooks as real processes: what they are told, how long they may take, and what is left of them."""

import os
from pathlib import Path

import trio

from codex.hooks._machine import Ran
from codex.hooks.command import MAX_OUTPUT_BYTES, run_command

ENV = {"PATH": os.environ["PATH"], "SHELL": "/bin/sh"}


async def run(command: str, payload: bytes = b"{}\n", *, cwd: Path | None = None, timeout: float = 60.0) -> Ran:
    return await run_command(command, payload, cwd=str(cwd or "/"), environ=ENV, timeout=timeout)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def wait_gone(pid: int) -> None:
    with trio.fail_after(30):
        while is_alive(pid):
            await trio.sleep(0.01)


async def wait_number(path: Path) -> int:
    with trio.fail_after(30):
        while not (path.exists() and path.read_text().endswith("\n")):
            await trio.sleep(0.01)
    return int(path.read_text())


async def test_a_hook_gets_its_input_and_its_directory_and_ends_with_a_code(tmp_path: Path) -> None:
    ran = await run("cat; pwd; echo why >&2; exit 2", b'{"a":1}\n', cwd=tmp_path)
    assert ran == Ran(2, f'{{"a":1}}\n{tmp_path}\n', "why\n")


async def test_a_hook_need_not_read_its_input() -> None:
    assert await run("echo done", b"x" * 1_000_000) == Ran(0, "done\n", "")


async def test_more_output_than_is_kept_does_not_stop_a_hook() -> None:
    ran = await run("head -c 3000000 /dev/zero | tr '\\0' x; exit 3")
    assert (ran.exit_code, len(ran.stdout)) == (3, MAX_OUTPUT_BYTES)


async def test_a_hook_that_hangs_is_killed_with_its_children_at_its_deadline(tmp_path: Path) -> None:
    for timeout in (1.0, 4.0, 16.0, 64.0):
        ran = await run(f"sleep 1000 & echo $! > {tmp_path}/pid; wait", timeout=timeout)
        assert ran == Ran(None, problem=f"was killed after {timeout:g} seconds")
        if (tmp_path / "pid").exists():  # a busy machine may not have come so far
            break
    await wait_gone(await wait_number(tmp_path / "pid"))


async def test_a_child_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    ran = await run(f"sleep 1000 & echo $! > {tmp_path}/pid; echo said")
    assert ran == Ran(0, "said\n", "")
    await wait_gone(await wait_number(tmp_path / "pid"))


async def test_a_cancelled_hook_leaves_nothing(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
        pid = await wait_number(tmp_path / "pid")
        nursery.cancel_scope.cancel()
    await wait_gone(pid)


async def test_a_hook_that_cannot_be_started_is_a_failure() -> None:
    ran = await run_command("true", b"", cwd="/no/such", environ=ENV, timeout=5)
    assert ran == Ran(None, problem="could not be started: No such file or directory")
