"""Names the actor and the stack that keep everybody else from running."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from types import CodeType, FrameType

import trio

from ._cell import Cell


@contextmanager
def watch_loop(seconds: float, runs_actors: CodeType) -> Generator[None]:
    """Within the block a thread logs, once for each time, who has kept the Trio loop for longer than so many seconds.

    `runs_actors`: the code in whose frames `cell` is the actor that runs.
    """
    token, loop, over = trio.lowlevel.current_trio_token(), threading.get_ident(), threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen = threading.Event()
            try:
                token.run_sync_soon(seen.set, idempotent=True)
            except trio.RunFinishedError:
                return
            if not seen.wait(seconds) and not over.is_set():
                _tell(sys._current_frames().get(loop), seconds, runs_actors)
                seen.wait()
            over.wait(seconds)

    thread = threading.Thread(target=watch, name="actors.watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _tell(frame: FrameType | None, seconds: float, runs_actors: CodeType) -> None:
    stack = "".join(traceback.format_stack(frame)) if frame is not None else "(no stack)"
    who = "something that is no actor"
    while frame is not None:
        cell = frame.f_locals.get("cell") if frame.f_code is runs_actors else None
        if isinstance(cell, Cell):
            who = f"actor {cell.path}"
        frame = frame.f_back
    logging.getLogger("actors").error("%s has kept the loop for more than %g s:\n%s", who, seconds, stack)
