"""Agents at workers: a thread whose session runs in another process, and seems to run in this one.

`run` is the actor that stands in this process in the place of the session; what it says and hears is in `frames`.
`far` is the other side, and `local` starts workers on this machine.
"""

from codex.placement._actor import run

__all__ = ["run"]
