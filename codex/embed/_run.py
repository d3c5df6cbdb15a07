"""Run an asyncio program that ends cleanly by SIGTERM."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, and SIGTERM does what Ctrl-C does: it cancels `main`, whose blocks are left in order.

    A second SIGTERM ends the program at once. Servers such as uvicorn have this of their own: use `open_engine` in
    their lifespan instead.

    Raises: SystemExit(143) after SIGTERM.
    """
    told = False

    async def guarded() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def terminate() -> None:
            nonlocal told
            told = True
            loop.remove_signal_handler(signal.SIGTERM)
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, terminate)
        try:
            return await main
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if told:
            raise SystemExit(128 + signal.SIGTERM) from None  # noqa: ASYNC104  the loop has ended
        raise
