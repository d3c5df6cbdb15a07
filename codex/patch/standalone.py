"""`apply_patch` as a program: the patch is the argument, or comes on the standard input."""

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO, TextIO

from codex.patch.apply import apply_hunks
from codex.patch.disk import describe
from codex.patch.parse import ParseError, parse_patch

_USAGE = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch\n"


class _Refusal(Exception):
    """The program ends before there is a patch; `code` is its exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def run_standalone(
    argv: Sequence[str],
    stdin: BinaryIO | None,
    cwd: str,
    *,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
) -> int:
    """Apply the patch and return the exit code: 0 done, 1 failed (earlier sections stay applied), 2 wrong use.

    Args:
      argv: the arguments after the program's name.
      stdin: read to its end when there is no argument; None: nothing to read.
      stdout, stderr: the process's own unless given.
    """
    out = stdout if stdout is not None else _binary(sys.stdout)
    err = stderr if stderr is not None else _binary(sys.stderr)
    try:
        text = _patch_text(argv, stdin)
    except _Refusal as refusal:
        return _say(err, str(refusal), refusal.code)
    try:
        patch = parse_patch(text)
    except ParseError as fault:
        return _say(err, f"{fault}\n", 1)
    outcome = apply_hunks(patch.hunks, cwd)
    if outcome.error is not None:
        return _say(err, f"{outcome.error}\n", 1)
    return _say(out, outcome.summary(), 0, unheard=1)


def _binary(stream: TextIO | None) -> BinaryIO | None:
    return None if stream is None else stream.buffer  # a closed descriptor makes it None


def _say(stream: BinaryIO | None, text: str, code: int, *, unheard: int | None = None) -> int:
    """Write and return the exit code: `unheard` when nobody can read it."""
    if stream is None:
        return code
    try:
        # Names that are not UTF-8 are shown with U+FFFD.
        stream.write(text.encode(errors="surrogateescape").decode(errors="replace").encode())
        stream.flush()
    except OSError:
        return code if unheard is None else unheard
    return code


def _patch_text(argv: Sequence[str], stdin: BinaryIO | None) -> str:
    if argv:
        try:
            text = os.fsencode(argv[0]).decode()
        except UnicodeDecodeError as err:
            raise _Refusal("Error: apply_patch requires a UTF-8 PATCH argument.\n", 1) from err
        if len(argv) > 1:
            raise _Refusal("Error: apply_patch accepts exactly one argument.\n", 2)
        return text
    try:
        text = stdin.read().decode() if stdin is not None else ""
    except (OSError, UnicodeDecodeError) as err:
        reason = describe(err) if isinstance(err, OSError) else "stream did not contain valid UTF-8"
        raise _Refusal(f"Error: Failed to read PATCH from stdin.\n{reason}\n", 1) from err
    if not text:
        raise _Refusal(_USAGE, 2)
    return text
