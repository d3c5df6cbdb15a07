"""Terminals: job control, size, ^C, and an end that does not wait for whoever keeps one open."""

import pytest

from codex.processes import Process
from codex.protocol.permission import SandboxMode
from tests.processes.machines import MODES, Machine, open_machine, require_namespaces


async def expect(process: Process, words: bytes, *, times: int = 1) -> None:
    """Wait until the words are in the output so many times; what is typed is echoed there too."""
    for _ in range(1000):
        if process.output.count(words) >= times:
            return
        assert process.running, process.output
        await process.collect(0.01)
    pytest.fail(f"{words!r} did not come; there is {process.output!r}")


async def bash(machine: Machine, mode: SandboxMode) -> Process:
    if mode != "danger-full-access":
        await require_namespaces(machine)
    process = await machine.start("bash", "--norc", "--noediting", "-i", mode=mode, tty=True)
    await process.write(b"PS1='>'; set +o history\n")
    return process


@pytest.mark.parametrize("mode", MODES)
async def test_a_shell_has_a_terminal_of_its_own_with_job_control(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        process = await bash(machine, mode)
        await process.write(b"tty; sleep 100 &\n jobs; kill %1; wait; echo after-$?\n")
        await expect(process, b"after-0")
        assert b"/dev/pts/" in process.output
        assert b"Running" in process.output
        assert b"no job control" not in process.output
        await process.write(b"exit 7\n")
        assert await process.wait() == 7


@pytest.mark.parametrize("mode", MODES)
async def test_a_resize_is_seen_inside(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        process = await bash(machine, mode)
        await process.write(b"stty size; echo first-end\n")
        await expect(process, b"24 80")
        await process.resize(50, 132)
        await process.write(b"stty size\n")
        await expect(process, b"50 132")


async def test_control_c_typed_interrupts_the_foreground_job_only() -> None:
    async with open_machine() as machine:
        process = await bash(machine, "danger-full-access")
        await process.write(b"sleep 3600; echo status-$?\n")
        await process.collect(0.3)
        await process.write(b"\x03")
        await process.write(b"echo status-$?\n")
        await expect(process, b"status-130")


async def test_a_nested_program_can_be_spoken_to() -> None:
    async with open_machine() as machine:
        process = await bash(machine, "danger-full-access")
        await process.write(b"cat\n")
        await process.write(b"hello there\n")
        await expect(process, b"hello there", times=2)
        await process.write(b"\x04")
        await process.write(b"exit 3\n")
        assert await process.wait() == 3


@pytest.mark.parametrize("mode", MODES)
async def test_a_daemon_that_keeps_the_terminal_does_not_hold_the_exit(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        code, output = await machine.shell("(setsid sleep 3600 &); echo done", mode=mode, tty=True, within=30)
        assert (code, output) == (0, "done\r\n")


async def test_the_sandbox_gives_programs_terminals_of_their_own() -> None:
    async with open_machine() as machine:
        await require_namespaces(machine)
        code, output = await machine.run("script", "-qec", "tty; echo inner", "/dev/null", mode="read-only")
        assert code == 0
        assert "/dev/pts/0" in output
        assert "inner" in output


async def test_a_job_is_stopped_by_control_z_and_goes_on_in_the_foreground_and_in_the_background() -> None:
    async with open_machine() as machine:
        process = await bash(machine, "danger-full-access")
        await process.write(b"sh -c 'echo up; read x; echo got-$x'\n")
        await expect(process, b"up\r\n")
        await process.write(b"\x1a")
        await expect(process, b"Stopped")
        await process.write(b"echo in-between-$((1+1)); fg\n")
        await expect(process, b"in-between-2")
        await process.write(b"typed\n")
        await expect(process, b"got-typed")
        await process.write(b"sleep 0.1 & wait %1; echo background-$?; exit 5\n")
        assert await process.wait() == 5
        assert b"background-0" in process.output
