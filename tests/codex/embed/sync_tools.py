"""Tools that a worker process finds by this module."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from codex.embed import tool


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    print("this is for standard error")
    return a + b


@tool
def where() -> dict[str, int]:
    """Which process this is."""
    return {"pid": os.getpid(), "parent": os.getppid()}


@tool
def hang(told: str) -> str:
    """Tell its process and that of a child of it, and never come back."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    Path(told + ".part").write_text(f"{os.getpid()} {child.pid}")
    Path(told + ".part").rename(told)
    signal.pause()
    return "never"


@tool
def die(code: int) -> str:
    """End the process."""
    os._exit(code)


@tool
def fail() -> str:
    """Raise."""
    raise LookupError("no such city")
