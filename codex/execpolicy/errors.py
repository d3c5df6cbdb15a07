"""What is wrong with rules: all of it at once.

UserError
├── RulesError      one line a fault: file, line, column, what was found and expected, and the way out
└── AmendError      a rule could not be added to a file
"""

from collections.abc import Sequence

import attrs

from codex.base.errors import UserError


@attrs.frozen
class Fault:
    """One fault of a rules file. Lines and columns count from 1, columns in characters; line 0 is the whole file."""

    file: str
    line: int
    column: int
    problem: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.problem}"


class RulesError(UserError):
    """Rules files cannot be used; none of the rules is in force, so nothing may be decided by them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        lines = [str(fault) for fault in faults]
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} faults in the rules:", *lines]))
        self.faults = tuple(faults)


class AmendError(UserError):
    """A rule could not be added; the file is as it was."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"cannot add a rule to {file}: {problem}")
        self.file, self.problem = file, problem
