"""What a loaded thread does when it is idle: the next turn that waits, or else its goal.

What changes is kept first, then told to who follows the thread. Beginning a turn may wait, so it is an actor's work,
which lives that long.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Literal, Never, TypeAlias

from actors import Mailbox
from codex.app_server.agenda_file import read_agenda, write_agenda
from codex.app_server.api.goal import ThreadGoal, ThreadGoalClearedNotification, ThreadGoalUpdatedNotification
from codex.app_server.api.queue import QueuedSubmission, ThreadQueueChangedNotification
from codex.app_server.continuation import continuation
from codex.app_server.items import engine_input
from codex.base.errors import CodexError
from codex.protocol.event import EventMsg, TaskComplete, TaskStarted, TokenCount, TurnAborted, TurnFailed
from codex.protocol.goal import Goal
from codex.protocol.op import TurnInput
from codex.threads import Thread
from codex.threads.goal import GoalMachine
from codex.threads.turn_queue import TurnQueue, Waiting

Spawn: TypeAlias = Callable[[Callable[[Mailbox[Never]], Awaitable[None]]], object]


class Agenda:
    """The goal and the queue of one thread. `tell` notifies who follows it, `spawn` starts an actor beside it."""

    def __init__(self, thread: Thread, tell: Callable[[str, object], None], spawn: Spawn) -> None:
        self._thread, self._tell, self._spawn = thread, tell, spawn
        goal, waiting = (None, []) if thread.config.ephemeral else read_agenda(self._home, thread.thread_id)
        self._goal = GoalMachine(goal)
        self._queue = TurnQueue[QueuedSubmission](waiting)
        self._begins = self._again = False
        self._turn_id: str | None = None

    @property
    def _home(self) -> str:
        return self._thread.config.codex_home

    def resumed(self, tell: Callable[[str, object], None]) -> None:
        """The thread was loaded again: tell who did it of the goal, and go on."""
        shown = self.shown_goal()
        if shown is None:
            tell("thread/goal/cleared", ThreadGoalClearedNotification(thread_id=self._thread.thread_id))
        else:
            tell("thread/goal/updated", ThreadGoalUpdatedNotification(thread_id=self._thread.thread_id, goal=shown))
        self._advance()

    # -- what happens in the thread

    def event(self, msg: EventMsg) -> None:
        """The thread told something."""
        now = time.time()
        match msg:
            case TaskStarted():
                self._turn_id = msg.turn_id
                self._goal.turn_started(now=now)
            case TokenCount():
                self._goal_changed(changed=self._goal.used(msg.last.total_tokens, now=now))
            case TaskComplete():
                self._turn_ended("complete", now)
            case TurnAborted():
                self._turn_ended("aborted", now)
            case TurnFailed():
                self._turn_ended("failed", now, msg.error_kind)
            case _:
                pass

    def _turn_ended(self, how: Literal["complete", "aborted", "failed"], now: float, kind: str = "") -> None:
        before = self.goal
        changed = self._goal.turn_ended(how, kind, now=now)
        self._goal_changed(changed=changed and self.goal != before)
        self._turn_id = None
        self._advance()

    # -- the goal

    @property
    def goal(self) -> Goal | None:
        """The goal as it stands."""
        return self._goal.goal

    def change_goal(self, change: Callable[[GoalMachine, float], object]) -> None:
        """Change the goal; an active one begins a turn where none runs. What `change` raises changes nothing."""
        change(self._goal, time.time())
        self._goal_changed(changed=True, told_anyway=True)
        self._advance()

    def clear_goal(self) -> bool:
        """Forget the goal; whether there was one."""
        had = self._goal.clear()
        if had:
            self._keep()
            self._tell("thread/goal/cleared", ThreadGoalClearedNotification(thread_id=self._thread.thread_id))
        return had

    def shown_goal(self) -> ThreadGoal | None:
        """The goal in the words of the API."""
        goal = self.goal
        if goal is None:
            return None
        return ThreadGoal(
            thread_id=self._thread.thread_id,
            objective=goal.objective,
            status=goal.status,
            token_budget=goal.token_budget,
            tokens_used=goal.tokens_used,
            time_used_seconds=int(goal.seconds_used),
            created_at=goal.created_at,
            updated_at=goal.updated_at,
        )

    def _goal_changed(self, *, changed: bool, told_anyway: bool = False) -> None:
        shown = self.shown_goal()
        if changed:
            self._keep()
        if changed and shown is not None and (told_anyway or shown.status != "complete"):
            told = ThreadGoalUpdatedNotification(thread_id=self._thread.thread_id, turn_id=self._turn_id, goal=shown)
            self._tell("thread/goal/updated", told)

    # -- the queue

    @property
    def waiting(self) -> tuple[QueuedSubmission, ...]:
        """The turns that wait, the next one first."""
        return tuple(one.what for one in self._queue.waiting)

    def change_queue(self, change: Callable[[TurnQueue[QueuedSubmission]], object]) -> None:
        """Change the queue; the next turn begins where none runs. What `change` raises changes nothing."""
        before = self._queue.waiting
        change(self._queue)
        if self._queue.waiting != before:
            self._queue_changed()
        self._advance()

    async def start_waiting(self, wanted: str | None) -> str:
        """Begin one that waits now, or steer the running turn with it; the id of its turn. Cancelled, it may begin.

        Raises:
          QueueRefused: there is none.
          CodexError: the thread does not take it; it waits on.
        """
        return await self._start(self._queue.take(wanted), mode="start_or_steer")

    def _queue_changed(self) -> None:
        self._keep()
        self._tell_queue()

    def _tell_queue(self) -> None:
        self._tell("thread/queue/changed", ThreadQueueChangedNotification(thread_id=self._thread.thread_id))

    async def _start(self, one: Waiting[QueuedSubmission], mode: Literal["start_or_steer", "start_if_idle"]) -> str:
        taken = False
        self._tell_queue()
        try:
            await self._thread.submit(
                TurnInput(engine_input(one.what.input), mode, client_id=one.what.client_user_message_id)
            )
            taken = True
        finally:
            if not taken:
                self._queue.put_back(one)
                self._tell_queue()
        self._keep()
        turn_id = self._thread.outbox.open_turn or self._thread.outbox.last_turn
        assert turn_id is not None, "input was taken and no turn was opened for it"
        return turn_id

    # -- both

    def _advance(self) -> None:
        """Something changed: begin what is next, if anything is."""
        if self._begins:
            self._again = True
        elif self._queue.waiting or self._goal.wants_turn:
            self._begins = True
            self._spawn(self._begin)

    async def _begin(self, mailbox: Mailbox[Never]) -> None:
        mailbox.started()
        try:
            self._again = True
            while self._again:
                self._again = False
                await self._begin_next()
        finally:
            self._begins = False

    async def _begin_next(self) -> None:
        """Begin what is next where no turn runs. What the thread refuses waits for its next change."""
        if self._thread.outbox.open_turn is not None or not self._thread.alive:
            return
        if self._queue.waiting:
            try:
                await self._start(self._queue.take(), mode="start_if_idle")
            except CodexError:
                return
        elif self._goal.wants_turn and self.goal is not None:
            self._thread.carry_on_nowait([continuation(self.goal)])

    def _keep(self) -> None:
        if not self._thread.config.ephemeral:
            write_agenda(self._home, self._thread.thread_id, self.goal, self._queue.waiting)
