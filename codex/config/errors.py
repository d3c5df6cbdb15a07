"""What is wrong with a configuration: all of it at once.

UserError
└── ConfigError      one line a fault: where, which key, what was found and expected, and the way out
"""

from collections.abc import Sequence

import attrs

from codex.base.errors import UserError


@attrs.frozen
class Fault:
    """One wrong value. `where` is `file:line`, the option as given, or the name of a variable; `key` may be empty."""

    where: str
    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.problem}" if self.key else f"{self.where}: {self.problem}"


class ConfigError(UserError):
    """The configuration cannot be used; nothing of it is in force.

    `warnings` stand behind the faults: a key that was mistyped is often why another one is missing.
    """

    def __init__(self, faults: Sequence[Fault], warnings: Sequence[str] = ()) -> None:
        lines = [str(fault) for fault in faults]
        text = lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} faults in the configuration:", *lines])
        super().__init__("\n  ".join([text, *(f"warning: {warning}" for warning in warnings)]))
        self.faults = tuple(faults)
