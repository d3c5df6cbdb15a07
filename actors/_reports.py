"""What a runtime tells those who look after it."""

from __future__ import annotations

import logging
from typing import Any, Literal, Protocol

import attrs

from ._exit import Exit
from ._ref import Ref


@attrs.frozen
class Report:
    """Something nobody asked about and somebody should know.

    `crash`: an actor crashed and nobody watched. `stuck`: it was cancelled and still runs; Python cannot end it.
    """

    kind: Literal["crash", "stuck"]
    ref: Ref[Any]
    exit: Exit | None = None


@attrs.frozen
class DeadLetter:
    """A message nobody will read: its actor had ended, its mailbox overflowed, or the answer came too late."""

    ref: Ref[Any]
    message: object
    why: str


def log_report(report: Report) -> None:
    """The default for reports: to the log `actors`."""
    error = report.exit.error if report.exit is not None else None
    text = "crashed, and nobody watched" if report.kind == "crash" else "was cancelled and is still running"
    logging.getLogger("actors").error("actor %s %s", report.ref.path, text, exc_info=error)


class Observer(Protocol):
    """Is told of every incarnation; it neither waits nor raises."""

    def started(self, ref: Ref[Any], owner: Ref[Any] | None, incarnation: int) -> None:
        """One begins."""
        ...

    def ended(self, ref: Ref[Any], exit: Exit) -> None:
        """One has ended; what it owns is being stopped."""
        ...
