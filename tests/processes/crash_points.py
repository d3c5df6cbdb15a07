"""Threads that are written while the process is killed and the disk fails, and an audit of what is left of them.

    python -m tests.processes.crash_points [--seed N] [--steps 1000] [--plant lose|tear]

A step is a process of its own that writes turns with the real writer until its fault comes: SIGKILL inside of a write
(at any byte of it), no space left, an input/output error of a write or of a sync, a file that may not grow; or its file
is torn afterwards. Then another process goes on with the thread. Counted are completed items that were acknowledged and
are lost, and threads that cannot be read. Prints its seed first; the exit status is 1 when the audit found something.
`--plant` makes the disk lie in some steps, to show that the audit finds it.
"""

import argparse
import errno
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

import attrs
import trio

from actors import Ref, open_runtime
from codex.base.errors import CodexError
from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject, decode_object
from codex.context import History
from codex.protocol.response_item import ResponseItem, input_text, is_call, is_output
from codex.rollout import (
    Append,
    Line,
    Message,
    RolloutNotFound,
    Sync,
    TurnIds,
    find_rollout,
    lines,
    load,
    rollout_path,
    run_writer,
    stored_turns,
)

FAULTS = ("kill", "no space", "write error", "sync error", "file limit", "torn")
AT = 1_795_356_585.0
_write, _fdatasync = os.write, os.fdatasync


@attrs.frozen
class Told:
    """What a process said before it ended: ids of items with what became of them (A, R), and whether it closed."""

    answers: tuple[tuple[str, str], ...]
    closed: bool

    def all(self, marks: str) -> list[str]:
        """The items that were answered so, in the order they were handed over."""
        return [name for mark, name in self.answers if mark in marks]


class Fault:
    """Stands between the writer and the kernel, in a child process."""

    def __init__(self, kind: str, chance: random.Random, lie: str | None) -> None:
        self.kind, self.chance, self.lie = kind, chance, lie
        self.at = chance.randrange(1, 22)
        self.lasts = chance.randrange(1, 6)
        self.writes = 0

    def install(self) -> None:
        os.write, os.fdatasync = self.write, self.fdatasync
        if self.kind == "file limit":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.chance.randrange(200, 30_000), resource.RLIM_INFINITY))

    def lift(self) -> None:
        """The disk has room again."""
        self.lasts = 0
        if self.kind == "file limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def write(self, fd: int, data: bytes) -> int:
        if not self._is_rollout(fd):
            return _write(fd, data)
        self.writes += 1
        if self.lie is not None and self.writes == self.at:
            return len(data) if self.lie == "lose" else _write(fd, bytes(data[: len(data) // 2])) and len(data)
        part = bytes(data[: self.chance.randrange(len(data) + 1)])
        if self.kind == "kill" and self.writes == self.at:
            _write(fd, part)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind in ("no space", "write error") and self.writes >= self.at and self.lasts > 0:
            self.lasts -= 1
            if part and self.chance.random() < 0.5:
                return _write(fd, part)  # the kernel takes a part first; the next call is refused
            raise OSError(errno.ENOSPC if self.kind == "no space" else errno.EIO, "injected")
        return _write(fd, data)

    def _is_rollout(self, fd: int) -> bool:
        with suppress(OSError):
            return "rollout-" in os.readlink(f"/proc/self/fd/{fd}")
        return False

    def fdatasync(self, fd: int) -> None:
        if self.kind == "sync error" and self.lasts > 0:
            self.lasts -= 1
            raise OSError(errno.EIO, "injected")
        _fdatasync(fd)


def a_turn(chance: random.Random, ids: TurnIds) -> Iterator[tuple[Line, ...]]:
    """The batches of one turn, as a session would hand them over."""

    def text() -> str:
        return "".join(chance.choice('ab é😀\n"\\') for _ in range(chance.choice((1, 30, 400, 3_000))))

    def said(role: str) -> ResponseItem:
        return {"type": "message", "id": f"m_{uuid7()}", "role": role, "content": [input_text(text())]}

    yield (lines.task_started(ids, AT), lines.response_item(said("user"), ids.turn_id, AT))
    for _ in range(chance.randrange(3)):
        call = f"c_{uuid7()}"
        asked: JsonObject = {
            "type": "function_call",
            "id": f"f_{call}",
            "call_id": call,
            "name": "x",
            "arguments": "{}",
        }
        output: JsonObject = {"type": "function_call_output", "id": f"o_{call}", "call_id": call, "output": text()}
        yield (lines.response_item(asked, ids.turn_id, AT),)
        yield (lines.response_item(output, ids.turn_id, AT),)
    yield (lines.response_item(said("assistant"), ids.turn_id, AT),)
    yield (lines.task_complete(ids, AT, started_at=AT, last_agent_message="x"),)


def opening(thread_id: str) -> Line:
    """The first line of a thread."""
    return lines.session_meta(
        thread_id=thread_id,
        session_id=thread_id,
        cwd="/repo",
        originator="crash_points",
        cli_version="0",
        model_provider="none",
        base_instructions="x" * 500,
        at=AT,
    )


def in_child(work: partial[None], tell: int, home: str) -> int:
    """Run the work in a forked process; its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            sys.stderr = open(os.path.join(home, "stderr"), "w")  # noqa: SIM115
            work(tell)
            status = 0
        except BaseException as error:
            import traceback

            traceback.print_exception(error, file=sys.stderr)
            sys.stderr.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def write_thread(tell: int, *, home: str, thread_id: str, seed: int, kind: str, lie: str | None) -> None:
    """The child: turns until the fault, then some more where it survived it."""
    chance = random.Random(seed)
    fault = Fault(kind, chance, lie)

    async def hand_over(writer: Ref[Message], batch: tuple[Line, ...]) -> None:
        names = ",".join(str(line.payload["id"]) for line in batch if line.kind == "response_item")
        try:
            await writer.ask(partial(Append, batch))
            _write(tell, f"A{names}\n".encode())
        except CodexError:
            _write(tell, f"R{names}\n".encode())

    async def run() -> None:
        path = rollout_path(home, thread_id, datetime.fromtimestamp(AT))
        async with open_runtime(name="child") as runtime:
            writer = runtime.spawn(partial(run_writer, path=path, codex_home=home), name="rollout")
            fault.install()
            await hand_over(writer, (opening(thread_id),))
            for number in range(4):
                for batch in a_turn(chance, TurnIds(thread_id, thread_id, f"t{number}", f"t{number}")):
                    await hand_over(writer, batch)
            fault.lift()
            with suppress(CodexError):
                await writer.ask(Sync)
        _write(tell, b"closed\n")

    trio.run(run)


def go_on(tell: int, *, home: str, thread_id: str) -> None:
    """The second child: one more turn in the same thread."""

    async def run() -> None:
        try:
            path, batch = find_rollout(home, thread_id).path, tuple[Line, ...]()
        except RolloutNotFound:
            path, batch = rollout_path(home, thread_id, datetime.fromtimestamp(AT)), (opening(thread_id),)
        if not batch and b"\n" not in Path(path).read_bytes():  # killed inside of the very first line: nothing was kept
            batch = (opening(thread_id),)
        async with open_runtime(name="child") as runtime:
            writer = runtime.spawn(partial(run_writer, path=path, codex_home=home), name="rollout")
            item: ResponseItem = {"type": "message", "id": "after", "role": "user", "content": [input_text("after")]}
            await writer.ask(partial(Append, (*batch, lines.response_item(item, "after", AT))))
            await writer.ask(Sync)
        _write(tell, b"Aafter\nclosed\n")

    trio.run(run)


def told_by(work: partial[None], home: str) -> Told:
    """Run the work in a process and read what it tells until it is gone."""
    read, tell = os.pipe()
    with open(read, "rb") as reader:
        in_child(work, tell, home)
        os.close(tell)
        said = [line.decode() for line in reader.read().splitlines()]
    answers = [(line[0], name) for line in said if line[0] in "AR" for name in line[1:].split(",") if name]
    return Told(tuple(answers), "closed" in said)


class Audit:
    """Counts what went wrong."""

    def __init__(self, seed: int, plant: str | None) -> None:
        self.random, self.plant = random.Random(seed), plant
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()

    def step(self, number: int) -> None:
        """One crash point."""
        kind = FAULTS[number % len(FAULTS)]
        lie = self.plant if number % 5 == 0 and kind != "torn" else None
        home, thread_id = tempfile.mkdtemp(prefix="crash-"), uuid7()
        try:
            seed = self.random.randrange(1 << 48)
            work = partial(write_thread, home=home, thread_id=thread_id, seed=seed, kind=kind, lie=lie)
            self._check(f"step {number} ({kind}, {seed})", kind, told_by(work, home), home, thread_id)
        finally:
            shutil.rmtree(home)

    def _check(self, step: str, kind: str, told: Told, home: str, thread_id: str) -> None:
        self.counts[kind] += 1
        self.counts["acknowledged"] += len(told.all("A"))
        self.counts["refused"] += len(told.all("R"))
        self.counts["killed"] += not told.closed
        # Where the disk had room at the end, what was refused at first is there too.
        expected = told.all("AR" if told.closed else "A")
        if kind == "torn":
            expected = self._tear(home, thread_id)
        found = self._read(step, home, thread_id) if expected else []
        self._compare(step, expected, found)
        again = told_by(partial(go_on, home=home, thread_id=thread_id), home)
        if again.all("A") != ["after"]:
            self._fault(step, f"cannot be gone on with: {Path(home, 'stderr').read_text()[-600:]}")
            return
        self._compare(f"{step}, gone on with", [*expected, "after"], self._read(step, home, thread_id))
        self._numbered(step, home, thread_id)

    def _tear(self, home: str, thread_id: str) -> list[str]:
        """Cut the file inside of its last lines; the items that are whole before the cut."""
        path = Path(find_rollout(home, thread_id).path)
        data = path.read_bytes()
        first = data.index(b"\n") + 1
        data = data[: self.random.randrange(max(first, len(data) - 6_000), len(data))]
        path.write_bytes(data)
        whole = [decode_object(line) for line in data.split(b"\n")[:-1]]
        payloads = [line["payload"] for line in whole if line["type"] == "response_item"]
        return [str(payload["id"]) for payload in payloads if isinstance(payload, dict)]

    def _read(self, step: str, home: str, thread_id: str) -> list[str]:
        try:
            items = load(home, thread_id).items
            stored_turns(home, thread_id)
        except CodexError as error:
            self.counts["unreadable"] += 1
            self._fault(step, f"unreadable: {error}")
            return []
        prompt = History(items).prompt_items()
        if sum(map(is_call, prompt)) != sum(map(is_output, prompt)):
            self._fault(step, "a call without its output is in the prompt")
        return [str(item["id"]) for item in items]

    def _compare(self, step: str, expected: list[str], found: list[str]) -> None:
        lost = set(expected) - set(found)
        self.counts["lost"] += len(lost)
        if lost:
            self._fault(step, f"{len(lost)} of {len(expected)} items are lost")
        elif [name for name in found if name in set(expected)] != expected:
            self._fault(step, "items changed their order, or are there twice")

    def _numbered(self, step: str, home: str, thread_id: str) -> None:
        data = Path(find_rollout(home, thread_id).path).read_bytes()
        try:
            ordinals = [decode_object(line)["ordinal"] for line in data.split(b"\n")[:-1]]
        except ValueError as error:
            self._fault(step, f"a line is damaged: {error}")
            return
        if ordinals != list(range(len(ordinals))) or not data.endswith(b"\n"):
            self._fault(step, "the lines do not count up")

    def _fault(self, step: str, what: str) -> None:
        self.faults.append(f"{step}: {what}")


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--plant", choices=("lose", "tear"))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {options.steps} steps", flush=True)
    audit = Audit(options.seed, options.plant)
    for number in range(options.steps):
        audit.step(number)
    counts = audit.counts
    print(", ".join(f"{kind} {counts[kind]}" for kind in FAULTS))
    print(
        f"{counts['killed']} killed, {counts['acknowledged']} items acknowledged, {counts['refused']} refused at first"
    )
    print(f"{counts['lost']} lost completed items, {counts['unreadable']} unreadable threads")
    for fault in audit.faults[:20]:
        print(f"  {fault}")
    return 1 if audit.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
