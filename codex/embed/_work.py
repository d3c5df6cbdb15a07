"""What runs in the process of a tool that is not async."""

import json
import os
import runpy
import signal
import sys
import threading
from importlib import import_module

from codex.embed._tools import FunctionTool

_MAIN = "__codex_worker__"


def work() -> None:
    """In the process: read what to do, do it, answer. What the function prints goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.path[:] = order["path"]
    result = _find(order).answer_sync(order["arguments"])
    with open(answers, "wb") as out:
        out.write(json.dumps({"content": result.content, "success": result.success}).encode())


def _find(order: dict[str, str]) -> FunctionTool:
    if order["module"] == "__main__":
        found: object = runpy.run_path(order["main"], run_name=_MAIN)[order["name"].partition(".")[0]]
        names = order["name"].split(".")[1:]
    else:
        found, names = import_module(order["module"]), order["name"].split(".")
    for name in names:
        found = getattr(found, name)
    if isinstance(found, FunctionTool):
        return found
    assert callable(found)
    return FunctionTool(found, order["name"], "")


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)
