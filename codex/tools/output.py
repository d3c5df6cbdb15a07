"""Texts that tools answer with, in the shapes that models trained with Codex know."""

import os

from codex.base.tokens import tokens_of_bytes
from codex.base.truncate import truncate_output


def exec_text(
    output: bytes,
    *,
    omitted: int,
    wall_time: float,
    exit_code: int | None,
    session_id: int | None,
    max_tokens: int,
) -> str:
    """The answer to `exec_command` and `write_stdin`: how it stands, then the output, cut in the middle.

    Args:
      omitted: bytes that are missing in the middle of `output` already.
    """
    text = output.decode("utf-8", "replace")
    lines = [f"Chunk ID: {os.urandom(3).hex()}", f"Wall time: {wall_time:.4f} seconds"]
    if exit_code is not None:
        lines.append(f"Process exited with code {exit_code}")
    if session_id is not None:
        lines.append(f"Process running with session ID {session_id}")
    lines += [f"Original token count: {tokens_of_bytes(len(output) + omitted)}", "Output:"]
    lines.append(truncate_output(text, max_tokens, omitted_bytes=omitted))
    return "\n".join(lines)


def patch_text(output: str, *, exit_code: int, wall_time: float) -> str:
    """The answer to `apply_patch`."""
    seconds = f"{wall_time:.1f}".removesuffix(".0")
    return f"Exit code: {exit_code}\nWall time: {seconds} seconds\nOutput:\n{output}"
