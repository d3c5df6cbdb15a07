"""A writer killed at any moment, and a disk that is really full."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

import pytest

from actors import open_runtime
from codex.base.ids import uuid7
from codex.rollout import Append, Line, RolloutWriteError, lines, load, rollout_path, run_writer

_CHILD = """
import sys, trio
from functools import partial
from actors import open_runtime
from codex.rollout import Append, Line, run_writer
path, home, size = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    async with open_runtime(name="child") as runtime:
        writer = runtime.spawn(partial(run_writer, path=path, codex_home=home), name="rollout")
        batch = (Line("session_meta", {"id": "t"}, 1.0),)
        while True:
            done = await writer.ask(partial(Append, batch))
            sys.stdout.write(f"{done}\\n")
            sys.stdout.flush()
            batch = tuple(Line("response_item", {"text": "x" * size}, 1.0) for _ in range(3))

trio.run(main)
"""


def meta(thread_id: str) -> Line:
    return lines.session_meta(
        thread_id=thread_id,
        session_id=thread_id,
        cwd="/repo",
        originator="codex_exec",
        cli_version="0.1.0",
        model_provider="mock",
        base_instructions="x",
        at=1.0,
    )


def killed(path: str, home: str, *, size: int, after: float) -> int:
    """Let a child append until it is killed; the ordinal it was told last."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD, path, home, str(size)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    told = [child.stdout.readline()]
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    told += child.stdout.read().splitlines()
    child.stdout.close()
    child.wait()
    return int(told[-1])


async def append_one(path: str, home: str) -> int:
    async with open_runtime(name="test") as runtime:
        writer = runtime.spawn(partial(run_writer, path=path, codex_home=home), name="rollout")
        return await writer.ask(partial(Append, (Line("response_item", {"text": "after"}, 1.0),)))


@pytest.mark.parametrize("size", [10, 200_000])
async def test_killed_while_appending_nothing_acknowledged_is_lost(tmp_path: Path, size: int) -> None:
    random = Random(size)
    for _ in range(8):
        path, home = rollout_path(str(tmp_path), uuid7(), datetime.now()), str(tmp_path)
        acknowledged = killed(path, home, size=size, after=random.uniform(0.0, 0.03))
        following = await append_one(path, home)
        entries = [json.loads(line) for line in Path(path).read_bytes().splitlines()]
        assert [entry["ordinal"] for entry in entries] == list(range(following))
        assert len(entries) - 1 >= acknowledged
        assert entries[-1]["payload"] == {"text": "after"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a small file system can only be mounted by root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_is_an_answer_and_the_thread_stays_readable(small_disk: Path) -> None:
    thread_id, home = uuid7(), str(small_disk)
    path = rollout_path(home, thread_id, datetime.now())
    async with open_runtime(name="test") as runtime:
        writer = runtime.spawn(partial(run_writer, path=path, codex_home=home), name="rollout")
        await writer.ask(partial(Append, (meta(thread_id),)))
        written, refused = 1, None
        batch = (Line("response_item", {"type": "message", "text": "x" * 3_000}, 1.0),)
        while refused is None:
            try:
                written = await writer.ask(partial(Append, batch))
            except RolloutWriteError as error:
                refused = error
        assert "No space left on device" in str(refused)
        assert len(load(home, thread_id).items) == written - 1 > 5
        # Smaller lines may still fit; what is in the file is always whole.
        assert all(json.loads(line) for line in Path(path).read_bytes().splitlines())
        assert writer.alive
    assert await append_one(path, home) > written
