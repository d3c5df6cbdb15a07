"""One request and its answer: sending with the client's own retries, then the body, event by event."""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import trio

from codex.config.schema import ProviderInfo
from codex.model import failures
from codex.model._wire import Answer, WireError
from codex.model.provider import Endpoint
from codex.model.retry import may_resend, request_delay
from codex.model.sse import EventSplitter, EventTooLarge
from codex.model.stream import StreamDecoder
from codex.ports.model import ModelError, ResponseEvent

if TYPE_CHECKING:
    from codex.model._decode import Unpacker

# After the last event the server only ends the body; then the connection can be used again.
_DRAIN_SECONDS = 0.1
_MAX_ERROR_BODY = 1_000_000


class Exchange:
    """`async with` sends; iterating gives the events in batches; leaving the block closes the response.

    Cancel-safe everywhere: the connection is closed at once, so the server sees it.
    """

    def __init__(
        self,
        send: Callable[[], Awaitable[Answer]],
        decoder: StreamDecoder,
        provider: ProviderInfo,
        endpoint: Endpoint,
        *,
        model: str,
        endless: bool,
    ) -> None:
        self._send = send
        self._decoder = decoder
        self._provider = provider
        self._endpoint = endpoint
        self._model = model
        self._endless = endless
        self._splitter = EventSplitter()
        self._idle = provider.stream_idle_timeout_ms / 1000
        self._header_seconds = provider.response_header_timeout_ms / 1000
        self._answer: Answer | None = None
        self._unpacker: Unpacker | None = None

    async def __aenter__(self) -> "Exchange":
        attempts = 0
        while True:
            try:
                self._answer = await self._attempt()
            except ModelError as error:
                if not may_resend(error, attempts, self._provider.request_max_retries) or (
                    self._endless and error.kind == "connection_failed"
                ):
                    raise
                attempts += 1
                await trio.sleep(request_delay(attempts, error, random.random()))
            else:
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with trio.move_on_after(1, shield=True):
            await self._close(can_drain=kind is None)

    def __aiter__(self) -> "Exchange":
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        decoder = self._decoder
        if decoder.failure is not None:
            raise decoder.failure
        if decoder.finished:
            raise StopAsyncIteration
        events = await self._next_batch()
        if events:
            return events
        if decoder.failure is not None:
            raise decoder.failure
        raise StopAsyncIteration

    async def _next_batch(self) -> list[ResponseEvent]:
        """The next events; empty at the end, with `failure` set where that is no good end."""
        assert self._answer is not None, "iterated outside its block"
        decoder, splitter, unpacker = self._decoder, self._splitter, self._unpacker
        with trio.move_on_after(self._idle) as scope:
            try:
                async for data in self._answer.body:
                    objects = splitter.feed(data if unpacker is None else unpacker.feed(data))
                    if not objects:
                        continue
                    events = decoder.feed(objects)
                    if events or decoder.failure is not None or decoder.finished:
                        return events
                    # Something came, only nothing that anybody wants to see.
                    scope.deadline = trio.current_time() + self._idle
            except WireError:
                # A chat server may have said all there is.
                events = decoder.finish()
                if not decoder.finished:
                    decoder.fail(failures.stream_failure(failures.NETWORK_CUT))
                return events
            except (EventTooLarge, ValueError) as error:
                decoder.fail(failures.stream_failure(str(error), retryable=False))
                return []
            return decoder.feed(splitter.finish()) or decoder.finish()
        decoder.fail(failures.stream_failure(failures.IDLE))
        return []

    async def _attempt(self) -> Answer:
        """One try to get an answer with status 2xx.

        Raises:
          ModelError: what went wrong.
        """
        try:
            with trio.fail_after(self._header_seconds):
                answer = await self._send()
                is_good = 200 <= answer.status < 300
                if is_good and not _is_page(answer):
                    self._unpacker = await self._unpacker_for(answer)
                    return answer
                body = await _whole_body(answer)
        except trio.TooSlowError:
            raise failures.late_headers(self._header_seconds) from None
        except WireError as error:
            raise failures.failure_of_connection(error, self._endpoint, endless=self._endless) from error
        if is_good:
            raise failures.no_event_stream(answer.headers.get("content-type", ""), body, self._endpoint)
        raise failures.failure_of_status(
            answer.status, answer.headers, body, self._endpoint, model=self._model, now=time.time()
        )

    async def _unpacker_for(self, answer: Answer) -> "Unpacker | None":
        try:
            return _unpacker(answer)
        except ValueError:
            await answer.body.aclose()
            raise failures.unknown_encoding(answer.headers["content-encoding"], self._endpoint) from None

    async def _close(self, *, can_drain: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            return
        try:
            if can_drain and self._decoder.finished:
                with trio.move_on_after(_DRAIN_SECONDS):
                    async for _ in answer.body:
                        pass
        except WireError:
            pass  # the events are all here: how the body ends does not matter any more
        finally:
            with trio.move_on_after(1, shield=True):
                await answer.body.aclose()


def _unpacker(answer: Answer) -> "Unpacker | None":
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    from codex.model._decode import Unpacker

    return Unpacker(encoding)


def _is_page(answer: Answer) -> bool:
    """A 2xx answer that is a document instead of a stream of events."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/json", "text/html")


async def _whole_body(answer: Answer) -> bytes:
    """The body of a refused request, as much of it as is worth reading."""
    body = bytearray()
    try:
        unpacker = None if answer.is_decoded else _unpacker(answer)
        async for data in answer.body:
            body += data if unpacker is None else unpacker.feed(data)
            if len(body) >= _MAX_ERROR_BODY:
                break
    except ValueError:
        pass  # packed in a way we cannot undo: the status alone must do
    finally:
        with trio.move_on_after(1, shield=True):
            await answer.body.aclose()
    return bytes(body)
