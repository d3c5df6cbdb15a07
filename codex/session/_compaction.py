"""What a session does for a compaction: the request for the summary, and the step from the old history to the new."""

from collections.abc import Iterable

import attrs

from codex.base.jsontext import Json
from codex.base.quoting import command_line
from codex.context import Told
from codex.context.compact import compacted_history, compaction_input, default_compact_prompt, summary_item
from codex.context.ledger import Ledger, RunningProcess, SubAgent
from codex.model import ModelInfo, lookup_model
from codex.ports.agents import AgentControl, AgentInfo
from codex.ports.model import ModelError, ModelRequest
from codex.protocol.approval import ExecApprovalRequest, Question
from codex.protocol.event import EventMsg, ItemCompleted, TokenCount
from codex.protocol.item import ContextCompaction
from codex.protocol.response_item import message_text
from codex.protocol.usage import TokenUsage
from codex.rollout import RolloutWriteError
from codex.session.context import SessionContext
from codex.session.journal import Journal
from codex.session.memory import Memory
from codex.session.messages import SummaryRequest
from codex.turn import Phase, Summary

_BASE = 1  # the base instructions stand before the history in every prompt


def summary_request(
    context: SessionContext, memory: Memory, turn_id: str, window: int, ask: SummaryRequest
) -> ModelRequest:
    """The request for a summary, without tools; `window`: how often the history was compacted before.

    Raises: ModelError when nothing is left to be summed up.
    """
    prompt = memory.prompt()
    if len(prompt) - _BASE <= ask.dropped:
        text = "there is nothing to compact yet" if not ask.dropped else "even its last item is too large for the model"
        raise ModelError(text, "context_window_exceeded" if ask.dropped else "bad_request")
    memory.budget.tried(memory.tokens)
    instruction = context.config.compact_prompt or default_compact_prompt()
    model = _summarizer(context, memory)
    facts: dict[str, Json] = {
        **memory.facts(),
        "compaction": {
            "trigger": "manual" if ask.phase == "manual" else "auto",
            "reason": "user_requested" if ask.phase == "manual" else "context_limit",
            "implementation": "responses",
            "phase": "standalone_turn" if ask.phase == "manual" else ask.phase,
            "strategy": "memento",
        },
    }
    ids = memory.ids(turn_id, window, facts, kind="compaction")
    return memory.build(model, ids, compaction_input(prompt, instruction, base=_BASE, dropped=ask.dropped))


async def replace_history(
    context: SessionContext,
    memory: Memory,
    journal: Journal,
    turn_id: str,
    summary: Summary,
    phase: Phase,
    *,
    agents: AgentControl | None,
) -> list[EventMsg]:
    """Put the summary into the history's place, on disk first; the events to be shown.

    Raises:
      ModelError: nobody asked for it, and the new one would be no smaller; the old one stays in force.
      RolloutWriteError: the disk refused it. The writer keeps it until there is room, so it is in force.
    """
    before = memory.tokens
    history = compacted_history(
        memory.items,
        summary_item(message_text(summary.item)),
        context=memory.context(Told()),
        ledger=(await _ledger(context, memory, agents)).item(),
    )
    after = memory.estimate(history)
    usage = summary.usage or TokenUsage()
    memory.spend(usage)
    spent = TokenCount(turn_id, memory.total, usage, memory.window)
    record = journal.usage_record(summary.response_id, spent, memory.turn_total)
    if after >= before and phase != "manual":  # what the user asked for is done
        await journal.append([], [spent], [record])
        context.outbox.publish([spent])
        raise ModelError(
            f"the summary would leave about {after:,} tokens where there are {before:,}; everything stays as it is"
        )
    now = TokenCount(turn_id, memory.total, TokenUsage(total_tokens=after), memory.window)
    done = ItemCompleted(turn_id, ContextCompaction(summary.compaction_id))
    try:
        await journal.compacted(
            summary.item, history, response_id=summary.response_id, spent=(record, spent), msgs=[now, done]
        )
    except RolloutWriteError:
        memory.replace(history)
        raise
    memory.replace(history)
    return [spent, now, done]


def _summarizer(context: SessionContext, memory: Memory) -> ModelInfo:
    """The model in force; before its first answer the one before it, where that one takes more."""
    if memory.previous_model is None:
        return context.model
    before = lookup_model(attrs.evolve(context.config, model=memory.previous_model, model_context_window=None))
    return before if before.context_window > context.model.context_window else context.model


async def _ledger(context: SessionContext, memory: Memory, agents: AgentControl | None) -> Ledger:
    """The facts as they are at this moment."""
    manager, log = context.services.processes.opened, memory.worklog
    processes = [] if manager is None else manager.list(context.identity.thread_id)
    return Ledger(
        log.plan,
        log.files,
        log.forgotten,
        tuple(RunningProcess(one.session_id, _command(one.argv)) for one in processes if one.running),
        () if agents is None else tuple(_sub_agents(await agents.list_below())),
        tuple(_question(one) for one in context.outbox.open_questions.values()),
    )


def _sub_agents(agents: Iterable[AgentInfo]) -> Iterable[SubAgent]:
    """All below the thread that are not closed."""
    return (SubAgent(one.agent_id, one.nickname, one.state) for one in agents if one.state.status != "shutdown")


def _question(question: Question) -> str:
    """What somebody waits to be allowed, in a sentence."""
    if isinstance(question, ExecApprovalRequest):
        return f"{question.agent_path} asks whether it may run: {_command(question.command)}"
    return f"{question.agent_path} asks whether it may change: {', '.join(one.path for one in question.changes)}"


def _command(argv: tuple[str, ...]) -> str:
    """The script of a shell that runs one, or the whole command."""
    return argv[2] if len(argv) == 3 and argv[1] in ("-c", "-lc") else command_line(argv)
