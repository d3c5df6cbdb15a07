"""A function in a Python process of its own, which can be killed.

The process is sent a line of JSON and answers with one; it kills itself, with all it started, once its parent is gone.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from subprocess import PIPE
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.base.jsontext import Json
    from codex.ports.dynamic_tools import DynamicResult

_KILLED_WITHIN = 5.0
_MAX_ANSWER = 16 * 1024 * 1024


async def run_in_process(function: Callable[..., object], arguments: "Json") -> "DynamicResult":
    """Call the function of a tool in a process of its own. Cancelled, that and all it started are killed first."""
    import trio

    from codex.ports.dynamic_tools import DynamicResult

    main = getattr(sys.modules["__main__"], "__file__", None) if function.__module__ == "__main__" else None
    order = {
        "path": sys.path,
        "module": function.__module__,
        "main": main and os.path.abspath(main),
        "name": function.__qualname__,
        "arguments": arguments,
    }
    command = [sys.executable, "-c", "from codex.embed._work import work; work()"]
    process = await trio.lowlevel.open_process(command, stdin=PIPE, stdout=PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(trio.BrokenResourceError):
            await process.stdin.send_all(json.dumps(order).encode() + b"\n")
        answer = bytearray()
        async for part in process.stdout:
            answer += part
            if len(answer) > _MAX_ANSWER:
                return DynamicResult.text(f"the answer is larger than {_MAX_ANSWER:,} bytes", success=False)
        code = await process.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with trio.move_on_after(_KILLED_WITHIN, shield=True):
            await process.stdin.aclose()
            await process.stdout.aclose()
            await process.wait()
    if not answer:
        text = f"the process of `{function.__name__}` ended with code {code} and no answer"
        return DynamicResult.text(text, success=False)
    told = json.loads(answer)
    return DynamicResult(tuple(told["content"]), told["success"])
