"""Keeps Ctrl-C out of the machinery.

Trio raises KeyboardInterrupt between any two statements of a task, unless the code that runs is protected: then it is
raised in the main task, where that waits next. A queue that was appended to without waking its reader could not be
explained to anybody, so everything here is protected, and what an actor runs is not.
"""

from __future__ import annotations

from types import FunctionType
from typing import TypeVar

from trio.lowlevel import enable_ki_protection

C = TypeVar("C", bound=type)


def protected(cls: C) -> C:
    """Protect all methods and properties of a class."""
    for member in vars(cls).values():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if isinstance(function, FunctionType):
            enable_ki_protection(function)
    return cls
