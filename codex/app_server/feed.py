"""One thread on its way to the clients that follow it: its events translated, its questions put to them.

A feed lives as long as its thread. The thread never waits for it, and it never waits for a client. A question goes to
all who follow the thread, also to one that comes later; the first answer counts, and all are told when it is settled.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Never

import attrs
import trio

from actors import Mailbox
from codex.app_server.agenda import Agenda
from codex.app_server.api.server import ServerRequestResolvedNotification
from codex.app_server.api.thread import NotLoadedThreadStatus
from codex.app_server.api.thread_events import ThreadReadStateChangedNotification, ThreadStatusChangedNotification
from codex.app_server.api.thread_list import ThreadReadState, UnreadFromTurn
from codex.app_server.audience import Asked, Client
from codex.app_server.notice import Notice
from codex.app_server.questions import answered, asked
from codex.app_server.translate import Ask, Close, Told, Translator, TurnRead
from codex.base.errors import CodexError
from codex.base.jsontext import Json, JsonObject
from codex.protocol.approval import Question
from codex.threads import Thread

_FAIR = 64


@attrs.define
class _Open:
    """A question that waits. One of the engine's is answered by an operation, one of ours by whoever awaits it."""

    asked: Asked
    question: Question | None = None
    answer: tuple[Json, JsonObject | None] | None = None
    settled: trio.Event = attrs.field(factory=trio.Event)


class Feed:
    """The one place where a thread's events meet its clients."""

    def __init__(self, thread: Thread, next_question: Callable[[], int]) -> None:
        self.thread = thread
        self.agenda: Agenda | None = None
        self.translator = Translator(thread.thread_id)
        self.read_state = ThreadReadState(revision=str(uuid.uuid4()))
        self.changes = 0
        """How often a client came or went."""
        self.breaks = 0
        """How often this broke and was started again."""
        self._next_question = next_question
        self._clients: dict[Client, list[Notice | Asked] | None] = {}
        """Who follows; a list holds back what waits for the answer of a request of theirs."""
        self._passed_on = trio.Event()
        self._open: dict[str, _Open] = {}
        """By the engine's id, or a made up one."""

    @property
    def clients(self) -> tuple[Client, ...]:
        """Those who follow the thread."""
        return tuple(self._clients)

    @property
    def stored(self) -> bool:
        """Whether the thread is kept on disk."""
        return self.thread.rollout_path is not None

    @property
    def open_questions(self) -> int:
        """How many questions wait for an answer."""
        return len(self._open)

    def follow(self, client: Client) -> None:
        """Tell a client all that happens from now on, beginning with the questions that are open."""
        if client in self._clients:
            return
        self._clients[client] = None
        self.changes += 1
        for one in self._open.values():
            client.ask(one.asked)

    def leave(self, client: Client) -> bool:
        """Tell it nothing more; whether it followed."""
        for one in self._open.values():
            client.withdraw(one.asked)
        self.changes += client in self._clients
        return self._clients.pop(client, self) is not self

    def hold(self, client: Client) -> None:
        """Keep back what happens from now on from a client whose request is being answered."""
        if client in self._clients and self._clients[client] is None:
            self._clients[client] = []

    def release(self, client: Client) -> None:
        """Tell it what was kept back."""
        held = self._clients.get(client)
        if held is None:
            return
        self._clients[client] = None
        for one in held:
            client.tell(one) if isinstance(one, Notice) else client.ask(one)

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Pass events on until the thread has ended. Cancelled, clients are told nothing more."""
        read = 0
        async with self.thread.open_events(answers=True) as events:
            async for event in events:
                now = int(time.time() * 1000)
                if self.agenda is not None:
                    self.agenda.event(event.msg)
                for told in self.translator.event(event.msg, now):
                    self._pass_on(told, now)
                self._passed_on.set()
                read += 1
                if read % _FAIR == 0:
                    await trio.lowlevel.checkpoint()

    def ended(self) -> None:
        """The thread is gone."""
        for key in tuple(self._open):
            self._close(key)
        status = ThreadStatusChangedNotification(thread_id=self.thread.thread_id, status=NotLoadedThreadStatus())
        self.tell("thread/status/changed", status)

    def tell(self, method: str, params: object) -> None:
        """Notify all who follow."""
        self._send(Notice(method, params, int(time.time() * 1000)))

    async def answered(self, asked: Asked, result: Json, error: JsonObject | None) -> None:
        """A client answered; an answer that comes too late, or is no answer to this question, changes nothing.

        Cancelled: it may be taken.
        """
        for key, one in self._open.items():
            if one.asked is not asked:
                continue
            if one.question is None:
                one.answer = (result, error)
                self._close(key)
                break
            op, understood = answered(one.question, result, failed=error is not None)
            if not understood:
                self.translator.answer_failed(one.question.call_id)
            with suppress(CodexError):
                await self.thread.submit(op)
            return
        await trio.lowlevel.checkpoint()

    async def wait_shown(self, item_id: str) -> None:
        """Return once clients were told of an item of the running turn, or the thread has ended. Cancel-safe."""
        while self.thread.alive and (self.translator.turn is None or not self.translator.turn.is_open(item_id)):
            if self._passed_on.is_set():
                self._passed_on = trio.Event()  # one for all who wait
            await self._passed_on.wait()

    async def ask(self, method: str, params: object) -> tuple[Json, JsonObject | None]:
        """Put a question to all who follow, now or later; the first answer's result and error.

        Waits until somebody answers, or the thread ends, which is an error. Cancelled, the question is withdrawn.
        """
        one = _Open(Asked(self._next_question(), self.thread.thread_id, method, params))
        key = f"asked-{one.asked.id}"
        self._open[key] = one
        self._send(one.asked)
        try:
            await one.settled.wait()
        finally:
            self._close(key)
        return one.answer or (None, {"message": "the thread has ended"})

    def _pass_on(self, told: Told, now_ms: int) -> None:
        match told:
            case Notice():
                self._send(told)
            case Ask(question=question):
                self._ask(question)
            case Close(question_id=question_id):
                self._close(question_id)
            case TurnRead(turn_id=turn_id):
                if self.thread.identity.parent_id is not None:  # nobody reads an agent's thread
                    return
                unread = self.read_state.first_unread or UnreadFromTurn(turn_id=turn_id)
                self.read_state = ThreadReadState(first_unread=unread, revision=str(uuid.uuid4()))
                changed = ThreadReadStateChangedNotification(
                    thread_id=self.thread.thread_id, read_state=self.read_state
                )
                self._send(Notice("thread/readState/changed", changed, now_ms))

    def _ask(self, question: Question) -> None:
        method, params = asked(question)
        one = _Open(Asked(self._next_question(), self.thread.thread_id, method, params), question)
        self._open[question.id] = one
        self._send(one.asked)

    def _close(self, question_id: str) -> None:
        one = self._open.pop(question_id, None)
        if one is None:
            return
        one.settled.set()
        for client in self._clients:
            client.withdraw(one.asked)
        if one.question is None and len(self._clients) < 2:  # as in Codex: nobody else was asked
            return
        resolved = ServerRequestResolvedNotification(thread_id=self.thread.thread_id, request_id=one.asked.id)
        self.tell("serverRequest/resolved", resolved)

    def _send(self, one: Notice | Asked) -> None:
        for client, held in self._clients.items():
            if held is not None:
                held.append(one)
            elif isinstance(one, Notice):
                client.tell(one)
            else:
                client.ask(one)
