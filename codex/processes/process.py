"""One process, as its caller holds it."""

import signal
from collections.abc import Callable
from functools import partial

import trio

from actors import ActorGone, Ref
from codex.base.errors import ToolFailure
from codex.processes._machine import EndReason, ProcessState
from codex.processes.messages import Message, Resize, Signal, WaitStarted, Write
from codex.processes.request import ProcessRequest

_STOP_WITHIN = 3.0


class Process:
    """A process that was started; it may have ended.

    What it shows (`output`, `exit_code`, ...) is as its actor last heard. It stays valid after the end.
    """

    def __init__(self, session_id: int, thread_id: str, request: ProcessRequest, state: ProcessState) -> None:
        self.session_id = session_id
        self.thread_id = thread_id
        self.argv = request.argv
        self.cwd = request.cwd
        self.sandbox = request.sandbox
        self.item_id = request.item_id
        self.tty = request.tty
        self.used = 0
        """When the manager was last asked for it, by its own count."""
        self.background = False
        """Whether it was handed over to its thread, and goes on without the call that started it."""
        self.told = False
        """Whether the model was told of its end."""
        self._state = state
        self._ended = trio.Event()
        self._on_end: Callable[[], None] = _do_nothing
        self._ref: Ref[Message] | None = None
        self._talking = 0
        self._is_new = True
        self._started_at = trio.current_time()
        self._ended_at: float | None = None

    def __repr__(self) -> str:
        return f"<Process {self.session_id} pid {self.pid} {self.argv[0]!r} {self.end_reason or 'running'}>"

    def attach(self, ref: Ref[Message]) -> None:
        """Give it its actor."""
        self._ref = ref

    @property
    def ref(self) -> Ref[Message]:
        """Its actor."""
        assert self._ref is not None
        return self._ref

    def mark_ended(self) -> None:
        """It has ended and its output is complete."""
        if self._ended_at is None:
            self._ended_at = trio.current_time()
            self._ended.set()
            self._on_end()

    def when_ended(self, callback: Callable[[], None]) -> None:
        """Have this called once it has ended, at once where it has; it must neither wait nor raise."""
        self._on_end = callback
        if self._ended.is_set():
            callback()

    async def wait_started(self) -> None:
        """Return when it runs. Cancelled: changes nothing.

        Raises:
          SpawnFailed, SandboxUnavailable: it could not be started.
          ActorGone: it was stopped before it ran.
        """
        assert self._ref is not None
        try:
            await self._ref.ask(WaitStarted)
        except ActorGone:
            if self._state.failure is not None:
                raise self._state.failure from None
            if self._state.code is None:
                raise

    @property
    def pid(self) -> int:
        """Its process id in our namespace."""
        return self._state.pid

    @property
    def exit_code(self) -> int | None:
        """None until it has ended and its output is complete; 128+n when signal n ended it."""
        return self._state.code if self._state.ended else None

    @property
    def end_reason(self) -> EndReason | None:
        """How it ended: `exited` by itself, `killed` by us, or `zygote_lost`; None as long as `exit_code` is."""
        return self._state.reason if self._state.ended else None

    @property
    def running(self) -> bool:
        """Whether it has not ended yet, as far as is known."""
        return not self._state.ended

    @property
    def stuck(self) -> bool:
        """Whether it was killed and did not die in time: it sleeps where no signal reaches, and ends when it wakes."""
        return self._state.stuck

    @property
    def output(self) -> bytes:
        """All output so far: at most 1 MiB, the beginning and the end of it."""
        return self._state.kept.content()

    @property
    def output_bytes(self) -> int:
        """How much output there was, kept or not."""
        return self._state.kept.total

    @property
    def untold(self) -> int:
        """Bytes that the last collect left out of the middle."""
        return self._state.untold

    @property
    def duration(self) -> float:
        """Seconds since the start, until the end."""
        return (self._ended_at or trio.current_time()) - self._started_at

    @property
    def locked(self) -> bool:
        """Whether somebody waits for it or writes to it now, or is about to: who started it waits for it first."""
        return self._talking > 0 or (self._is_new and self.running)

    def set_output_listener(self, listener: Callable[[bytes], None] | None) -> None:
        """Have `listener` called with each chunk of output: at most 8,192 bytes, at most 10,000 times.

        The first listener gets what came before it was set, too. It must neither wait nor raise.
        """
        self._state.listen(listener)

    async def collect(self, within: float) -> bytes:
        """The output since the last collect, at its end or `within` seconds from now.

        Cancel-safe: nothing is lost; the next collect has it. Checkpoint: always.
        """
        self._talking += 1
        try:
            with trio.move_on_after(max(within, 0.0)):
                await self._ended.wait()
            await trio.lowlevel.checkpoint_if_cancelled()
            return self._state.take()
        finally:
            self._talking -= 1
            self._is_new = False

    def take_output(self) -> bytes:
        """The output since the last collect, now."""
        return self._state.take()

    async def wait(self) -> int:
        """The exit code, once it has ended and its output is complete. Cancel-safe. Bound it: it may run for ever."""
        await self._ended.wait()
        assert self._state.code is not None
        return self._state.code

    async def write(self, data: bytes) -> None:
        """Write to its terminal and return when it has been taken. Cancelled: it may have been written in part.

        Raises:
          ToolFailure: it has no terminal, does not read, or has ended.
        """
        assert self._ref is not None
        self._talking += 1
        try:
            await self._ref.ask(partial(Write, data))
        except ActorGone:
            raise ToolFailure(f"cannot write to session {self.session_id}: it has ended") from None
        finally:
            self._talking -= 1

    async def send_signal(self, number: int) -> None:
        """Send a signal to its process group; nothing where it has ended."""
        assert self._ref is not None
        try:
            await self._ref.send(Signal(number))
        except ActorGone:
            await trio.lowlevel.checkpoint()

    async def interrupt(self) -> None:
        """Do what ^C does: SIGINT to its process group."""
        await self.send_signal(signal.SIGINT)

    async def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal; nothing where it has none, or has ended."""
        assert self._ref is not None
        try:
            await self._ref.send(Resize(rows, columns))
        except ActorGone:
            await trio.lowlevel.checkpoint()

    async def terminate(self) -> None:
        """Kill it and everything it started; returns when nothing of it is left. Cancelled: it is killed all the same.

        What cannot die within two seconds (an uninterruptible sleep) is `stuck` then, and the manager holds it until
        it ends.
        """
        assert self._ref is not None
        await self._ref.stop(within=_STOP_WITHIN, reason="terminated")

    def terminate_nowait(self) -> None:
        """Begin to terminate it."""
        assert self._ref is not None
        self._ref.stop_nowait(reason="terminated")


def _do_nothing() -> None:
    pass
