"""The watchdog needs the real clock: it watches a loop that does not run."""

from __future__ import annotations

import logging
import threading
from typing import Any

from actors import Mailbox, open_runtime


async def test_an_actor_that_keeps_the_loop_is_named_with_its_stack() -> None:
    told, text = threading.Event(), list[str]()

    class Notice(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text.append(record.getMessage())
            told.set()

    async def hog(mailbox: Mailbox[Any]) -> None:
        assert told.wait(20)

    notice = Notice()
    logging.getLogger("actors").addHandler(notice)
    try:
        async with open_runtime(name="app", watchdog=0.05) as runtime:
            await runtime.spawn(hog, name="hog").wait()
    finally:
        logging.getLogger("actors").removeHandler(notice)
    assert "actor app/hog has kept the loop for more than 0.05 s" in text[0]
    assert "in hog" in text[0]
