"""One client on a wire, as an actor: reads its messages, has its requests done, writes what waits for it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Never

import trio

from actors import ActorGone, Mailbox
from codex.app_server import dispatch
from codex.app_server.audience import Asked, Profile
from codex.app_server.desk import Desk
from codex.app_server.notice import Notice
from codex.app_server.outbox import Outbox
from codex.app_server.rpc import (
    INTERNAL_ERROR,
    Answered,
    Call,
    Effect,
    Noted,
    Rpc,
    RpcError,
    Run,
    Send,
    error_message,
    result_message,
)
from codex.app_server.server import Server
from codex.app_server.transports.transport import MessageTooLarge, Transport
from codex.app_server.wire import encode
from codex.base.jsontext import JsonObject, encode_bytes

_BATCH_BYTES = 262_144
_FLUSH_WITHIN = 1.0


class Connection:
    """A client on a wire. Implements `codex.app_server.audience.Client`."""

    def __init__(self, server: Server, transport: Transport, outbox: Outbox) -> None:
        self._server = server
        self._transport = transport
        self._outbox = outbox
        self._ready = trio.Event()
        self._rpc = Rpc()
        self._asked: dict[int, Asked] = {}
        self._profile: Profile | None = None
        self._leaving = False

    @property
    def profile(self) -> Profile | None:
        """What it said of itself."""
        return self._profile

    def introduce(self, profile: Profile) -> None:
        """It has said who it is, and may ask what it likes."""
        self._profile = profile
        self._rpc.greeted()

    def tell(self, notice: Notice) -> None:
        """Queue a notification."""
        if self._profile is None or notice.method in self._profile.opted_out:
            return
        if notice.is_delta:
            self._outbox.put_delta(notice)
        else:
            self._outbox.put_notification(notice.frame)
        self._ready.set()

    def ask(self, asked: Asked) -> None:
        """Queue a question."""
        self._rpc.asked(asked.id)
        self._asked[asked.id] = asked
        self._put({"method": asked.method, "id": asked.id, "params": encode(asked.params)})

    def withdraw(self, asked: Asked) -> None:
        """Take no answer to it any more."""
        self._rpc.withdrawn(asked.id)
        self._asked.pop(asked.id, None)

    async def run(self, mailbox: Mailbox[Never]) -> None:
        """Serve the client until it is gone, or reads too slowly. Stopped, its requests are given up."""
        mailbox.started()
        self._server.clients[self] = None
        writer = mailbox.spawn(self._write, name="writer", shutdown=0)
        try:
            await self._read(mailbox)
            self._leaving = True
            self._ready.set()
            with trio.move_on_after(_FLUSH_WITHIN):
                await writer.wait()
        finally:
            self._server.forget(self)
            with trio.move_on_after(_FLUSH_WITHIN, shield=True):
                await self._transport.aclose()

    async def _read(self, mailbox: Mailbox[Never]) -> None:
        while True:
            try:
                text = await self._transport.receive()
            except MessageTooLarge as fault:
                self._put(error_message(None, RpcError(f"Invalid request: {fault}")))
                continue
            if text is None or self._outbox.cut_off is not None:
                return
            self._rpc.congested = self._outbox.congested
            self._perform(mailbox, self._rpc.received(text))

    def _perform(self, mailbox: Mailbox[Never], effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Run(call=call):
                    run = partial(self._serve, call=call, connection=mailbox)
                    mailbox.spawn(run, name=call.method, shutdown=0)
                case Send(message=message):
                    self._put(message)
                case Answered(question=question):
                    self._settle(mailbox, effect, self._asked.pop(question))
                case Noted():
                    pass

    async def _serve(self, _mailbox: Mailbox[Never], *, call: Call, connection: Mailbox[Never]) -> None:
        """Have one request done and answer it. Cancelled, the client is gone."""
        desk = Desk(self, self._server)
        try:
            result = await dispatch.run(desk, call.method, call.params)
            message: JsonObject = result_message(call.id, encode(result))
        except RpcError as error:
            message = error_message(call.id, error)
        except Exception as error:  # the client must not wait for ever for what crashed here
            self._put(error_message(call.id, RpcError(f"internal error: {error!r}", INTERNAL_ERROR)))
            self._finish(connection, desk, call)
            raise
        self._put(message)
        self._finish(connection, desk, call)

    def _finish(self, connection: Mailbox[Never], desk: Desk, call: Call) -> None:
        for later in desk.later:
            later()
        try:
            self._perform(connection, self._rpc.done(call))
        except ActorGone:
            return

    def _settle(self, mailbox: Mailbox[Never], answer: Answered, asked: Asked) -> None:
        feed = self._server.feeds.get(asked.thread_id)
        if feed is not None:
            run = partial(_answer, feed=feed, asked=asked, answer=answer)
            mailbox.spawn(run, name="answer", shutdown=0)

    def _put(self, message: JsonObject) -> None:
        self._outbox.put(encode_bytes(message))
        self._ready.set()

    async def _write(self, _mailbox: Mailbox[Never]) -> None:
        """Write what waits, as much at once as is there. A client that is gone, or cut off, ends its connection."""
        while True:
            batch, size = list[bytes](), 0
            while size < _BATCH_BYTES and (frame := self._outbox.take()) is not None:
                batch.append(frame)
                size += len(frame)
            try:
                if batch:
                    await self._transport.send(batch)
                if self._outbox.cut_off is not None:
                    await self._transport.aclose(cut_off=self._outbox.cut_off.reason)
                    return
                if self._leaving and not len(self._outbox):
                    return
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                await self._transport.aclose()
                return
            if not len(self._outbox) and not self._leaving:
                self._ready = trio.Event()
                await self._ready.wait()


async def _answer(_mailbox: Mailbox[Never], *, feed: Any, asked: Asked, answer: Answered) -> None:
    await feed.answered(asked, answer.result, answer.error)
