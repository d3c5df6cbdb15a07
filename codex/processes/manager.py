"""All processes of all threads: start, find, make room, end."""

import os
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Never

import trio

from actors import ActorGone, Mailbox, Ref, Runtime, open_runtime
from codex.base.head_tail import DEFAULT_MAX_BYTES
from codex.ports.process import Child, Launch, Launcher, SpawnFailed
from codex.processes import _actor
from codex.processes._machine import ProcessState
from codex.processes._prune import Candidate, choose_victim
from codex.processes._usage import terminal_of
from codex.processes.process import Process
from codex.processes.request import ProcessRequest
from codex.protocol.terminal import BackgroundTerminal

_SESSION_IDS = range(1000, 100_000)
_STARTS_AT_ONCE = 16
_SHUTDOWN = 3.0


class ProcessManager:
    """Starts processes, each an actor below its owner, and knows them by thread and session id."""

    def __init__(self, runtime: Runtime, zygote: Launcher, own: Ref[None]) -> None:
        self._runtime = runtime
        self._launcher = zygote
        self._own = own
        self._threads: dict[str, dict[int, Process]] = {}
        self._left: dict[str, list[tuple[Ref[None], Child]]] = {}
        self._starts = trio.CapacityLimiter(_STARTS_AT_ONCE)
        self._random = random.Random()
        self._uses = 0

    async def start(self, request: ProcessRequest, *, thread_id: str, owner: Ref[Never] | None = None) -> Process:
        """Start a process. It is known to `get` and `list` before this returns.

        Args:
          owner: the actor that it ends with; None: the manager.

        Cancel-safe: cancelled, it returns when nothing of it is left.

        Raises:
          SpawnFailed: no such program or directory, or nothing can be started now.
          SandboxUnavailable: this machine cannot keep what the policy promises.
          ActorGone: the owner is ending.
        """
        self._make_room(thread_id)
        launch = Launch(
            argv=request.argv,
            cwd=request.cwd,
            env=dict(request.env),
            workspace=request.workspace or request.cwd,
            sandbox=request.sandbox,
            tty=request.tty,
            size=request.size,
            allow_unprotected_git=request.allow_unprotected_git,
        )
        _refuse_nonsense(launch)
        process = self._adopt(request, launch, thread_id, owner)
        started = False
        try:
            await process.wait_started()
            started = True
        finally:
            if not started:
                self.remove(process)
                with trio.move_on_after(_SHUTDOWN, shield=True):
                    await process.terminate()
        return process

    async def _launch_within_limit(self, launch: Launch) -> tuple[Child, int]:
        async with self._starts:
            return await self._launch(launch)

    async def _launch(self, launch: Launch) -> tuple[Child, int]:
        """The child and the descriptor of its output."""
        if launch.tty:
            child = await self._launcher.launch(launch, None)
            assert child.terminal is not None
            os.set_blocking(child.terminal, False)
            return child, child.terminal
        try:
            output, theirs = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            raise SpawnFailed(f"cannot start {launch.argv[0]!r}: no pipe for its output: {error.strerror}") from error
        started = False
        try:
            os.set_blocking(output, False)
            child = await self._launcher.launch(launch, theirs)
            started = True
            return child, output
        finally:
            os.close(theirs)
            if not started:
                os.close(output)

    def _adopt(self, request: ProcessRequest, launch: Launch, thread_id: str, owner: Ref[Never] | None) -> Process:
        """The process as an actor below its owner, before it runs: so it never runs without one."""
        state = ProcessState(DEFAULT_MAX_BYTES)
        session_id = self._new_session_id()
        process = Process(session_id, thread_id, request, state)
        body = partial(
            _actor.run,
            launch=partial(self._launch_within_limit, launch),
            state=state,
            on_end=process.mark_ended,
            keep=partial(self._keep, thread_id),
        )
        below = self._own if owner is None else owner
        ref = self._runtime.spawn_below(below._cell, body, f"process {session_id}", 256, _SHUTDOWN, "wait", None)
        process.attach(ref)
        self._touch(process)
        self._threads.setdefault(thread_id, {})[session_id] = process
        return process

    def get(self, thread_id: str, session_id: int) -> Process | None:
        """The process of a session, also one that has ended and was not removed; asking counts as using it."""
        process = self._threads.get(thread_id, {}).get(session_id)
        if process is not None:
            self._touch(process)
        return process

    def list(self, thread_id: str) -> list[Process]:
        """The thread's processes, oldest first."""
        return list(self._threads.get(thread_id, {}).values())

    def hand_over(self, process: Process, owner: Ref[Never]) -> bool:
        """Let a process go on in the background, below another owner. False where it or that owner is ending."""
        process.background = self._runtime.hand_over(process.ref, owner)
        return process.background

    def terminals(self, thread_id: str) -> Sequence[BackgroundTerminal]:
        """What runs in the background of a thread, oldest first, and what it uses now."""
        return [terminal_of(process) for process in self._in_background(thread_id)]

    async def terminate(self, thread_id: str, session_id: int) -> bool:
        """End one background process. False where there is none of this id. Cancelled: it ends all the same."""
        for process in self._in_background(thread_id):
            if process.session_id == session_id:
                await process.terminate()
                return True
        await trio.lowlevel.checkpoint()
        return False

    async def clean(self, thread_id: str) -> int:
        """End all background processes of a thread, not those of running calls; how many there were."""
        processes = self.clean_nowait(thread_id)
        for process in processes:
            await process.terminate()
        await trio.lowlevel.checkpoint()
        return len(processes)

    def clean_nowait(self, thread_id: str) -> Sequence[Process]:
        """Begin to end all background processes of a thread; those that it ends."""
        processes = self._in_background(thread_id)
        for process in processes:
            process.terminate_nowait()
        return processes

    def _in_background(self, thread_id: str) -> Sequence[Process]:
        return [process for process in self.list(thread_id) if process.background and process.running]

    def remove(self, process: Process) -> None:
        """Forget a process whose end was told; one that still runs goes on, and ends with its owner."""
        entries = self._threads.get(process.thread_id)
        if entries is not None:
            entries.pop(process.session_id, None)
            if not entries:
                del self._threads[process.thread_id]

    async def terminate_all(self, thread_id: str) -> None:
        """End the thread's processes and what they left behind, and forget them; returns when nothing is left.

        Cancelled: they end all the same. Bounded: see `Process.terminate`.
        """
        processes = self.list(thread_id)
        for process in processes:
            process.terminate_nowait()
            self.remove(process)
        for process in processes:
            await process.terminate()
        left = self._left.pop(thread_id, [])
        for ref, _ in left:
            ref.stop_nowait(reason="thread ended")
        for ref, child in left:
            await ref.wait()
            with trio.move_on_after(_actor.GONE_WITHIN):
                await _actor.end_child(child)  # an actor that is stopped before its first step has done nothing
            child.close()
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """End all processes of all threads. Cancelled: they end all the same."""
        with trio.CancelScope(shield=True):
            for thread_id in {*self._threads, *self._left}:
                await self.terminate_all(thread_id)

    def _keep(self, thread_id: str, child: Child) -> None:
        """A command ended and something of it still runs: it lives until its thread ends."""
        try:
            ref: Ref[None] = self._runtime.spawn_below(
                self._own._cell, partial(_actor.run_left, child=child), "left behind", 1, _SHUTDOWN, "wait", None
            )
        except ActorGone:
            child.kill()
            child.close()
            return
        left = [(other, its) for other, its in self._left.get(thread_id, []) if other.alive]
        self._left[thread_id] = [*left, (ref, child)]

    def _touch(self, process: Process) -> None:
        self._uses += 1
        process.used = self._uses

    def _make_room(self, thread_id: str) -> None:
        entries = self._threads.get(thread_id, {})
        candidates = [
            Candidate(process.session_id, process.used, not process.running, process.locked)
            for process in entries.values()
        ]
        victim = choose_victim(candidates)
        if victim is not None:
            process = entries[victim]
            process.terminate_nowait()
            self.remove(process)

    def _new_session_id(self) -> int:
        taken = {session_id for entries in self._threads.values() for session_id in entries}
        assert len(taken) < len(_SESSION_IDS)
        while (session_id := self._random.choice(_SESSION_IDS)) in taken:
            pass
        return session_id


def _refuse_nonsense(launch: Launch) -> None:
    if not launch.argv or not launch.argv[0]:
        raise SpawnFailed("cannot start a process: the command is empty")
    if not os.path.isabs(launch.cwd):
        raise SpawnFailed(f"cannot start {launch.argv[0]!r}: the working directory {launch.cwd!r} is not absolute")
    for name, value in launch.env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise SpawnFailed(f"cannot start {launch.argv[0]!r}: {name!r} cannot be an environment variable")
    if any("\0" in word for word in launch.argv) or "\0" in launch.cwd:
        raise SpawnFailed(f"cannot start {launch.argv[0]!r}: an argument contains a NUL")


async def _own(mailbox: Mailbox[None]) -> None:
    """Own the processes that nobody else owns."""
    async for _ in mailbox:
        pass


@asynccontextmanager
async def open_process_manager(runtime: Runtime | None = None, *, zygote: Launcher) -> AsyncGenerator[ProcessManager]:
    """A manager; leaving it ends every process it started.

    Args:
      runtime: where the processes' actors live; None opens one for them.
      zygote: what starts them, and is closed by its own owner, later.
    """
    if runtime is None:
        async with open_runtime(name="processes") as own_runtime:
            async with open_process_manager(own_runtime, zygote=zygote) as manager:
                yield manager
        return
    own = runtime.spawn(_own, name="processes", shutdown=_SHUTDOWN)
    manager = ProcessManager(runtime, zygote, own)
    try:
        yield manager
    finally:
        await manager.aclose()
        with trio.CancelScope(shield=True):
            await own.stop(within=_SHUTDOWN)
