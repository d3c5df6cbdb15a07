"""The app-server's API for programs: one class, whether the server is in this process or behind a wire."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import trio

from codex.app_server.api import model, thread, thread_edit, turn
from codex.app_server.api.server import InitializeResponse
from codex.app_server.api.thread_list import (
    ThreadListParams,
    ThreadListResponse,
    ThreadReadParams,
    ThreadReadResponse,
)
from codex.app_server.api.user_input import UserInput
from codex.app_server.client._subscriptions import Subscriptions
from codex.app_server.client.messages import Notification
from codex.app_server.client.turns import Turn, TurnResult, as_input
from codex.base.errors import CodexError

_INTERRUPT_WITHIN = 2.0


class Link(Protocol):
    """The way to a server."""

    subscriptions: Subscriptions

    async def call(self, method: str, params: Any) -> Any:
        """The answer to a request, as the API's class. Cancelled: the request may have been taken.

        Raises:
          RequestFailed: the server refused it, or could not do it.
          ConnectionLost: the server is gone.
        """
        ...


class Client:
    """A program's side of the app-server. Every method raises what `Link.call` does, and is cancelled as that is."""

    def __init__(self, link: Link, server: InitializeResponse) -> None:
        self._link = link
        self.server = server
        """What the server said of itself."""

    async def call(self, method: str, params: Any = None) -> Any:
        """Ask anything of `codex.app_server.api.catalog`; takes and gives the classes that stand there."""
        return await self._link.call(method, params)

    @asynccontextmanager
    async def open_notifications(self, thread_id: str | None = None) -> AsyncGenerator[AsyncIterator[Notification]]:
        """All that is told from now on, of one thread or of everything, in order.

        Iterating raises ConnectionLost when the server is gone, and Lagging when too much was not read.
        """
        subscription = self._link.subscriptions.open(thread_id)
        try:
            yield subscription
        finally:
            self._link.subscriptions.close(subscription)

    @asynccontextmanager
    async def open_turn(
        self, thread_id: str, prompt: str | Sequence[UserInput] | turn.TurnStartParams
    ) -> AsyncGenerator[Turn]:
        """Start a turn and follow it. Left before its end, or cancelled, the turn is interrupted.

        Args:
          prompt: what the user says; or all the params, for a turn with settings of its own.
        """
        params = prompt
        if not isinstance(params, turn.TurnStartParams):
            params = turn.TurnStartParams(thread_id=thread_id, input=as_input(params))
        subscription = self._link.subscriptions.open(thread_id)
        try:
            started = await self.turn_start(params)
            following = Turn(self, thread_id, started.turn, subscription)
            try:
                yield following
            finally:
                if following.ended is None:
                    with trio.move_on_after(_INTERRUPT_WITHIN, shield=True), suppress(CodexError):
                        await following.interrupt()
        finally:
            self._link.subscriptions.close(subscription)

    async def run_turn(self, thread_id: str, prompt: str | Sequence[UserInput] | turn.TurnStartParams) -> TurnResult:
        """Run a turn to its end. Cancelled, it is interrupted."""
        async with self.open_turn(thread_id, prompt) as following:
            return await following.result()

    async def thread_start(self, params: thread.ThreadStartParams | None = None) -> thread.ThreadStartResponse:
        """A new thread, which this client follows."""
        return await self._link.call("thread/start", params or thread.ThreadStartParams())

    async def thread_resume(self, params: thread.ThreadResumeParams) -> thread.ThreadResumeResponse:
        """Go on with a stored thread, or join a running one."""
        return await self._link.call("thread/resume", params)

    async def thread_fork(self, params: thread.ThreadForkParams) -> thread.ThreadForkResponse:
        """A new thread with the history of another."""
        return await self._link.call("thread/fork", params)

    async def thread_list(self, params: ThreadListParams | None = None) -> ThreadListResponse:
        """A page of the stored threads."""
        return await self._link.call("thread/list", params or ThreadListParams())

    async def thread_read(self, params: ThreadReadParams) -> ThreadReadResponse:
        """A stored thread, without loading it."""
        return await self._link.call("thread/read", params)

    async def thread_unsubscribe(self, thread_id: str) -> thread_edit.ThreadUnsubscribeResponse:
        """Be told nothing more of a thread."""
        return await self._link.call("thread/unsubscribe", thread_edit.ThreadUnsubscribeParams(thread_id=thread_id))

    async def thread_archive(self, thread_id: str) -> thread_edit.ThreadArchiveResponse:
        """Put a thread away."""
        return await self._link.call("thread/archive", thread_edit.ThreadArchiveParams(thread_id=thread_id))

    async def thread_unarchive(self, thread_id: str) -> thread_edit.ThreadUnarchiveResponse:
        """Bring it back."""
        return await self._link.call("thread/unarchive", thread_edit.ThreadUnarchiveParams(thread_id=thread_id))

    async def thread_delete(self, thread_id: str) -> thread_edit.ThreadDeleteResponse:
        """Remove a thread for ever."""
        return await self._link.call("thread/delete", thread_edit.ThreadDeleteParams(thread_id=thread_id))

    async def thread_set_name(self, thread_id: str, name: str) -> thread_edit.ThreadSetNameResponse:
        """Give a thread a name."""
        return await self._link.call("thread/name/set", thread_edit.ThreadSetNameParams(thread_id=thread_id, name=name))

    async def thread_revert(self, params: thread_edit.ThreadRevertParams) -> thread_edit.ThreadRevertResponse:
        """Go back to before a turn."""
        return await self._link.call("thread/revert", params)

    async def thread_compact(self, thread_id: str) -> thread_edit.ThreadCompactStartResponse:
        """Start a turn that replaces the history by a summary."""
        return await self._link.call("thread/compact/start", thread_edit.ThreadCompactStartParams(thread_id=thread_id))

    async def turn_start(self, params: turn.TurnStartParams) -> turn.TurnStartResponse:
        """Start a turn, or steer the running one; see `open_turn` to follow it."""
        return await self._link.call("turn/start", params)

    async def turn_steer(self, params: turn.TurnSteerParams) -> turn.TurnSteerResponse:
        """Give the running turn more input."""
        return await self._link.call("turn/steer", params)

    async def turn_interrupt(self, params: turn.TurnInterruptParams) -> turn.TurnInterruptResponse:
        """End a turn."""
        return await self._link.call("turn/interrupt", params)

    async def model_list(self, params: model.ModelListParams | None = None) -> model.ModelListResponse:
        """The models on offer."""
        return await self._link.call("model/list", params or model.ModelListParams())
