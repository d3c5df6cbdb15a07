"""Children that are not tasks: a process, blocking code in a worker process, blocking code in a thread."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from subprocess import DEVNULL, PIPE
from typing import Any

import trio

from actors import Mailbox, Report, Shutdown

from ._errors import SupervisorError
from ._spec import Run

_WORKER = "import pickle, sys; sys.path[:], call, args = pickle.load(sys.stdin.buffer); call(*args)"
_KILLED_WITHIN = 5.0


class ProcessFailed(SupervisorError):
    """A child process ended with another code than 0; negative: the signal that ended it."""

    def __init__(self, command: Sequence[str], code: int) -> None:
        super().__init__(f"process {command[0]!r} ended with code {code}")
        self.command, self.code = tuple(command), code


def process_child(command: Sequence[str], **options: Any) -> Run:
    """A process as a child: code 0 is a normal end, another one a crash with ProcessFailed.

    The polite stop is SIGTERM to its process group, force is SIGKILL to the group; nothing of the group is left when
    the child has ended. `options` as of `trio.lowlevel.open_process`; standard input is closed unless they say
    otherwise.
    """

    async def run(mailbox: Mailbox[Any]) -> None:
        await _live(mailbox, command, options, b"")

    return run


def worker_child(call: Callable[..., object], *args: Any) -> Run:
    """Blocking code in a Python process of its own, killed with its shutdown seconds as any process is.

    `call` and `args` are pickled: a function of a module, not a lambda. Its return is a normal end; what it raises
    goes to its standard error and is a crash with ProcessFailed.
    """

    async def run(mailbox: Mailbox[Any]) -> None:
        import pickle

        await _live(mailbox, [sys.executable, "-c", _WORKER], {}, pickle.dumps((sys.path, call, args)))

    return run


def thread_child(call: Callable[..., object], *args: Any) -> Run:
    """Blocking code in a thread. Python cannot end one: it is reported as `stuck` when it runs on after force.

    A polite stop waits for it. Use `worker_child` where that is too long.
    """

    async def run(mailbox: Mailbox[Any]) -> None:
        ended = False

        def work() -> None:
            nonlocal ended
            try:
                call(*args)
            finally:
                ended = True

        mailbox.started()
        try:
            await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1))
        finally:
            if not ended:
                mailbox.runtime.report(Report("stuck", mailbox.ref))

    return run


@trio.lowlevel.enable_ki_protection  # between the start of the process and the `try` nobody would end it
async def _live(mailbox: Mailbox[Any], command: Sequence[str], options: dict[str, Any], given: bytes) -> None:
    options = {"stdin": PIPE if given else DEVNULL, "start_new_session": True, **options}
    process = await trio.lowlevel.open_process(command, **options)
    asked = False

    async def terminate_when_asked() -> None:
        nonlocal asked
        async for _ in mailbox:
            pass
        asked = True
        _signal(process, signal.SIGTERM)

    try:
        mailbox.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(terminate_when_asked)
            if process.stdin is not None and given:
                with suppress(trio.BrokenResourceError):
                    await process.stdin.send_all(given)
                await process.stdin.aclose()
            code = await process.wait()
            nursery.cancel_scope.cancel()
    finally:
        # Also what the process left behind in its group.
        _signal(process, signal.SIGKILL)
        with trio.move_on_after(_KILLED_WITHIN, shield=True):
            await process.wait()
    if asked:
        raise Shutdown(f"code {code}")
    if code != 0:
        raise ProcessFailed(command, code)


def _signal(process: trio.Process, what: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, what)
