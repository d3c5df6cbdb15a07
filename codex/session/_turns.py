"""The turn of a session that is open, and the actors that carry it out: a turn, or a command of the user's own."""

from functools import partial

import trio

from actors import ActorGone, Mailbox, Ref
from codex.base.errors import CodexError
from codex.base.ids import uuid7
from codex.ports.agents import AgentControl
from codex.protocol.event import TaskComplete, TurnAborted, TurnFailed
from codex.protocol.op import RunUserShellCommand, TurnInput
from codex.session._port import SessionPort
from codex.session._shell_snapshot import ShellReplay
from codex.session._user_shell import run_user_shell
from codex.session.context import Inbox, SessionContext
from codex.session.hooks import SessionHooks
from codex.session.memory import Memory
from codex.tools import Router, ToolContext
from codex.turn import Inbox as TurnInbox
from codex.turn import InterruptTurn, Steer, TurnContext, TurnResult
from codex.turn import run as run_turn


class Turns:
    """What runs for a session: at most one turn, and the user's commands beside it.

    `id`, `input` and `result` are those of the newest turn, also after its end; "" and None before the first.
    """

    def __init__(
        self,
        mailbox: Mailbox[Inbox],
        context: SessionContext,
        router: Router,
        memory: Memory,
        hooks: SessionHooks,
        agents: AgentControl | None,
    ) -> None:
        self.id = ""
        self.input: TurnInput | None = None
        self.result = TurnResult()
        self.ref: Ref[TurnInbox] | None = None
        self._began = 0.0
        self._shells: list[Ref[TurnInbox]] = []
        self._mailbox = mailbox
        self._context = context
        self.router = router
        self._memory = memory
        self._hooks = hooks
        self._agents = agents
        self._replay = ShellReplay()

    def open(self, op: TurnInput | None) -> None:
        """The next turn has begun with this input; None where it only compacts."""
        self.id, self.input = uuid7(), op
        self._began, self.result = trio.current_time(), TurnResult()

    def start(self, *, compacts: bool) -> None:
        """Start the actor of the open turn, which runs its input, or does nothing but compact the history."""
        context, port = self._context, SessionPort(self._mailbox.ref)
        retries = context.config.model_providers[context.config.model_provider].stream_max_retries
        items = self.input.items if self.input else ()
        turn = TurnContext(
            self.id,
            context.services.client,
            self.router,
            self._tools(port),
            port,
            retries,
            full=self._memory.verdict == "compact",
            only_compacts=compacts,
            compactable=self._memory.compactable,
            gate=self._hooks.gate(self.id, items, port, compacts=compacts),
        )
        run = partial(run_turn, context=turn, result=self.result)
        self.ref = self._mailbox.spawn(run, name="turn", watch=True, shutdown=2.0)

    def start_shell(self, op: RunUserShellCommand, *, beside: bool) -> None:
        """Run the user's command as the open turn, or `beside` it."""
        result = TurnResult() if beside else self.result
        run = partial(run_user_shell, op=op, tools=self._tools(SessionPort(self._mailbox.ref)), result=result)
        shell = self._mailbox.spawn(run, name="user-shell", watch=not beside, shutdown=2.0)
        if beside:
            self._shells = [*(one for one in self._shells if one.alive), shell]
        else:
            self.ref = shell

    def begin_snapshot(self) -> None:
        """Have the user's shell looked at, beside everything else."""
        publisher = SessionPort(self._mailbox.ref)
        run = partial(self._replay.run, context=self._context, publisher=publisher)
        self._mailbox.spawn(run, name="shell-snapshot", shutdown=3.0)

    def steer(self, op: TurnInput) -> bool:
        """Hand more input to the turn; False where it is gone."""
        return self.ref is not None and _tell(self.ref, Steer(op))

    def interrupt(self) -> None:
        """Tell the turn to end, where there is one."""
        if self.ref is not None:
            _tell(self.ref, InterruptTurn())

    def interrupt_shells(self) -> None:
        """Tell the user's commands beside the turn to end."""
        for shell in self._shells:
            _tell(shell, InterruptTurn())

    def ending(self, error: BaseException | None, *, closing: bool) -> TaskComplete | TurnFailed | TurnAborted:
        """How the turn ended whose actor is gone, by this error if any."""
        self.ref = None
        result, total = self.result, self._memory.total
        match result.outcome:
            case "completed":
                first = result.first_token_at
                return TaskComplete(
                    self.id,
                    result.last_message,
                    total,
                    int((trio.current_time() - self._began) * 1000),
                    None if first is None else int((first - self._began) * 1000),
                )
            case "aborted":
                if not closing:
                    self._hooks.tell_interrupted(self.id)
                return TurnAborted(self.id, "shutdown" if closing else "interrupted", total)
            case "failed":
                return TurnFailed(self.id, result.error_message, result.error_kind, total)
            case None if error is None:  # it was stopped with its owner
                return TurnAborted(self.id, "shutdown" if closing else "interrupted", total)
            case None:
                text = str(error) if isinstance(error, CodexError) else f"the turn crashed: {error!r}"
                return TurnFailed(self.id, text, "other", total)

    def _tools(self, port: SessionPort) -> ToolContext:
        context = self._context
        return ToolContext(
            thread_id=context.identity.thread_id,
            session_id=context.identity.session_id,
            turn_id=self.id,
            config=context.config,
            environ=context.services.environ,
            output_tokens=self._memory.output_tokens,
            publisher=port,
            approvals=port,
            rules=context.rules,
            agent_path=context.identity.agent_path,
            processes=context.services.processes,
            agents=self._agents,
            thread=self._mailbox.ref,
            spawn_background=lambda run, name: self._mailbox.spawn(run, name=name, shutdown=0),
            image_detail=context.model.image_detail if context.model.supports_image_input else None,
            meter=context.services.meter,
            hooks=self._hooks.runner,
            replay=self._replay,
            dynamic=context.dynamic,
            goals=context.services.goals,
            leases=context.services.leases,
            within=context.places.in_force.within if context.places.in_force is not None else None,
        )


def _tell(ref: Ref[TurnInbox], message: Steer | InterruptTurn) -> bool:
    try:
        ref.send_nowait(message, control=isinstance(message, InterruptTurn))
    except ActorGone:
        return False
    return True
