"""A client of a server behind a wire.

Two tasks have the wire: one reads, one writes. Whoever asks waits for the answer only, so a request that is cancelled
never leaves half a message behind. When the connection is cut, requests under way fail; with `reconnects` the client
connects again, joins the threads it followed, and tells what it missed before what comes next.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import trio

from codex import CODEX_VERSION
from codex.app_server.api.server import (
    ClientInfo,
    InitializeCapabilities,
    InitializeParams,
    InitializeResponse,
    ServerRequestResolvedNotification,
)
from codex.app_server.api.thread import Thread, ThreadResumeParams
from codex.app_server.api.thread_events import ThreadStatusChangedNotification
from codex.app_server.client._exchange import Ended, Exchange, answer, refusal
from codex.app_server.client._missed import Cursor
from codex.app_server.client._subscriptions import Subscriptions
from codex.app_server.client.client import Client
from codex.app_server.client.messages import (
    ConnectionLost,
    ConnectionRefused,
    Notification,
    Question,
    RequestFailed,
)
from codex.app_server.client.wires import Connect, Wire
from codex.base.errors import CodexError

OnQuestion: TypeAlias = Callable[[Question], Awaitable[object]]
"""Answers what the server asks, with the class of the API that answers it. Cancelled when another client was faster."""

_UNSENT = 256
_NOBODY_ANSWERS = -32601
_ANSWER_FAILED = -32603
_BACKOFF = (0.1, 5.0)
_FOLLOWING = ("thread/start", "thread/resume", "thread/fork")


@asynccontextmanager
async def open_client(
    connect: Connect,
    *,
    name: str = "codex_actors_client",
    version: str = CODEX_VERSION,
    on_question: OnQuestion | None = None,
    opted_out: tuple[str, ...] = (),
    reconnects: float = 0,
) -> AsyncGenerator[Client, None]:
    """Connect and introduce ourselves; leaving the block closes the connection. Threads go on in the server.

    Args:
      connect: `wires.process`, `wires.websocket` or `wires.unix_socket`.
      on_question: without it every question is answered with an error, which means no.
      opted_out: methods of notifications that are not wanted.
      reconnects: how many times in a row a lost connection is tried again; `math.inf` for ever.

    Raises:
      ConnectionRefused: there is no server, or it does not let us in.
    """
    capabilities = InitializeCapabilities(experimental_api=True, opt_out_notification_methods=opted_out or None)
    params = InitializeParams(client_info=ClientInfo(name=name, version=version), capabilities=capabilities)
    link = _Remote(connect, params, on_question, reconnects)
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        try:
            yield Client(link, await link.wait_greeted())
        except Exception as error:  # Raised again outside of the nursery, where it is no group.
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


class _Waiter:
    """One request's place for its end."""

    def __init__(self, on_result: Callable[[Any], None] | None) -> None:
        self.done = trio.Event()
        self.on_result = on_result
        self.ended: Ended | None = None


class _Remote:
    """Implements `codex.app_server.client.client.Link`."""

    def __init__(
        self, connect: Connect, greeting: InitializeParams, on_question: OnQuestion | None, reconnects: float
    ) -> None:
        self.subscriptions = Subscriptions()
        self._connect = connect
        self._greeting = greeting
        self._on_question = on_question
        self._reconnects = reconnects
        self._exchange = Exchange()
        self._waiters: dict[int, _Waiter] = {}
        self._questions: dict[int | str, trio.CancelScope] = {}
        self._cursors: dict[str, Cursor] = {}
        self._outgoing: trio.MemorySendChannel[bytes] | None = None
        self._server: InitializeResponse | None = None
        self._greeted = trio.Event()
        self._lost: CodexError = ConnectionLost("the client is not connected yet")

    async def wait_greeted(self) -> InitializeResponse:
        """What the server said of itself, once it did. Raises: CodexError when it did not."""
        await self._greeted.wait()
        if self._server is None:
            raise self._lost
        return self._server

    async def call(self, method: str, params: Any) -> Any:
        """See `Link`."""
        result = await self._ask(method, params)
        if method == "thread/unsubscribe":
            self._cursors.pop(params.thread_id, None)
        return result

    async def run(self) -> None:
        """Have a connection, and another one when it is lost, as often as allowed. Cancelled: it is closed."""
        left, delay = self._reconnects, _BACKOFF[0]
        while True:
            try:
                async with self._connect() as wire:
                    left, delay = self._reconnects, _BACKOFF[0]
                    self._lost = await self._have(wire)
            except ConnectionRefused as error:
                self._lost = error
            self._end_requests()
            if left <= 0 or self._server is None:
                break
            left -= 1
            await trio.sleep(delay)
            delay = min(delay * 2, _BACKOFF[1])
        self._greeted.set()
        self.subscriptions.fail(self._lost)

    def _end_requests(self) -> None:
        self._outgoing = None
        for ended in self._exchange.lost():
            self._end(ended)

    async def _have(self, wire: Wire) -> CodexError:
        """Use a wire until it is lost; why it was."""
        outgoing, unsent = trio.open_memory_channel[bytes](_UNSENT)
        self._outgoing = outgoing
        lost: CodexError = ConnectionLost("the server ended the connection")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write, wire, unsent, nursery.cancel_scope)
            nursery.start_soon(self._greet)
            try:
                while (text := await wire.receive()) is not None:
                    self._take(text, nursery)
            except ConnectionLost as error:
                lost = error
            self._outgoing = None
            nursery.cancel_scope.cancel()
        self._questions.clear()
        return self._lost if self._server is None and self._greeted.is_set() else lost

    async def _greet(self) -> None:
        """Introduce ourselves, and join again the threads that were followed."""
        try:
            self._server = await self._ask("initialize", self._greeting)
            await self._send(b'{"method":"initialized"}')
            self._greeted.set()
            for thread_id in tuple(self._cursors):
                await self._rejoin(thread_id)
        except ConnectionLost:
            return
        except CodexError as error:
            self._lost = error
            self._greeted.set()

    async def _rejoin(self, thread_id: str) -> None:
        try:
            await self._ask("thread/resume", ThreadResumeParams(thread_id=thread_id))
        except RequestFailed:  # It is gone meanwhile.
            self._cursors.pop(thread_id, None)

    async def _send(self, message: bytes) -> None:
        """Have a message written. Cancelled: it is not. Raises: ConnectionLost."""
        if self._outgoing is None:
            await trio.lowlevel.checkpoint()
            raise ConnectionLost(str(self._lost))
        try:
            await self._outgoing.send(message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionLost("the connection ended") from None

    async def _ask(self, method: str, params: Any) -> Any:
        request_id, message = self._exchange.request(method, params)
        waiter = self._waiters[request_id] = _Waiter(self._follow if method in _FOLLOWING else None)
        try:
            await self._send(message)
            await waiter.done.wait()
        finally:
            self._exchange.forget(request_id)
            del self._waiters[request_id]
        assert waiter.ended is not None
        if waiter.ended.error is not None:
            raise waiter.ended.error
        return waiter.ended.result

    def _take(self, text: bytes | str, nursery: trio.Nursery) -> None:
        match self._exchange.received(text):
            case Ended() as ended:
                self._end(ended)
            case Question() as question:
                scope = self._questions[question.id] = trio.CancelScope()
                nursery.start_soon(self._answer, question, scope)
            case Notification() as notification:
                self._tell(notification)
            case None:
                pass

    def _end(self, ended: Ended) -> None:
        waiter = self._waiters.get(ended.id)
        if waiter is None:
            return
        waiter.ended = ended
        # At once, before the next message is read: what was missed comes before what is told after the answer.
        if ended.error is None and waiter.on_result is not None:
            waiter.on_result(ended.result)
        waiter.done.set()

    def _follow(self, result: Any) -> None:
        thread: Thread = result.thread
        cursor = self._cursors.get(thread.id)
        if cursor is None:
            self._cursors[thread.id] = Cursor(thread)
            return
        for notification in cursor.missed(thread):
            self.subscriptions.put(notification)
        status = ThreadStatusChangedNotification(thread_id=thread.id, status=thread.status)
        self.subscriptions.put(Notification("thread/status/changed", status))

    def _tell(self, notification: Notification) -> None:
        cursor = self._cursors.get(notification.thread_id or "")
        if cursor is not None:
            cursor.saw(notification)
        if isinstance(notification.params, ServerRequestResolvedNotification):
            scope = self._questions.pop(notification.params.request_id, None)
            if scope is not None:
                scope.cancel()
        self.subscriptions.put(notification)

    async def _answer(self, question: Question, scope: trio.CancelScope) -> None:
        with scope:
            if self._on_question is None:
                message = refusal(question, _NOBODY_ANSWERS, f"{question.method}: this client answers no questions")
            else:
                try:
                    message = answer(question, await self._on_question(question))
                except CodexError as error:
                    message = refusal(question, _ANSWER_FAILED, str(error))
            self._questions.pop(question.id, None)
            with suppress(ConnectionLost):
                await self._send(message)


async def _write(wire: Wire, unsent: trio.MemoryReceiveChannel[bytes], connection: trio.CancelScope) -> None:
    async with unsent:
        try:
            async for message in unsent:
                await wire.send(message)
        except ConnectionLost:
            connection.cancel("the server does not read any more")
