"""What comes out of a command reaches us: whole or bounded, in time, whoever else holds the pipe."""

import hashlib

import pytest
import trio

from codex.base.errors import ToolFailure
from codex.processes import Process
from codex.protocol.permission import SandboxMode
from tests.processes.machines import MODES, PYTHON, open_machine


@pytest.mark.parametrize("mode", MODES)
async def test_output_and_exit_code_come_together(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        assert await machine.shell("echo out; echo err >&2; exit 7", mode=mode) == (7, "out\nerr\n")


async def test_a_signal_is_told_as_128_and_its_number() -> None:
    async with open_machine() as machine:
        assert await machine.shell("kill -TERM $$") == (143, "")


async def test_collect_gives_what_is_new_and_loses_nothing_when_cancelled() -> None:
    async with open_machine() as machine:
        process = await machine.start("sh", "-c", "echo one; sleep 0.3; echo two; sleep 0.3; echo three")
        first = await process.collect(0.15)
        with trio.move_on_after(0.3):
            await process.collect(60)
        rest = await process.collect(60)
        assert (first, rest, process.output) == (b"one\n", b"two\nthree\n", b"one\ntwo\nthree\n")
        assert await process.collect(60) == b""


@pytest.mark.parametrize("mode", MODES)
async def test_a_grandchild_that_keeps_the_pipe_does_not_hold_the_exit(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        before = trio.current_time()
        code, output = await machine.shell("sleep 3600 & echo done", mode=mode)
        assert (code, output) == (0, "done\n")
        assert trio.current_time() - before < 20


async def test_a_hundred_megabytes_are_bounded_and_counted() -> None:
    async with open_machine() as machine:
        process = await machine.start("sh", "-c", "echo first; head -c 100000000 /dev/zero; echo last")
        fresh = await process.collect(60)
        assert process.output_bytes == 100_000_011
        assert process.output == fresh
        assert len(fresh) < (1 << 20) + 100
        assert fresh.startswith(b"first\n")
        assert fresh.endswith(b"last\n")
        assert b"98951435 bytes omitted" in fresh


async def test_a_flood_leaves_the_loop_responsive() -> None:
    async with open_machine() as machine:
        process = await machine.start("yes")
        late: list[float] = []
        with trio.move_on_after(1):
            while True:
                before = trio.current_time()
                await trio.sleep(0.005)
                late.append(trio.current_time() - before - 0.005)
        await process.terminate()
        assert process.output_bytes > 10_000_000
        assert sorted(late)[len(late) // 2] < 0.01


async def test_bytes_that_are_no_text_come_as_they_are() -> None:
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 100)"
    async with open_machine() as machine:
        process = await machine.start(PYTHON, "-c", script)
        output = await process.collect(20)
        assert hashlib.sha256(output).digest() == hashlib.sha256(bytes(range(256)) * 100).digest()


async def test_a_listener_gets_all_output_in_chunks() -> None:
    async with open_machine() as machine:
        chunks: list[bytes] = []
        process = await machine.start("sh", "-c", "echo early; sleep 0.1; head -c 100000 /dev/zero")
        await process.collect(0.05)
        process.set_output_listener(chunks.append)
        await process.wait()
        assert b"".join(chunks) == b"early\n" + bytes(100_000)
        assert max(map(len, chunks)) == 8192


async def test_a_listener_is_called_ten_thousand_times_at_most() -> None:
    async with open_machine() as machine:
        chunks: list[int] = []
        process = await machine.start("head", "-c", "100000000", "/dev/zero")
        process.set_output_listener(lambda chunk: chunks.append(len(chunk)))
        await process.wait()
        assert len(chunks) == 10_000


async def test_without_a_terminal_input_is_empty_and_cannot_be_written() -> None:
    async with open_machine() as machine:
        assert await machine.shell("cat; echo end") == (0, "end\n")
        process = await machine.start("sleep", "60")
        with pytest.raises(ToolFailure, match="its standard input is closed"):
            await process.write(b"x")


async def test_an_interrupt_reaches_the_whole_group_and_the_end_is_told() -> None:
    async with open_machine() as machine:
        process: Process = await machine.start("sh", "-c", "trap 'echo caught; exit 5' INT; sleep 60 & wait; sleep 60")
        await process.collect(0.2)
        await process.interrupt()
        assert await process.collect(10) == b"caught\n"
        assert process.exit_code == 5


async def test_a_large_environment_and_long_arguments_arrive() -> None:
    async with open_machine() as machine:
        env = {"PATH": "/usr/bin:/bin", **{f"NAME_{number}": "x" * 1000 for number in range(600)}}
        code, output = await machine.run("sh", "-c", "env | wc -c; echo ${#1}", "sh", "y" * 100_000, env=env)
        assert code == 0
        size, length = output.split()
        assert int(size) > 600_000
        assert length == "100000"


async def test_an_environment_too_large_for_the_kernel_is_told_in_words() -> None:
    async with open_machine() as machine:
        with pytest.raises(ToolFailure, match="Argument list too long"):
            await machine.run("true", "y" * 1_000_000)


@pytest.mark.parametrize("mode", MODES)
async def test_a_command_that_reads_its_standard_input_finds_it_empty(mode: SandboxMode) -> None:
    async with open_machine() as machine:
        with trio.fail_after(30):
            assert await machine.shell("cat; read x || echo nothing", mode=mode) == (0, "nothing\n")
