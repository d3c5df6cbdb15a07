"""`exec_command`: run a command; one that takes long goes on in the background under a session id."""

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from codex.base.errors import ToolFailure
from codex.base.jsontext import get_object
from codex.base.quoting import command_line
from codex.execpolicy import is_dangerous, is_destructive
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
from codex.protocol.approval import Abort, ExecApprovalRequest, ReviewDecision
from codex.protocol.event import CommandOutputDelta, EventMsg, ItemCompleted, ItemStarted
from codex.protocol.item import CommandExecution
from codex.protocol.permission import ApprovalPolicy, SandboxPolicy, policies_of
from codex.sandbox import looks_denied
from codex.tools._attempt import Attempted, Declined, Done, QuestionFacts, Refused, perform, tell_refusal
from codex.tools._canonical import command_key
from codex.tools._machine import ActionMachine, Ask, Attempt
from codex.tools.approval import CommandFacts, after_denial, decide
from codex.tools.arguments import Arguments
from codex.tools.background import LEAVE_WITHIN, announce_end, finished, leave
from codex.tools.call import OutputBody, ToolCall
from codex.tools.context import CallSite, ToolContext
from codex.tools.output import exec_text
from codex.tools.patching import run_patch
from codex.tools.refusals import (
    NO_ADDITIONAL_PERMISSIONS,
    NOT_AGAIN,
    forbidden,
    forced_removal,
    not_asked,
    refused_escalation,
    rejected,
    why_not,
)
from codex.tools.specs import EXEC_COMMAND

if TYPE_CHECKING:
    from codex.execpolicy import Evaluation

_FIELDS = tuple(get_object(get_object(EXEC_COMMAND.spec, "parameters"), "properties"))
_PERMISSIONS = ("use_default", "require_escalated", "with_additional_permissions")
_DEFAULT_YIELD_MS = 10_000
_MIN_YIELD, _MAX_YIELD = 0.25, 30.0
_NOT_STARTED = -1
# As in Codex, a command is shown when it has ended, or after this; its protocols never show what was stopped by then.
_SHOWN_AFTER = 0.15
_STOPPED = "the sandbox stopped the command; may it run again without the sandbox?"


async def run(call: ToolCall, site: CallSite) -> OutputBody:
    """Decide, ask, run, wait; cancelled, the whole process tree is gone."""
    context = site.context
    arguments = Arguments(call.payload, _FIELDS)
    cmd = arguments.required_text("cmd")
    workdir = os.path.normpath(os.path.join(context.config.cwd, arguments.text("workdir") or "."))
    login = arguments.flag("login", default=True) and context.config.allow_login_shell
    argv = shell_argv(_shell(context, arguments), cmd, login=login)
    escalated = _asks_to_leave(context, arguments)
    patch = find_invocation(argv, workdir)
    if patch is not None:
        if escalated and decide(context.config.approval_policy, _sandbox(context), CommandFacts(escalated)) == "refuse":
            raise ToolFailure(refused_escalation(context.config.approval_policy))
        # Codex puts the answer of the tool into the answer of a command.
        return "Wall time: 0.0000 seconds\nOutput:\n" + await run_patch(patch.patch_text, patch.workdir, site)
    return await _Command(await _leased(site), arguments, argv, workdir, escalated=escalated).run()


async def _leased(site: CallSite) -> CallSite:
    """The same for commands, which write only what an agent with leases holds."""
    context = site.context
    if context.leases is None:
        return site
    await context.leases.take(())
    policy = context.leases.confine(_sandbox(context), context.config.cwd)
    return attrs.evolve(site, context=attrs.evolve(context, config=attrs.evolve(context.config, sandbox_policy=policy)))


def _shell(context: ToolContext, arguments: Arguments) -> str:
    own, wanted = user_shell(context.environ), arguments.text("shell")
    return own if wanted is None else find_shell(wanted, own, context.environ)


def _sandbox(context: ToolContext) -> SandboxPolicy:
    return context.config.sandbox_policy


def _asks_to_leave(context: ToolContext, arguments: Arguments) -> bool:
    """Whether the model asks to run the command without the sandbox.

    Raises: ToolFailure when it asks for what nobody can grant.
    """
    wanted = arguments.choice("sandbox_permissions", _PERMISSIONS)
    confined = _sandbox(context).mode != "danger-full-access"
    if wanted == "with_additional_permissions" and confined:
        policy = context.config.approval_policy
        raise ToolFailure(
            refused_escalation(policy) if "never" in policies_of(policy) else rejected(NO_ADDITIONAL_PERMISSIONS)
        )
    return wanted == "require_escalated" and confined


@attrs.frozen
class _Ran:
    """What an attempt gave. `left_running`: it goes on in the background."""

    process: Process
    output: bytes
    wall_time: float
    left_running: bool


class _Command:
    """One command on its way from the decision to its answer."""

    def __init__(
        self, site: CallSite, arguments: Arguments, argv: tuple[str, ...], workdir: str, *, escalated: bool
    ) -> None:
        self._site, self._context = site, site.context
        self._argv, self._workdir = argv, workdir
        self._found = found = site.context.rules.evaluate(argv)
        self._facts = CommandFacts(
            escalated,
            rule=found.decision if found else None,
            allowed=found is not None and found.all_allowed,
            dangerous=_is_dangerous(argv, found, site.context.config.approval_policy),
        )
        self._tty = arguments.flag("tty", default=False)
        self._justification = arguments.text("justification")
        self._prefix_rule = arguments.texts("prefix_rule") or ()
        wait = arguments.whole_or("yield_time_ms", _DEFAULT_YIELD_MS) / 1000
        self._wait = min(max(wait, _MIN_YIELD), _MAX_YIELD)
        tokens = self._context.output_tokens
        self._max_tokens = min(arguments.whole_or("max_output_tokens", tokens), tokens)
        self._item = CommandExecution(site.call_id, argv, workdir)
        self._shown = self._stopped_at_once = False

    async def run(self) -> OutputBody:
        context = self._context
        policy = context.config.approval_policy
        verdict = decide(policy, _sandbox(context), self._facts)
        machine = ActionMachine(verdict, escalated=self._facts.escalated, when_denied=after_denial(policy))
        key = command_key(self._argv, self._workdir, tty=self._tty)
        outcome = await perform(machine, self._site, keys=[key], question=self._question, attempt=self._attempt)
        match outcome:
            case Refused():
                raise ToolFailure(await self._refused())
            case Declined(decision=decision):
                raise ToolFailure(await self._declined(decision))
            case Done(result=ran, decision=decision):
                return await self._finish(ran, decision)

    async def _refused(self) -> str:
        """The policy lets it neither run nor be asked about; the text for the model."""
        command, policy = command_line(self._argv), self._context.config.approval_policy
        if self._found is not None and self._facts.rule == "forbidden":
            reason = forbidden(command, self._found.justification)
        elif self._facts.dangerous:
            reason = forced_removal(command)
        elif self._facts.escalated:
            reason = refused_escalation(policy)
        else:
            reason = not_asked(command, policy)
        await tell_refusal(self._site, command, reason)
        return reason if reason == refused_escalation(policy) else rejected(reason)

    async def _declined(self, decision: ReviewDecision) -> str:
        """Somebody, or the clock, said no; the text for the model, unless that ends the turn."""
        self._item = attrs.evolve(self._item, status="declined")
        await self._publish(ItemCompleted(self._context.turn_id, self._item))
        if isinstance(decision, Abort):
            await self._context.approvals.abort(self._context.turn_id)
        return rejected(why_not(decision))

    async def _question(self, ask: Ask, facts: QuestionFacts) -> ExecApprovalRequest:
        await self._show_start(attrs.evolve(self._item, source="agent"))  # as in Codex: nothing runs yet
        reason = _STOPPED if ask.again else self._reason()
        question = ExecApprovalRequest(
            **attrs.asdict(facts), command=self._argv, cwd=self._workdir, reason=reason, outside=ask.outside
        )
        prefix = self._context.rules.propose(self._argv, self._prefix_rule)
        return question if prefix is None else question.proposing(prefix)

    def _reason(self) -> str | None:
        """What the model says, and what else there is to know."""
        said = [self._justification]
        if self._found is not None and self._facts.rule == "prompt":
            said.append(self._found.justification or "a rule says to ask")
        if self._facts.dangerous:
            permissive = "permissive" in policies_of(self._context.config.approval_policy)
            said.append("it destroys something for good" if permissive else "it removes files by force")
        return "; ".join(text for text in said if text) or None

    async def _attempt(self, step: Attempt) -> Attempted[_Ran]:
        context = self._context
        sandbox = _sandbox(context).outside() if step.outside else _sandbox(context)
        request = ProcessRequest(
            argv=context.replay(self._argv),
            cwd=self._workdir,
            env=_environment(context, sandbox, self._site.call_id),
            sandbox=sandbox,
            workspace=context.config.cwd,
            tty=self._tty,
            item_id=self._site.call_id,
            allow_unprotected_git=context.config.allow_unprotected_git,
        )
        ran = await self._run(request)
        return Attempted(ran, _is_denied(ran.process, ran.output))

    async def _run(self, request: ProcessRequest) -> _Ran:
        context = self._context
        began = time.monotonic()
        process = await self._start(request)
        self._item = item = attrs.evolve(self._item, process_id=str(process.session_id))
        left_running = False
        manager = await context.processes.open()
        try:
            await self._show_running(process)
            output = await process.collect(within=began + self._wait - time.monotonic())
            if process.exit_code is None and manager.hand_over(process, context.thread):
                context.spawn_background(partial(announce_end, context, process, item), f"watch-{process.session_id}")
                left_running = True
        finally:
            if not left_running:
                manager.remove(process)
                with trio.move_on_after(LEAVE_WITHIN, shield=True):
                    await leave(context.publisher, process)
        return _Ran(process, output, time.monotonic() - began, left_running)

    async def _start(self, request: ProcessRequest) -> Process:
        context = self._context
        manager = await context.processes.open()
        release = None
        try:
            _check_directory(request.cwd)
            release = await context.meter.hold_process() if context.meter is not None else None
            process = await manager.start(request, owner=self._site.owner, thread_id=context.thread_id)
            if release is not None:
                process.when_ended(release)
                release = None
            return process
        except ToolFailure as failure:
            failed = isinstance(failure, SpawnFailed)
            why = f"Failed to create unified exec process: {failure}" if failed else str(failure)
            await self._show_start()
            item = attrs.evolve(self._item, status="failed", aggregated_output=why, exit_code=_NOT_STARTED)
            await self._publish(ItemCompleted(context.turn_id, item))
            raise ToolFailure(rejected(why) if failed else f"exec_command failed: {why}") from failure
        finally:
            if release is not None:
                release()

    async def _finish(self, ran: _Ran, decision: ReviewDecision | None) -> OutputBody:
        process = ran.process
        if not ran.left_running:
            self._item = attrs.evolve(self._item, stopped_at_once=self._stopped_at_once and not self._shown)
            await self._show_start()
            await self._publish(ItemCompleted(self._context.turn_id, finished(self._item, process)))
        if isinstance(decision, Abort):
            await self._context.approvals.abort(self._context.turn_id)
        text = exec_text(
            ran.output,
            omitted=process.untold,
            wall_time=ran.wall_time,
            exit_code=process.exit_code,
            session_id=process.session_id if ran.left_running else None,
            max_tokens=self._max_tokens,
        )
        return text if decision is None else f"{NOT_AGAIN}: {why_not(decision)}.\n{text}"

    async def _show_running(self, process: Process) -> None:
        """Show the command and its output from now on, unless the sandbox stopped it at once."""
        context, item = self._context, self._item
        self._stopped_at_once = False
        if not self._shown:
            with trio.move_on_after(_SHOWN_AFTER):
                await process.wait()
            self._stopped_at_once = _is_denied(process, process.output)
        if self._stopped_at_once:
            return
        await self._show_start()
        process.set_output_listener(
            lambda chunk: context.publisher.tell(CommandOutputDelta(context.turn_id, item.id, chunk))
        )

    async def _show_start(self, item: CommandExecution | None = None) -> None:
        if not self._shown:
            self._shown = True
            await self._publish(ItemStarted(self._context.turn_id, item or self._item))

    async def _publish(self, msg: EventMsg) -> None:
        await self._context.publisher.publish([msg])


def _is_denied(process: Process, output: bytes) -> bool:
    """Whether it ended as commands do that the sandbox stops."""
    if not process.exit_code or process.sandbox.mode == "danger-full-access":
        return False  # asked twice a command, so the output of one that went well is not decoded for it
    return looks_denied(process.exit_code, output.decode("utf-8", "replace"))


def _is_dangerous(argv: Sequence[str], found: "Evaluation | None", policy: ApprovalPolicy) -> bool:
    """Whether a part that no rule speaks for is what the policy asks about wherever it runs."""
    if "permissive" not in policies_of(policy):
        return found.dangerous if found else is_dangerous(argv)
    return found.destructive if found else is_destructive(argv)


def _environment(context: ToolContext, sandbox: SandboxPolicy, call_id: str) -> dict[str, str]:
    return build_environment(
        context.config.shell_environment_policy,
        context.environ,
        thread_id=context.thread_id,
        session_id=context.session_id,
        call_id=call_id,
        network_disabled=not sandbox.network,
        programs=PROGRAMS,
    )


def _check_directory(path: str) -> None:
    if not os.path.isdir(path):
        reason = "is not a directory" if os.path.lexists(path) else "does not exist"
        raise SpawnFailed(f"the working directory {path} {reason}")
