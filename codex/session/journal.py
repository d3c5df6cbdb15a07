"""What a session writes to its rollout, in Codex's order; nothing at all where the thread is not stored."""

import time
from collections.abc import Sequence
from functools import partial

import attrs

import codex.rollout as rollout
from codex import __version__
from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject
from codex.ports.agents import Generation, generation
from codex.protocol.event import EventMsg, TaskComplete, TaskStarted, TokenCount, TurnAborted, TurnFailed
from codex.protocol.letter import answer_id
from codex.protocol.response_item import ResponseItem, message_text
from codex.protocol.usage import TokenUsage
from codex.rollout import Line, SubAgentSource, TurnIds, Window, lines
from codex.session.context import SessionContext


class Journal:
    """Turns what happened into lines and hands them to the thread's writer.

    `window` is the context window that the thread is in; a compaction opens the next one.

    Every method returns once the lines are with the disk; it raises RolloutWriteError when the disk refused them: then
    the writer keeps them until there is room again.
    """

    def __init__(self, context: SessionContext, instructions: str) -> None:
        self._context = context
        self._instructions = instructions
        identity = context.identity
        self._ids = TurnIds(identity.thread_id, identity.session_id, "", "")
        self._turn_began = 0.0
        self._fresh = context.restored.path is None
        self._first_turn = True
        self._writer = context.places.writer
        self._multi_agent: Generation = generation(context.places.agents) or "v1"
        first = uuid7()
        self.window = context.restored.window or Window(first, first)

    @property
    def begun(self) -> bool:
        """Whether the rollout has its first lines."""
        return not self._fresh

    async def begin_turn(self, turn_id: str, window: int | None) -> None:
        """A turn begins."""
        now = self._turn_began = time.time()
        self._ids = TurnIds(self._ids.thread_id, self._ids.session_id, turn_id, turn_id)
        opening = self._opening(now) if self._fresh else []
        started = rollout.event_line(TaskStarted(turn_id, window), self._ids, now)
        try:
            await self._write([*opening, *([started] if started else [])])
        except rollout.RolloutWriteError:
            self._fresh = False
            raise
        self._fresh = False

    async def tell_context(
        self, told: Sequence[ResponseItem], said: Sequence[ResponseItem] = (), msgs: Sequence[EventMsg] = ()
    ) -> None:
        """What is in force for the turn, then what the user said; `told` is what the model is told of the former."""
        now, config, model = time.time(), self._context.config, self._context.model.slug
        turn_id = self._ids.turn_id
        settings = lines.thread_settings_applied(self._ids.thread_id, config, model=model, at=now)
        await self._write(
            [
                *lines.response_items(told, turn_id, now),
                lines.turn_context(self._ids, config, model=model, at=now, multi_agent=self._multi_agent),
                *([settings] if self._first_turn else []),
                *lines.response_items(said, turn_id, now),
                *self._event_lines(msgs, now),
            ]
        )
        self._first_turn = False

    def _event_lines(self, msgs: Sequence[EventMsg], now: float) -> list[Line]:
        """The lines of those events that are kept."""
        return [line for msg in msgs if (line := rollout.event_line(msg, self._ids, now)) is not None]

    async def open(self) -> None:
        """Take the lock of a thread that is stored already.

        Raises: ThreadHasWriter when another process writes it.
        """
        if self._writer is not None and not self._fresh:
            await self._writer.ask(rollout.Open)

    async def keep_input(self, item: ResponseItem) -> None:
        """What the user said, before the history is compacted for it."""
        await self._write([lines.turn_input(item, self._ids.turn_id, time.time())])

    async def append(
        self, items: Sequence[ResponseItem], msgs: Sequence[EventMsg], records: Sequence[Line] = ()
    ) -> None:
        """Items of the history, what a response has used, and those of the events that are kept."""
        now = time.time()
        opening = self._opening(now) if self._fresh and records else []
        kept = [*opening, *lines.response_items(items, self._ids.turn_id, now), *records, *self._event_lines(msgs, now)]
        self._fresh = self._fresh and not opening
        await self._write(kept)

    async def compacted(
        self,
        answer: ResponseItem,
        history: Sequence[ResponseItem],
        *,
        response_id: str,
        spent: tuple[Line, EventMsg],
        msgs: Sequence[EventMsg],
    ) -> None:
        """A summary takes the place of the history: all in one append, so that a resume finds the one or the other.

        Args:
          answer: the model's message; it is no part of the new history.
          history: the new one; its last item is the summary.
          spent: what the request has used, as a record and as an event; `msgs`: the events that follow.
        """
        now, turn_id = time.time(), self._ids.turn_id
        model = self._context.model.slug
        window = self.window = self.window.next(uuid7())
        summary: ResponseItem = {
            **history[-1],
            lines.PASSTHROUGH: {"turn_id": turn_id, "content_item_kinds": ["compaction.summary"]},
        }
        record, counted = spent
        told = self._event_lines((counted, *msgs), now)
        await self._write(
            [
                lines.response_item(answer, turn_id, now),
                record,
                *told[:1],
                lines.compacted(
                    message_text(history[-1]), [*history[:-1], summary], window, now, response_id=response_id
                ),
                lines.turn_context(self._ids, self._context.config, model=model, at=now, multi_agent=self._multi_agent),
                *told[1:],
            ]
        )

    def usage_record(self, response_id: str, count: TokenCount, turn: TokenUsage) -> Line:
        """The line that tells what a response has used."""
        return lines.token_usage_record(
            self._ids, response_id, count.last, turn=turn, thread=count.total, at=time.time()
        )

    async def end_turn(self, msg: TaskComplete | TurnFailed | TurnAborted, marker: Sequence[ResponseItem]) -> None:
        """A turn has ended; afterwards the disk holds all of it."""
        if self._fresh:  # somebody else writes this thread, which has been told
            return
        now = time.time()
        if self._ids.turn_id != msg.turn_id:  # a turn of the incarnation before this one
            self._ids, self._turn_began = attrs.evolve(self._ids, turn_id=msg.turn_id, root_turn_id=msg.turn_id), now
        line = rollout.event_line(msg, self._ids, now, started_at=self._turn_began)
        if line is not None and not isinstance(msg, TurnAborted) and self._answers_by_letter():
            line.payload["letter_id"] = answer_id(msg.turn_id)
        await self._write([*lines.response_items(marker, self._ids.turn_id, now), *([line] if line else [])])
        await self.sync()

    async def sync(self) -> None:
        """Wait until the disk holds what was written."""
        if self._writer is not None:
            await self._writer.ask(rollout.Sync)

    async def _write(self, kept: Sequence[Line]) -> None:
        if self._writer is not None and kept:
            await self._writer.ask(partial(rollout.Append, tuple(kept)))

    def _answers_by_letter(self) -> bool:
        """Whether the end of a turn is a letter to the agent above."""
        return self._context.identity.parent_id is not None and self._multi_agent == "v2"

    def _opening(self, now: float) -> list[Line]:
        """The first lines of a new rollout: who it is, and the history it was given by a fork."""
        return [self._meta(now), *lines.response_items(self._context.restored.items, self._ids.turn_id, now)]

    def _meta(self, now: float) -> Line:
        context = self._context
        identity, config = context.identity, context.config
        agent = None
        if identity.parent_id is not None:
            agent = SubAgentSource(
                identity.parent_id, identity.depth, identity.agent_path, identity.nickname, identity.role
            )
        return lines.session_meta(
            thread_id=identity.thread_id,
            session_id=identity.session_id,
            cwd=config.cwd,
            originator=context.services.originator,
            cli_version=__version__,
            model_provider=config.model_provider,
            base_instructions=self._instructions,
            at=now,
            source=context.services.source,
            agent=agent,
            forked_from_id=identity.forked_from,
            git=rollout.git_facts(config.cwd),
            window_id=self.window.window_id,
            multi_agent=self._multi_agent,
            extra=self._extra(),
        )

    def _extra(self) -> JsonObject:
        """Fields of our own."""
        budget, dynamic = self._context.identity.budget, self._context.dynamic
        extra: JsonObject = {} if dynamic is None else {"dynamic_tools": dynamic.json()}
        return extra if budget is None else {**extra, "budget": budget.json()}
