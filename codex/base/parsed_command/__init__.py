"""What a command does, in four words: it reads a file, lists files, searches, or something else.  Pure.

It is told to the user, who wants to know at a glance; nothing is allowed or refused by it. So it goes by the names and
the usual options of well-known programs, and is sometimes wrong about unusual ones, in the same way as Codex is.
"""

from codex.base.parsed_command._script import parse_command
from codex.base.parsed_command._step import ListFiles, Other, ReadFile, Search, Step

__all__ = ["ListFiles", "Other", "ReadFile", "Search", "Step", "parse_command"]
