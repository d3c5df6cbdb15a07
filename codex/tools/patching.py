"""A patch from the model: verified as a whole, checked against the sandbox, asked about, written, shown.

Both the `apply_patch` tool and a heredoc inside `exec_command` come here.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial

import attrs
import trio

from codex.base.errors import ToolFailure
from codex.config.schema import Config
from codex.patch import Applied, Place, VerifiedPatch, apply_verified, place_of, verify
from codex.patch import TurnDiff as PatchedFiles
from codex.protocol.approval import Abort, ApplyPatchApprovalRequest, ReviewDecision
from codex.protocol.event import EventMsg, ItemCompleted, ItemStarted, TurnDiff
from codex.protocol.item import FileChange, FileUpdate
from codex.tools._attempt import Attempted, Declined, Done, QuestionFacts, Refused, file_keys, perform, tell_refusal
from codex.tools._machine import ActionMachine, Ask, Attempt
from codex.tools.approval import decide_patch
from codex.tools.context import CallSite
from codex.tools.output import patch_text
from codex.tools.refusals import REJECTED_BY_USER, refusal_of_patch


async def run_patch(patch: str, workdir: str, site: CallSite) -> str:
    """Verify, ask, write and show a patch; the text for the model.

    Cancelled before the writing begins, nothing is written; once begun, the patch is written to its end.

    Raises: ToolFailure when it does not fit or may not be written.
    """
    verified = await trio.to_thread.run_sync(partial(verify, patch, workdir))
    return await _Patch(verified, site).run()


@attrs.frozen
class _Written:
    applied: Applied
    wall_time: float


class _Patch:
    """One verified patch on its way from the decision to its answer."""

    def __init__(self, verified: VerifiedPatch, site: CallSite) -> None:
        self._verified, self._site, self._context = verified, site, site.context
        self._item = FileChange(site.call_id, tuple(verified.changes))
        self._shown = False
        # Invariant: what is decided about is what is written, though a command swaps a link in meanwhile.
        self._places = {path: place_of(path) for path in verified.paths}
        may_write = site.context.processes.is_writable
        self._blocked = [path for path, place in self._places.items() if not self._may_all(place, may_write)]

    def _may_all(self, place: Place, may: Callable[[Config, Mapping[str, str], str], bool]) -> bool:
        context = self._context
        try:
            return all(may(context.config, context.environ, path) for path in {place.real, place.entry})
        except OSError:  # it changes while it is looked at
            return False

    async def run(self) -> str:
        verified, blocked = self._verified, set(self._blocked)
        for path, place in self._places.items():
            # What must not be read is not asked about either: no answer would change it.
            if not self._may_all(place, self._context.processes.is_readable):
                raise ToolFailure(f"patch rejected: the permission profile denies {path}")
        verdict = decide_patch(
            self._context.config.approval_policy,
            inside=not blocked,
            removes=any(change.path in blocked and removes(change) for change in verified.changes),
        )
        if self._context.leases is not None and verdict != "refuse":
            await self._context.leases.take({place.real for place in self._places.values()})
        machine = ActionMachine(verdict, escalated=bool(blocked), when_denied="refuse")
        keys = file_keys([place.real for place in self._places.values()])
        outcome = await perform(machine, self._site, keys=keys, question=self._question, attempt=self._attempt)
        match outcome:
            case Refused():
                reason = f"{self._blocked_why()}; {REJECTED_BY_USER}"
                await tell_refusal(self._site, ", ".join(verified.paths), reason)
                raise ToolFailure(f"patch rejected: {reason}")
            case Declined(decision=decision):
                raise ToolFailure(await self._declined(decision))
            case Done(result=written):
                return await self._finish(written)

    def _blocked_why(self) -> str:
        read_only = self._context.config.sandbox_policy.mode == "read-only"
        return "writing is blocked by read-only sandbox" if read_only else "writing outside of the project"

    async def _question(self, _ask: Ask, facts: QuestionFacts) -> ApplyPatchApprovalRequest:
        await self._show_start()
        reason = self._blocked_why() if self._blocked else None
        return ApplyPatchApprovalRequest(**attrs.asdict(facts), changes=tuple(self._verified.changes), reason=reason)

    async def _attempt(self, _step: Attempt) -> Attempted[_Written]:
        await self._show_start()
        began = time.monotonic()
        applied = await trio.to_thread.run_sync(partial(apply_verified, self._verified, self._places))
        return Attempted(_Written(applied, time.monotonic() - began))

    async def _declined(self, decision: ReviewDecision) -> str:
        context = self._context
        item = attrs.evolve(self._item, status="declined")
        await context.publisher.publish([ItemCompleted(context.turn_id, item)])
        if isinstance(decision, Abort):
            await context.approvals.abort(context.turn_id)
        return refusal_of_patch(decision)

    async def _finish(self, written: _Written) -> str:
        context, applied = self._context, written.applied
        item = attrs.evolve(
            self._item,
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
        return patch_text(applied.stdout + applied.stderr, exit_code=applied.exit_code, wall_time=written.wall_time)

    async def _show_start(self) -> None:
        if not self._shown:
            self._shown = True
            await self._context.publisher.publish([ItemStarted(self._context.turn_id, self._item)])


def removes(change: FileUpdate) -> bool:
    """Whether the file is gone afterwards."""
    return change.kind == "delete" or change.move_path is not None
