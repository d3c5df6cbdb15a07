"""The families of errors; each decides who is told and what goes on.

    CodexError
    ├── UserError        the user's input is wrong: one line, exit code 2, no traceback
    ├── ToolFailure      a tool call cannot be done: the text goes to the model, the turn goes on
    └── (others)         the outside world failed: ends the turn with an event

A broken invariant of ours is an `assert`, never one of these.
"""


class CodexError(Exception):
    """Something outside this program failed, or was asked for wrongly."""


class UserError(CodexError):
    """The user's input is wrong; the text names the file, the key, the value and the way out."""


class ToolFailure(CodexError):
    """A tool call cannot be done; the text is the call's output and the turn goes on."""
