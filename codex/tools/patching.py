"""A patch from the model: verified as a whole, checked against the sandbox, written, shown.

Both the `apply_patch` tool and a heredoc inside `exec_command` come here.
"""

import time
from functools import partial

import attrs
import trio

from codex.base.errors import ToolFailure
from codex.patch import TurnDiff as PatchedFiles
from codex.patch import VerifiedPatch, apply_verified, verify
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted, TurnDiff
from codex.protocol.item import FileChange
from codex.tools.approval import REJECTED_BY_USER
from codex.tools.context import CallSite, ToolContext
from codex.tools.output import patch_text


class PatchBlocked(ToolFailure):
    """The sandbox's policy does not let a file of the patch be written."""

    def __init__(self, path: str, mode: str) -> None:
        where = "writing is blocked by read-only sandbox" if mode == "read-only" else f"{path} is not writable here"
        super().__init__(f"patch rejected: {where}; {REJECTED_BY_USER}")
        self.path = path


async def run_patch(patch: str, workdir: str, site: CallSite) -> str:
    """Verify, write and show a patch; the text for the model.

    Cancelled before the writing begins, nothing is written; once begun, the patch is written to its end.

    Raises: ToolFailure when it does not fit or may not be written.
    """
    context = site.context
    verified = await trio.to_thread.run_sync(partial(verify, patch, workdir))
    _check(verified, context)
    item = FileChange(site.call_id, tuple(verified.changes))
    await context.publisher.publish([ItemStarted(context.turn_id, item)])
    began = time.monotonic()
    applied = await trio.to_thread.run_sync(partial(apply_verified, verified))
    item = attrs.evolve(
        item,
        status="completed" if applied.exit_code == 0 else "failed",
        stdout=applied.stdout,
        stderr=applied.stderr,
    )
    shown: list[EventMsg] = [ItemCompleted(context.turn_id, item)]
    context.touched.extend(applied.touched)
    patched = PatchedFiles(context.config.cwd)
    patched.add(context.touched)
    diff = patched.unified_diff()
    if diff:
        shown.append(TurnDiff(context.turn_id, diff))
    await context.publisher.publish(shown)
    text = applied.stdout + applied.stderr
    return patch_text(text, exit_code=applied.exit_code, wall_time=time.monotonic() - began)


def _check(verified: VerifiedPatch, context: ToolContext) -> None:
    for path in verified.paths:
        if not context.processes.is_writable(context.config, context.environ, path):
            raise PatchBlocked(path, context.config.sandbox_policy.mode)
