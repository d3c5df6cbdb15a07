"""`exec_command`: run a command; one that takes long goes on in the background under a session id."""

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import Never

import attrs
import trio

from actors import Mailbox
from codex.base.errors import ToolFailure
from codex.base.jsontext import get_object
from codex.base.quoting import command_line
from codex.execpolicy import is_dangerous
from codex.patch import PROGRAMS, find_invocation
from codex.processes import (
    Process,
    ProcessRequest,
    SpawnFailed,
    build_environment,
    find_shell,
    shell_argv,
    user_shell,
)
from codex.protocol.event import CommandOutputDelta, ItemCompleted, ItemStarted
from codex.protocol.item import CommandExecution
from codex.protocol.permission import SandboxPolicy
from codex.tools.approval import (
    NO_ADDITIONAL_PERMISSIONS,
    REFUSED_ESCALATION,
    REJECTED_BY_USER,
    decide,
    forced_removal,
    rejected,
)
from codex.tools.arguments import Arguments
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite, ToolContext
from codex.tools.output import exec_text
from codex.tools.patching import run_patch
from codex.tools.specs import EXEC_COMMAND

_FIELDS = tuple(get_object(get_object(EXEC_COMMAND.spec, "parameters"), "properties"))
_PERMISSIONS = ("use_default", "require_escalated", "with_additional_permissions")
_DEFAULT_YIELD_MS = 10_000
_MIN_YIELD, _MAX_YIELD = 0.25, 30.0
_LEAVE = 1.0
_NOT_STARTED = -1


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Decide, run, wait; cancelled, the whole process tree is gone."""
    context = site.context
    arguments = Arguments(call.payload, _FIELDS)
    cmd = arguments.required_text("cmd")
    workdir = os.path.normpath(os.path.join(context.config.cwd, arguments.text("workdir") or "."))
    login = arguments.flag("login", default=True) and context.config.allow_login_shell
    argv = shell_argv(_shell(context, arguments), cmd, login=login)
    escalated = _asks_to_leave(context, arguments)
    patch = find_invocation(argv, workdir)
    if patch is not None:
        _sandbox(context, argv, escalated=escalated, dangerous=False)
        # Codex puts the answer of the tool into the answer of a command.
        return "Wall time: 0.0000 seconds\nOutput:\n" + await run_patch(patch.patch_text, patch.workdir, site)
    sandbox = _sandbox(context, argv, escalated=escalated, dangerous=is_dangerous(argv))
    request = ProcessRequest(
        argv=argv,
        cwd=workdir,
        env=_environment(context, sandbox, site.call_id),
        sandbox=sandbox,
        workspace=context.config.cwd,
        tty=arguments.flag("tty", default=False),
        allow_unprotected_git=context.config.allow_unprotected_git,
    )
    return await _run(request, site, arguments)


def _shell(context: ToolContext, arguments: Arguments) -> str:
    own, wanted = user_shell(context.environ), arguments.text("shell")
    return own if wanted is None else find_shell(wanted, own, context.environ)


def _asks_to_leave(context: ToolContext, arguments: Arguments) -> bool:
    """Whether the model asks to run the command without the sandbox.

    Raises: ToolFailure when it asks for what nobody can grant.
    """
    wanted = arguments.choice("sandbox_permissions", _PERMISSIONS)
    arguments.text("justification")
    arguments.texts("prefix_rule")
    if wanted == "with_additional_permissions" and context.config.sandbox_policy.mode != "danger-full-access":
        never = context.config.approval_policy == "never"
        raise ToolFailure(REFUSED_ESCALATION if never else rejected(NO_ADDITIONAL_PERMISSIONS))
    return wanted == "require_escalated"


def _sandbox(context: ToolContext, argv: Sequence[str], *, escalated: bool, dangerous: bool) -> SandboxPolicy:
    """The sandbox the command gets under the approval policy.

    Raises: ToolFailure when it may not run.
    """
    policy, sandbox = context.config.approval_policy, context.config.sandbox_policy
    match decide(policy, sandbox, escalated=escalated, dangerous=dangerous):
        case "run":
            return sandbox
        case "run_outside":
            return SandboxPolicy("danger-full-access")
        case "ask":
            raise ToolFailure(rejected(REJECTED_BY_USER))
        case "refuse":
            raise ToolFailure(rejected(forced_removal(command_line(argv))) if dangerous else REFUSED_ESCALATION)


def _environment(context: ToolContext, sandbox: SandboxPolicy, call_id: str) -> dict[str, str]:
    return build_environment(
        context.config.shell_environment_policy,
        context.environ,
        thread_id=context.thread_id,
        session_id=context.session_id,
        call_id=call_id,
        network_disabled=not (sandbox.mode == "danger-full-access" or sandbox.network_access),
        programs=PROGRAMS,
    )


async def _run(request: ProcessRequest, site: CallSite, arguments: Arguments) -> OutputBody:
    context = site.context
    wait = min(max(arguments.whole_or("yield_time_ms", _DEFAULT_YIELD_MS) / 1000, _MIN_YIELD), _MAX_YIELD)
    limit = min(arguments.whole_or("max_output_tokens", context.output_tokens), context.output_tokens)
    item = CommandExecution(site.call_id, tuple(request.argv), request.cwd)
    await context.publisher.publish([ItemStarted(context.turn_id, item)])
    began = time.monotonic()
    manager = await context.processes.open()
    try:
        _check_directory(request.cwd)
        process = await manager.start(request, owner=context.thread, thread_id=context.thread_id)
    except ToolFailure as failure:
        failed = isinstance(failure, SpawnFailed)
        why = f"Failed to create unified exec process: {failure}" if failed else str(failure)
        item = attrs.evolve(item, status="failed", aggregated_output=why, exit_code=_NOT_STARTED)
        await context.publisher.publish([ItemCompleted(context.turn_id, item)])
        raise ToolFailure(rejected(why) if failed else f"exec_command failed: {why}") from failure
    item = attrs.evolve(item, process_id=str(process.session_id))
    left_running = False
    try:
        process.set_output_listener(
            lambda chunk: context.publisher.tell(CommandOutputDelta(context.turn_id, item.id, chunk))
        )
        output = await process.collect(within=wait)
        if process.exit_code is None:
            context.spawn_background(partial(_announce_end, context, process, item), f"watch-{process.session_id}")
            left_running = True
        else:
            await context.publisher.publish([ItemCompleted(context.turn_id, finished(item, process))])
    finally:
        if not left_running:
            manager.remove(process)
        if not left_running and process.running:
            with trio.move_on_after(_LEAVE, shield=True):
                await process.terminate()
    return exec_text(
        output,
        omitted=process.untold,
        wall_time=time.monotonic() - began,
        exit_code=process.exit_code,
        session_id=process.session_id if left_running else None,
        max_tokens=limit,
    )


def _check_directory(path: str) -> None:
    if not os.path.isdir(path):
        reason = "is not a directory" if os.path.lexists(path) else "does not exist"
        raise SpawnFailed(f"the working directory {path} {reason}")


def finished(item: CommandExecution, process: Process) -> CommandExecution:
    """The item of a command that has ended."""
    return attrs.evolve(
        item,
        status="completed" if process.exit_code == 0 else "failed",
        aggregated_output=process.output.decode("utf-8", "replace"),
        exit_code=process.exit_code,
        duration=process.duration,
    )


async def _announce_end(
    context: ToolContext, process: Process, item: CommandExecution, _mailbox: Mailbox[Never]
) -> None:
    """Tell the end of a command that went on in the background. Cancelled with its thread, it says nothing."""
    await process.wait()
    await context.publisher.publish([ItemCompleted(context.turn_id, finished(item, process))])
