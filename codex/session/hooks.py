"""A session's hooks; where none are configured, nothing of them is loaded.

The hooks about a turn run inside it, as a gate at its beginning and at its end, so that an interrupt reaches them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Never

import attrs
import trio

from actors import Mailbox
from codex.base.jsontext import Json
from codex.config.folders import HookSource, hook_sources
from codex.protocol.event import Warning
from codex.protocol.permission import policies_of
from codex.protocol.response_item import ResponseItem, input_text, message
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import TextInput, UserInput
from codex.session._port import SessionPort
from codex.session.context import Inbox, SessionContext
from codex.turn import Phase

if TYPE_CHECKING:
    from codex.hooks import EventName, HookRunner, Verdict

# A hook that never lets a turn end does not keep it for ever.
MAX_CONTINUATIONS = 8
# Hooks that run beside everything else: how many at once, and how many may wait for their turn.
_BESIDE, _WAITING = 8, 100


class SessionHooks:
    """The hooks of one thread."""

    def __init__(self, mailbox: Mailbox[Inbox], context: SessionContext) -> None:
        self._mailbox, self._context = mailbox, context
        self._beside = trio.CapacityLimiter(_BESIDE)
        self._started = False
        self.runner: HookRunner | None = None
        self.warnings: tuple[str, ...] = ()
        config = context.config
        sources = hook_sources(config) if config.features.get("hooks", True) else []
        if sources:
            self._find(sources)

    def _find(self, sources: Sequence[HookSource]) -> None:
        import codex.hooks as hooks

        config, environ = self._context.config, self._context.services.environ
        found = hooks.find_hooks(sources, bypass_trust=config.bypass_hook_trust)
        self.warnings = found.warnings
        if found.usable:
            self.runner = hooks.HookRunner(found.usable, self._common(), config.cwd, environ, self._start)

    def gate(
        self, turn_id: str, items: tuple[UserInput, ...], port: SessionPort, *, compacts: bool
    ) -> "HookGate | None":
        """What a turn with this input asks before it begins and ends; None without hooks.

        `compacts`: the turn does nothing else, and does not count as the session's start.
        """
        if self.runner is None:
            return None
        starts = not self._started and not compacts
        self._started = self._started or starts
        return HookGate(self._context, self.runner, turn_id, items, port, starts=starts)

    def _start(self, ask: "Callable[[], Awaitable[Verdict]]") -> None:
        """Let a hook run beside everything else; what it says is told before the next request, as in Codex."""
        port = SessionPort(self._mailbox.ref)

        async def run(_mailbox: Mailbox[Never]) -> None:
            if self._beside.statistics().tasks_waiting >= _WAITING:
                await port.publish([Warning(f"a hook was left out: {_BESIDE} run, and {_WAITING} wait for them")])
                return
            async with self._beside:
                verdict = await ask()
            for text in verdict.contexts:
                port.inject(_message([text]))
            await _tell(port, verdict)

        self._mailbox.spawn(run, name="hooks", shutdown=0.0)

    def tell_interrupted(self, turn_id: str) -> None:
        """Tell that a turn was interrupted, beside everything else."""
        runner = self.runner
        if runner is None or not runner.listens("Interrupt"):
            return

        async def tell(_mailbox: Mailbox[Never]) -> None:
            await runner.ask("Interrupt", {"turn_id": turn_id})

        self._mailbox.spawn(tell, name="hooks", shutdown=3.0)

    async def ended(self) -> None:
        """Tell that the session ends. Cancel-safe; the caller bounds it."""
        if self.runner is not None and self._started and self._context.identity.parent_id is None:
            await self.runner.ask("SessionEnd", {"reason": "other"}, subject="other")

    def _common(self) -> dict[str, Json]:
        config, identity = self._context.config, self._context.identity
        facts: dict[str, Json] = {
            "session_id": identity.session_id,
            "transcript_path": self._context.rollout_path,
            "cwd": config.cwd,
            "model": self._context.model.slug,
            "permission_mode": "bypassPermissions" if "never" in policies_of(config.approval_policy) else "default",
        }
        if identity.parent_id is None:
            return facts
        return {**facts, "agent_id": identity.thread_id, "agent_type": "default"}


class HookGate:
    """Implements `codex.turn.TurnGate`."""

    def __init__(
        self,
        context: SessionContext,
        runner: "HookRunner",
        turn_id: str,
        items: tuple[UserInput, ...],
        port: SessionPort,
        *,
        starts: bool,
    ) -> None:
        self._context, self._runner, self._turn_id = context, runner, turn_id
        self._items, self._port, self._starts = items, port, starts
        self._continued = 0

    async def open(self) -> bool:
        """Ask about the start of the session and about the prompt; what hooks say stands behind the prompt.

        False: a hook refused, and the model does not see the prompt. Cancelled, the hooks are killed.
        """
        contexts: list[str] = []
        sub_agent = self._context.identity.parent_id is not None
        if self._starts:
            resumed = self._context.restored.path is not None
            source = "resume" if resumed else "startup"
            event = "SubagentStart" if sub_agent else "SessionStart"
            facts: dict[str, Json] = {} if sub_agent else {"source": source}
            verdict = await self._runner.ask(event, facts, subject="default" if sub_agent else source)
            if not await self._goes_on(verdict, "start"):
                return False
            contexts += verdict.contexts
        if not self._items:  # news started the turn, nobody said anything
            self._port.inject(_message(contexts))
            return True
        prompt = "\n".join(item.text for item in self._items if isinstance(item, TextInput))
        verdict = await self._ask("UserPromptSubmit", {"prompt": prompt})
        if not await self._goes_on(verdict, "prompt"):
            return False
        self._port.inject(_message([*contexts, *verdict.contexts]))
        return True

    async def close(self, last_message: str | None) -> bool:
        """Ask whether the turn may end; True: go on, since a hook gave a reason, which the model is told."""
        sub_agent = self._context.identity.parent_id is not None
        facts: dict[str, Json] = {"stop_hook_active": self._continued > 0, "last_assistant_message": last_message}
        verdict = await self._ask("SubagentStop" if sub_agent else "Stop", facts)
        await _tell(self._port, verdict)
        if verdict.blocked is None or verdict.stopped is not None:
            return False
        if self._continued >= MAX_CONTINUATIONS:
            text = f"a hook kept the turn from ending {MAX_CONTINUATIONS} times; it ends now"
            await self._port.publish([Warning(text)])
            return False
        self._continued += 1
        self._port.inject(_message([verdict.blocked]))
        return True

    async def request_begins(self) -> str | None:
        """Ask whether the model may be asked."""
        verdict = await self._ask("PreModelRequest", {})
        await _tell(self._port, verdict)
        return verdict.refused

    async def request_ended(self, usage: TokenUsage | None, error: str | None) -> None:
        """Tell how the request ended."""
        facts: dict[str, Json] = {
            "status": "completed" if error is None else "failed",
            "error": error,
            "token_usage": None if usage is None else attrs.asdict(usage),
        }
        await _tell(self._port, await self._ask("PostModelRequest", facts))

    async def compaction_begins(self, phase: Phase) -> str | None:
        """Ask whether the history may be compacted."""
        trigger = _trigger(phase)
        verdict = await self._ask("PreCompact", {"trigger": trigger}, subject=trigger)
        await _tell(self._port, verdict)
        return verdict.refused

    async def compaction_ended(self, phase: Phase) -> None:
        """Tell that it was; what hooks say about the new start stands behind the summary."""
        trigger = _trigger(phase)
        await _tell(self._port, await self._ask("PostCompact", {"trigger": trigger}, subject=trigger))
        if self._context.identity.parent_id is None:
            verdict = await self._runner.ask("SessionStart", {"source": "compact"}, subject="compact")
            await _tell(self._port, verdict)
            self._port.inject(_message(verdict.contexts))

    async def _ask(self, event: "EventName", facts: Mapping[str, Json], *, subject: str = "") -> "Verdict":
        return await self._runner.ask(event, {"turn_id": self._turn_id, **facts}, subject=subject)

    async def _goes_on(self, verdict: "Verdict", what: str) -> bool:
        await _tell(self._port, verdict)
        if verdict.refused is None:
            return True
        await self._port.publish([Warning(f"a hook refused the {what}: {verdict.refused}")])
        return False


async def _tell(port: SessionPort, verdict: "Verdict") -> None:
    if verdict.messages:
        await port.publish([Warning(text) for text in verdict.messages])


def _trigger(phase: Phase) -> str:
    return "manual" if phase == "manual" else "auto"


def _message(texts: Sequence[str]) -> list[ResponseItem]:
    """What hooks say to the model, as a developer message."""
    return [message("developer", [input_text(text) for text in texts])] if texts else []
