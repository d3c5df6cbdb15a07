"""The scripted model over loopback HTTP, so that any client of the Responses or the chat API can be tested against it.

POST …/responses          the turn as Responses events        GET …/models    what the script says it serves
POST …/chat/completions   the same turn as chat chunks
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import trio

from codex.base.jsontext import Json, JsonObject, decode_object, encode_bytes
from codex.model.scripted._http import BadHttp, ClientGone, Connection, HttpRequest, chunk, response_head
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted._sse import ChatDialect, Dialect, ResponsesDialect
from codex.model.scripted.events import Answered, BreakOff, Deltas, Pause, Raw, Step, Wire, steps
from codex.model.scripted.player import Answer, Player, Refuse, Reset, Stream
from codex.model.scripted.script import Script

_EVENTS_PER_SLICE = 4096
_RECEIVE_HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache", "transfer-encoding": "chunked"}
_JSON = {"content-type": "application/json"}


class RequestLog(Protocol):
    """Where the server tells what it was asked and what it answered."""

    def write(self, entry: Mapping[str, Json]) -> None:
        """Keep the entry."""
        ...


class FileLog:
    """A log of one JSON object a line: `request` lines when they came, `response` lines when they were answered.

    Args:
      bodies: whether request lines hold the request's body.
    """

    def __init__(self, path: str | Path, *, bodies: bool = True) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._bodies = bodies

    def write(self, entry: Mapping[str, Json]) -> None:
        """Append the entry, visible to readers at once."""
        kept = entry if self._bodies else {key: value for key, value in entry.items() if key != "body"}
        os.write(self._fd, encode_bytes(kept) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


async def serve(
    script: Script,
    *,
    port: int,
    host: str = "127.0.0.1",
    log: RequestLog | None = None,
    environ: Mapping[str, str] | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the script until cancelled; port 0 takes a free one. Started with the base URL, which ends in `/v1`.

    Cancelling closes the listener and all connections.

    Raises:
      OSError: the port cannot be had.
    """
    server = _Server(Player(script, os.environ if environ is None else environ), log)
    listeners = await trio.open_tcp_listeners(port, host=host)
    name, number = listeners[0].socket.getsockname()[:2]
    task_status.started(f"http://{f'[{name}]' if ':' in name else name}:{number}/v1")
    await trio.serve_listeners(server.connection, listeners)


class _Server:
    """What all connections share: the player, the log, the count of requests."""

    def __init__(self, player: Player, log: RequestLog | None) -> None:
        self._player = player
        self._log = log
        self._count = 0

    async def connection(self, stream: trio.SocketStream) -> None:
        """Answer the requests of one connection until it ends."""
        connection = Connection(stream)
        try:
            while (request := await connection.next_request()) is not None:
                self._count += 1
                if not await self._answer(connection, request, self._count) or not request.keep_alive:
                    return
        except BadHttp as err:
            await _send_json(connection, err.status, _error(err.message), {"connection": "close"})
        except ClientGone:
            return

    async def _answer(self, connection: Connection, request: HttpRequest, number: int) -> bool:
        """Answer one request; whether the connection can be used for more."""
        wall = time.time() - (time.monotonic() - request.arrived)
        entry: JsonObject = {"request": number, "arrived": request.arrived, "arrived_at": wall}
        entry |= {"method": request.method, "target": request.target, "headers": {**request.headers}}
        body = _body_of(request)
        self._write({**entry, "body": body})
        told: JsonObject = {"response": number, "outcome": "client gone"}
        try:
            told["outcome"] = await self._route(connection, request, body, told)
        finally:
            self._write({**told, "ended": time.monotonic()})
        return told["outcome"] != "cut"

    def _write(self, entry: JsonObject) -> None:
        if self._log is not None:
            self._log.write(entry)

    async def _route(
        self, connection: Connection, request: HttpRequest, body: JsonObject | None, told: JsonObject
    ) -> str:
        path = request.path.rstrip("/")
        if request.method == "GET" and path.endswith("/models"):
            return await _send_json(connection, 200, _models(self._player.script))
        chat = path.endswith("/chat/completions")
        if not chat and not path.endswith("/responses"):
            known = "POST /v1/responses, POST /v1/chat/completions, GET /v1/models"
            return await _send_json(connection, 404, _error(f"nothing at {request.path!r}; there is {known}"))
        if request.method != "POST":
            return await _send_json(connection, 405, _error(f"{request.method} {path}: only POST"), {"allow": "POST"})
        if body is None:
            return await _send_json(connection, 400, _error("the request's body is not a JSON object"))
        asked = ScriptedRequest(body, request.headers, size=len(request.body))
        told |= {"thread": asked.thread_key, "agent": asked.agent}
        answer = Stream(Answered((), asked.model, asked.size), "-")
        # A prewarm asks for nothing and uses up nothing.
        if body.get("generate") is not False:
            answer = self._player.answer(asked)
        told["turn"] = answer.label
        dialect = _dialect(body, asked.model) if chat else ResponsesDialect()
        return await _perform(connection, answer, dialect, stream=body.get("stream") is True)


def _dialect(body: JsonObject, model: str) -> Dialect:
    options = body.get("stream_options")
    return ChatDialect(model, include_usage=isinstance(options, dict) and options.get("include_usage") is True)


async def _perform(connection: Connection, answer: Answer, dialect: Dialect, *, stream: bool) -> str:
    """Send the answer; the outcome for the log."""
    if answer.delay:
        await connection.pause(answer.delay)
    match answer:
        case Reset():
            await connection.reset()
            return "cut"
        case Refuse():
            head = response_head(
                answer.status, _JSON | {"content-length": str(len(answer.body))} | dict(answer.headers)
            )
            await connection.send(head + answer.body)
            return str(answer.status)
        case Stream() if stream:
            return await _stream(connection, steps(answer.answered), dialect)
        case Stream():
            return await _whole(connection, answer, dialect)


async def _stream(connection: Connection, told: Iterable[Step], dialect: Dialect) -> str:
    await connection.send(response_head(200, _RECEIVE_HEADERS))
    outcome = "sent"
    for step in told:
        match step:
            case Wire():
                if data := dialect.event(step.event):
                    await connection.send(chunk(data))
            case Deltas():
                await _send_run(connection, step, dialect)
            case Pause():
                await connection.pause(step.seconds)
            case Raw():
                await connection.send(chunk(step.data))
            case BreakOff(how="cut"):
                await connection.reset()
                return "cut"
            case BreakOff():
                outcome = "eof"
    await connection.send(b"0\r\n\r\n")
    return outcome


async def _send_run(connection: Connection, run: Deltas, dialect: Dialect) -> None:
    """Send a run of deltas; without pauses it is encoded ahead, so that sending is all the client waits for."""
    if run.delay:
        began = trio.current_time()
        for number, data in enumerate(dialect.run(run), start=1):
            await connection.pause(began + number * run.delay - trio.current_time())
            await connection.send(chunk(data))
        return
    events = dialect.run(run)
    while batch := list(islice(_writes(events, run.per_write), _EVENTS_PER_SLICE)):
        for data in batch:
            await connection.send(data)


def _writes(events: Iterator[bytes], per_write: int) -> Iterator[bytes]:
    while data := b"".join(islice(events, per_write)):
        yield chunk(data)


async def _whole(connection: Connection, answer: Stream, dialect: Dialect) -> str:
    """Answer a request without `stream`: all pauses first, then one JSON text."""
    events: list[JsonObject] = []
    for step in steps(answer.answered):
        match step:
            case Wire():
                events.append(step.event)
            case Deltas():
                if step.delay:
                    await connection.pause(step.delay * len(step.deltas))
            case Pause():
                await connection.pause(step.seconds)
            case BreakOff():
                await connection.reset()
                return "cut"
            case Raw():
                pass
    return await _send_json(connection, 200, dialect.whole(events))


async def _send_json(connection: Connection, status: int, value: Json, headers: Mapping[str, str] | None = None) -> str:
    body = encode_bytes(value)
    head = response_head(status, _JSON | {"content-length": str(len(body))} | dict(headers or {}))
    await connection.send(head + body)
    return str(status)


def _error(message: str) -> JsonObject:
    return {"error": {"message": message, "type": "invalid_request_error", "code": None}}


def _models(script: Script) -> JsonObject:
    listed = [{"id": model.get("id", model.get("slug")), "object": "model"} for model in script.models]
    data: list[Json] = [*listed] or [{"id": "scripted", "object": "model"}]
    full: list[Json] = [model for model in script.models if "slug" in model]
    return {"object": "list", "data": data, "models": full}


def _body_of(request: HttpRequest) -> JsonObject | None:
    try:
        return decode_object(request.body)
    except ValueError:
        return None


def run_model_server(argv: list[str]) -> int:
    """`codex debug model-server --script FILE [--port N] [--host H] [--log FILE [--no-log-bodies]]`.

    Prints one line with the URL when it listens; Ctrl-C ends it.

    Raises:
      ScriptError: the script cannot be used.
    """
    from argparse import ArgumentParser

    from codex.base.errors import UserError
    from codex.model.scripted._load import load_script

    parser = ArgumentParser(prog="codex debug model-server", description="Serve a model script over loopback HTTP.")
    parser.add_argument("--script", required=True, metavar="FILE", help="the script, JSON or TOML")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0, the default, takes a free one")
    parser.add_argument("--host", default="127.0.0.1", metavar="H")
    parser.add_argument("--log", metavar="FILE", help="append what was asked and answered, one JSON object a line")
    parser.add_argument("--no-log-bodies", action="store_true", help="leave the requests' bodies out of the log")
    options = parser.parse_args(argv)
    script = load_script(options.script)
    try:
        log = FileLog(options.log, bodies=not options.no_log_bodies) if options.log else None
    except OSError as err:
        raise UserError(f"--log {options.log!r} cannot be written: {err.strerror}") from err
    try:
        trio.run(partial(_announce_and_serve, script, options.host, options.port, log))
    except* KeyboardInterrupt:
        pass
    except* OSError as err:
        reason = err.exceptions[0]
        raise UserError(f"cannot listen on {options.host}:{options.port}: {reason}; try another --port") from err
    finally:
        if log is not None:
            log.close()
    return 0


async def _announce_and_serve(script: Script, host: str, port: int, log: RequestLog | None) -> None:
    """Serve, and print the URL once it can be asked. Cancelling ends it."""

    class _Announce:
        def started(self, value: str | None = None) -> None:
            print(f"listening on {value}", flush=True)

    await serve(script, port=port, host=host, log=log, task_status=_Announce())
