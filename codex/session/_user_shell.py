"""A command of the user's own, as an actor: shown, kept and told to the model like its own, without a sandbox."""

from contextlib import suppress

import attrs
import trio

from actors import ActorGone, ActorRestarted, Mailbox
from codex.base.errors import ToolFailure
from codex.base.ids import uuid7
from codex.base.truncate import truncate_output
from codex.context import user_shell as told
from codex.protocol.event import CommandOutputDelta, ItemCompleted, ItemStarted
from codex.protocol.item import CommandExecution
from codex.protocol.op import RunUserShellCommand
from codex.protocol.permission import SandboxPolicy
from codex.tools import ToolContext
from codex.turn import Inbox, InterruptTurn, Steer, TurnResult

_TIMED_OUT_CODE, _NOT_STARTED = 124, -1


async def run_user_shell(
    mailbox: Mailbox[Inbox], *, op: RunUserShellCommand, tools: ToolContext, result: TurnResult
) -> None:
    """Run the command to its end. Interrupted, stopped or cancelled, nothing of it is left.

    `result` is filled like a turn's; input that comes meanwhile is left over for the turn after it.
    """
    work = trio.CancelScope()

    async def listen() -> None:
        async for message in mailbox:
            if isinstance(message, InterruptTurn):
                break
            if isinstance(message, Steer):
                result.left_over.append(message.input)
        work.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        with work:
            await _UserShell(op, tools, mailbox).run()
        result.outcome = "aborted" if work.cancelled_caught else "completed"
        nursery.cancel_scope.cancel()
    result.left_over.extend(message.input for message in mailbox.drain() if isinstance(message, Steer))


class _UserShell:
    def __init__(self, op: RunUserShellCommand, tools: ToolContext, mailbox: Mailbox[Inbox]) -> None:
        from codex.processes import shell_argv, user_shell

        argv = shell_argv(user_shell(tools.environ), op.command, login=tools.config.allow_login_shell)
        self._op = op
        self._tools = tools
        self._mailbox = mailbox
        self._item = CommandExecution(uuid7(), argv, tools.config.cwd, source="user_shell")

    async def run(self) -> None:
        """Show it, run it, tell how it ended. Cancelled, its end is shown and kept all the same."""
        await self._tools.publisher.publish([ItemStarted(self._tools.turn_id, self._item)])
        try:
            await self._run()
        except ToolFailure as failure:
            text = str(failure)
            self._item = attrs.evolve(
                self._item, status="failed", aggregated_output=text, exit_code=_NOT_STARTED, duration=0.0
            )
        finally:
            with trio.move_on_after(1, shield=True), suppress(ActorGone, ActorRestarted):
                await self._tell()  # where the session has ended there is nobody to tell

    async def _run(self) -> None:
        from codex.processes import ProcessRequest
        from codex.tools.background import LEAVE_WITHIN, finished, leave

        item, tools = self._item, self._tools
        request = ProcessRequest(
            argv=tools.replay(item.command),
            cwd=item.cwd,
            env=self._environment(),
            sandbox=SandboxPolicy("danger-full-access"),
            item_id=item.id,
        )
        manager = await tools.processes.open()
        process = await manager.start(request, thread_id=tools.thread_id, owner=self._mailbox.ref)
        self._item = item = attrs.evolve(item, process_id=str(process.session_id))
        timed_out = False
        try:
            process.set_output_listener(
                lambda chunk: tools.publisher.tell(CommandOutputDelta(tools.turn_id, item.id, chunk))
            )
            await process.collect(within=max(self._op.timeout, 0.0))
            timed_out = process.running
        finally:
            manager.remove(process)
            with trio.move_on_after(LEAVE_WITHIN, shield=True):
                await leave(tools.publisher, process)
            self._item = finished(item, process)
            if timed_out:
                self._item = attrs.evolve(self._item, exit_code=_TIMED_OUT_CODE)

    def _environment(self) -> dict[str, str]:
        from codex.patch import PROGRAMS
        from codex.processes import build_environment

        tools = self._tools
        return build_environment(
            tools.config.shell_environment_policy,
            tools.environ,
            thread_id=tools.thread_id,
            session_id=tools.session_id,
            call_id=self._item.id,
            network_disabled=False,
            programs=PROGRAMS,
        )

    async def _tell(self) -> None:
        item, tools = self._item, self._tools
        code = _NOT_STARTED if item.exit_code is None else item.exit_code
        output = truncate_output(item.aggregated_output, tools.output_tokens)
        if item.exit_code is None:  # it was ended before it began
            self._item = item = attrs.evolve(item, status="failed", exit_code=code)
        await tools.publisher.publish([ItemCompleted(tools.turn_id, item)])
        tools.publisher.notify([told(self._op.command, code, item.duration or 0.0, output)], wake=False)
