"""One thread, as programs hold it."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Never, TypeVar, overload

import trio

from actors import ActorGone, ActorRestarted, Exit, Ref, Reply
from codex.base.errors import CodexError
from codex.base.ids import uuid7
from codex.base.jsontext import JsonObject
from codex.config.schema import Config
from codex.ports.approvals import OnApproval
from codex.protocol.approval import Question
from codex.protocol.event import Event, ItemCompleted, TaskComplete, TurnAborted, TurnFailed
from codex.protocol.item import ThreadItem
from codex.protocol.op import Compact, Op, Shutdown, Submission, TurnInput
from codex.protocol.response_item import ResponseItem
from codex.protocol.terminal import BackgroundTerminal
from codex.protocol.user_input import TextInput, UserInput
from codex.session import CopyHistory, Identity, InForce, Inject, Outbox, Places, Publish, Submit
from codex.session import Message as SessionMessage
from codex.threads.turn_events import TurnEvents
from codex.tools import ProcessSource

if TYPE_CHECKING:
    from codex.threads.sub_agents import SubAgents

T = TypeVar("T")
_STOP_WITHIN = 10.0


class ThreadEnded(CodexError):
    """The thread has ended and takes no more operations."""

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"thread {thread_id} has ended; resume it to go on")
        self.thread_id = thread_id


class ThreadRestarting(CodexError):
    """The session crashed with the operation in hand and is being started again."""

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"thread {thread_id} is being started again after a crash; submit it again")
        self.thread_id = thread_id


class Thread:
    """A living thread. Implements `codex.ports.thread_client.ThreadClient`."""

    def __init__(
        self,
        identity: Identity,
        config: Config,
        place: Ref[Never],
        places: Places,
        outbox: Outbox,
        path: str | None,
        processes: ProcessSource,
    ) -> None:
        assert places.session is not None
        self.identity = identity
        self._places = places
        self._config = config
        self.outbox = outbox
        self.place = place
        self.rollout_path = path
        self._session: Ref[SessionMessage] = places.session
        self._processes = processes

    @property
    def thread_id(self) -> str:
        """The thread's UUID."""
        return self.identity.thread_id

    @property
    def config(self) -> Config:
        """What holds for it from its next turn on."""
        in_force = self._places.in_force
        return self._config if in_force is None else in_force.config

    @property
    def in_force(self) -> InForce | None:
        """Its settings, which limit those of the threads below."""
        return self._places.in_force

    def belong_to(self, owner: "Thread") -> None:
        """From now on another thread owns this one: it answers what this one must ask, and limits what it may."""
        self._places.parent = owner._session
        if self.in_force is not None and owner.in_force is not None:
            self.in_force.move(owner.in_force)

    @property
    def session(self) -> Ref[SessionMessage]:
        """Its session, for those that stand between it and another process."""
        return self._session

    @property
    def alive(self) -> bool:
        """Whether it still takes operations."""
        return self._session.alive

    @property
    def agents(self) -> "SubAgents":
        """The sub-agents below this thread: start some, run them side by side, see the tree."""
        from codex.threads.sub_agents import SubAgents

        return SubAgents(lambda: self._places.agents)

    async def submit(self, op: Op) -> str:
        """Hand an operation to the thread; its id comes back when the thread has taken it.

        Cancel-safe: cancelled, the operation may have been taken all the same.

        Raises:
          UserError: the operation cannot be taken now; the text says why.
          ThreadEnded: the thread is gone.
        """
        submission = Submission(uuid7(), op)
        try:
            taken = await self._session.ask(partial(Submit, submission))
        except ActorGone as gone:
            raise ThreadEnded(self.thread_id) from gone
        except ActorRestarted as restarted:
            raise ThreadRestarting(self.thread_id) from restarted
        agents = self._places.agents
        if isinstance(op, TurnInput) and agents is not None and agents.mail is not None:
            agents.mail.steered()
        return taken

    @asynccontextmanager
    async def open_events(self, *, answers: bool = False) -> AsyncGenerator[AsyncIterator[Event], None]:
        """All events from now on; the first watcher also gets those told before it came.

        Args:
          answers: this watcher answers the questions it sees, so those of a sub-agent stay with it.
        """
        subscription = self.outbox.subscribe(answers=answers)
        try:
            yield subscription
        finally:
            self.outbox.unsubscribe(subscription)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Questions that wait for an answer, its sub-agents' too where they came up to it."""
        return tuple(self.outbox.open_questions.values())

    def run(
        self,
        prompt: str | Sequence[UserInput],
        *,
        output_schema: JsonObject | None = None,
        on_approval: OnApproval | None = None,
    ) -> TurnEvents:
        """The events of a turn, which starts at the first step; see `TurnEvents`.

        Args:
          on_approval: answers what the turn, and the sub-agents below it, must ask; without it questions wait for
            an operation, or for their deadline, which means no.
        """
        items = (TextInput(prompt),) if isinstance(prompt, str) else tuple(prompt)
        return TurnEvents(self, TurnInput(items, output_schema=output_schema), on_approval)

    @overload
    async def ask(
        self,
        prompt: str | Sequence[UserInput],
        *,
        output_schema: JsonObject | None = None,
        on_approval: OnApproval | None = None,
    ) -> str: ...
    @overload
    async def ask(
        self, prompt: str | Sequence[UserInput], *, output_type: type[T], on_approval: OnApproval | None = None
    ) -> T: ...
    async def ask(
        self,
        prompt: str | Sequence[UserInput],
        *,
        output_schema: JsonObject | None = None,
        output_type: type[T] | None = None,
        on_approval: OnApproval | None = None,
    ) -> str | T:
        """Run one turn; the model's last message. Cancelling interrupts the turn.

        Args:
          output_schema: the JSON Schema that the message is to fit.
          output_type: the message is to be a value of this type, which is given; see `codex.threads.typed`.

        Raises:
          TurnError: the turn failed or was interrupted.
          NotTyped: the answer was no value of the type, nor was a second one.
        """
        if output_type is not None:
            from codex.threads.typed import ask_typed

            return await ask_typed(self, prompt, output_type, on_approval=on_approval)
        return await self._result(self.run(prompt, output_schema=output_schema, on_approval=on_approval))

    async def compact(self) -> None:
        """Replace the history by a summary of it, in a turn of its own. Cancelling interrupts it: all stays as it was.

        Raises:
          UserError: a turn is running.
          TurnError: there is nothing to compact, no summary came, or it would save nothing; all stays as it was.
        """
        await self._result(TurnEvents(self, Compact()))

    async def _result(self, turn: TurnEvents) -> str:
        async with turn as events:
            async for event in events:
                match event.msg:
                    case TaskComplete(last_agent_message=text):
                        return text or ""
                    case TurnFailed(message=text):
                        raise TurnError(text)
                    case TurnAborted(reason=reason):
                        raise TurnError(f"the turn was ended: {reason}")
                    case _:
                        pass
        raise ThreadEnded(self.thread_id)

    def inject_nowait(self, items: Sequence[ResponseItem], *, wake: bool = False) -> None:
        """Put items into the history before the next request; lost when the thread is gone.

        Args:
          wake: an idle thread starts a turn for them.
        """
        try:
            self._session.send_nowait(Inject(tuple(items), wake), control=True)
        except ActorGone:
            return

    def carry_on_nowait(self, items: Sequence[ResponseItem]) -> None:
        """Begin a turn with these items in the history, and without input; after the running one where there is one."""
        try:
            self._session.send_nowait(Inject(tuple(items), wake=True, task=True), control=True)
        except ActorGone:
            return

    def note_nowait(self, item: ThreadItem) -> None:
        """Show and keep what happened beside the work of the thread's own; nothing before its first turn."""
        turn_id = self.outbox.last_turn
        if turn_id is not None:
            try:
                self._session.send_nowait(Publish((ItemCompleted(turn_id, item),), (), None, Reply()), control=True)
            except ActorGone:
                return

    async def history(self) -> tuple[ResponseItem, ...]:
        """The history's items as they are now."""
        return await self._session.ask(CopyHistory)

    def background_terminals(self) -> Sequence[BackgroundTerminal]:
        """Its commands that go on in the background, oldest first, with what they use now."""
        manager = self._processes.opened
        return () if manager is None else manager.terminals(self.thread_id)

    async def terminate_background(self, process_id: str) -> bool:
        """End one of them; returns when nothing of it is left. False where there is none of this id.

        Cancelled: it ends all the same. The model is told.
        """
        manager = self._processes.opened
        if manager is None or not process_id.isdecimal():
            await trio.lowlevel.checkpoint()
            return False
        return await manager.terminate(self.thread_id, int(process_id))

    async def clean_background(self) -> int:
        """End all of them; how many there were. Cancelled: they end all the same. The model is told."""
        manager = self._processes.opened
        if manager is None:
            await trio.lowlevel.checkpoint()
            return 0
        return await manager.clean(self.thread_id)

    async def stop(self) -> Exit:
        """End the thread with all below it; returns when nothing is left of it."""
        try:
            with trio.move_on_after(_STOP_WITHIN):
                await self.submit(Shutdown())
                return await self.place.wait()
        except (ThreadEnded, ThreadRestarting):
            pass
        return await self.place.stop(within=1.0)


class TurnError(CodexError):
    """A turn did not complete; the text says why."""
