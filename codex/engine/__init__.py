"""The composition root: knows every room, decides nothing.

`open_codex` is the public door: an engine with its model client, its processes and its threads, all in one tree.
"""

from codex.engine.codex import Codex, open_codex

__all__ = ["Codex", "open_codex"]
