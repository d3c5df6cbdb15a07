"""The scripted model in this process: the same turns as over HTTP, without a socket, in Trio's own time."""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType

import trio

from codex.base.jsontext import JsonObject
from codex.model._body import BodyEncoder
from codex.model.failures import IDLE, NETWORK_CUT, failure_of_connection, failure_of_status, stream_failure
from codex.model.provider import Endpoint
from codex.model.retry import may_resend, request_delay
from codex.model.scripted._load import load_script
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted._select import MARKER_OPEN
from codex.model.scripted.events import BreakOff, Deltas, Pause, Raw, Step, Wire, steps
from codex.model.scripted.player import Answer, Player, Refuse, Reset, Stream
from codex.model.scripted.script import Script
from codex.model.stream import ResponsesDecoder
from codex.ports.model import ModelError, ModelRequest, ResponseEvent

# The middle of the table of delays: the same request waits the same time in every run.
_JITTER = 0.5


class ScriptedClient:
    """A `codex.ports.model.ModelClient` that plays a script; errors and cuts are those that HTTP would give.

    Delays pass in Trio's time, so a test's clock can leap over them.

    Args:
      script: a loaded script, or its file.
      environ: what `${env:NAME}` sees; this process's own where not given.
      idle_timeout: seconds of silence after which a stream is given up.
      request_max_retries: how often a request that got no answer goes out again; each uses up a turn.
      observe: called with every request before it is answered.

    Raises:
      ScriptError: the script cannot be used.
    """

    def __init__(
        self,
        script: Script | str | Path,
        *,
        environ: Mapping[str, str] | None = None,
        idle_timeout: float = 300.0,
        request_max_retries: int = 4,
        observe: Callable[[ModelRequest], None] | None = None,
    ) -> None:
        loaded = script if isinstance(script, Script) else load_script(script)
        self._player = Player(loaded, os.environ if environ is None else environ)
        where = f"scripted:{loaded.source}"
        self._endpoint = Endpoint("scripted", where, where, "scripted", {}, "the script answers so")
        self._encoder = BodyEncoder()
        self._idle_timeout = idle_timeout
        self._request_max_retries = request_max_retries
        self._observe = observe

    def stream(self, request: ModelRequest) -> "_ResponseStream":
        """Ask once; see `codex.ports.model.ModelClient.stream`."""
        return _ResponseStream(self, request)

    async def aclose(self) -> None:
        """Nothing is open; a checkpoint as in any client. Cancel-safe."""
        await trio.lowlevel.checkpoint()

    @property
    def idle_timeout(self) -> float:
        """Seconds of silence after which a stream is given up."""
        return self._idle_timeout

    async def open(self, request: ModelRequest) -> Stream:
        """The turn that answers, after the request's silent retries and the turn's delay. Cancel-safe.

        Raises:
          ModelError: the script answers with an error or a reset.
        """
        if self._observe is not None:
            self._observe(request)
        # A long conversation is not looked through anew for each request: only what is new of it is encoded.
        content = self._encoder.encode(request.headers.get("thread-id", ""), request.body)
        marked = MARKER_OPEN.encode() in content
        asked = ScriptedRequest(request.body, request.headers, size=len(content), may_have_markers=marked)
        attempts = 0
        while True:
            answer = self._player.answer(asked)
            await trio.sleep(answer.delay)
            if isinstance(answer, Stream):
                return answer
            error = self._failure(answer, request)
            if not may_resend(error, attempts, self._request_max_retries):
                raise error
            attempts += 1
            await trio.sleep(request_delay(attempts, error, _JITTER))

    def _failure(self, answer: Answer, request: ModelRequest) -> ModelError:
        match answer:
            case Refuse():
                headers = {name.lower(): value for name, value in answer.headers.items()}
                model = str(request.body.get("model", ""))
                return failure_of_status(
                    answer.status, headers, answer.body, self._endpoint, model=model, now=time.time()
                )
            case Reset() | Stream():
                return failure_of_connection(ConnectionResetError("Connection reset by peer"), self._endpoint)


class _ResponseStream:
    """One answer: an async context manager and the iterator of its batches in one."""

    def __init__(self, client: ScriptedClient, request: ModelRequest) -> None:
        self._client = client
        self._request = request
        self._decoder = ResponsesDecoder()
        self._steps: Iterator[Step] = iter(())
        self._batches: Iterator[tuple[float, list[JsonObject]]] = iter(())
        self._due = 0.0

    async def __aenter__(self) -> AsyncIterator[Sequence[ResponseEvent]]:
        opened = await self._client.open(self._request)
        self._batches = _batches(steps(opened.answered))
        self._due = trio.current_time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._batches = iter(())

    def __aiter__(self) -> AsyncIterator[Sequence[ResponseEvent]]:
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        while True:
            if self._decoder.failure is not None:
                raise self._decoder.failure
            if self._decoder.finished:
                raise StopAsyncIteration
            try:
                pause, events = next(self._batches)
            except _Cut:
                raise stream_failure(NETWORK_CUT) from None
            except StopIteration:
                if decoded := self._decoder.finish():
                    return decoded
                continue
            if pause > self._client.idle_timeout:
                await trio.sleep(self._client.idle_timeout)
                raise stream_failure(IDLE)
            self._due += pause  # a reader that is late does not slow the model down
            await trio.sleep_until(self._due)
            if decoded := self._decoder.feed(events):
                return decoded


class _Cut(Exception):
    """The script resets the connection here."""


def _batches(told: Iterator[Step]) -> Iterator[tuple[float, list[JsonObject]]]:
    """Events that arrive together, each batch with the pause before it."""
    waiting: list[JsonObject] = []
    pause = 0.0
    for step in told:
        match step:
            case Wire():
                waiting.append(step.event)
                continue
            case Raw():
                waiting.extend(_events_in(step.data))
                continue
            case Pause() | Deltas() | BreakOff():
                if waiting:
                    yield pause, waiting
                    waiting, pause = [], 0.0
        match step:
            case Pause():
                pause += step.seconds
            case Deltas():
                events = step.events()
                while batch := list(islice(events, 1 if step.delay else step.per_write)):
                    yield step.delay, batch
            case BreakOff(how="cut"):
                raise _Cut
            case BreakOff():
                break
    if waiting or pause:
        yield pause, waiting


def _events_in(data: bytes) -> list[JsonObject]:
    from codex.model.sse import EventSplitter

    splitter = EventSplitter()
    return [*splitter.feed(data), *splitter.finish()]
