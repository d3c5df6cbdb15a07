"""A client of a server in this process: the same API, and nothing is encoded; the objects themselves change hands."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio

from actors import open_runtime
from codex import CODEX_VERSION
from codex.app_server import dispatch
from codex.app_server.api.server import ClientInfo, InitializeCapabilities, InitializeParams
from codex.app_server.audience import Asked, Profile
from codex.app_server.client._subscriptions import Subscriptions
from codex.app_server.client.client import Client
from codex.app_server.client.messages import Notification, Question, RequestFailed
from codex.app_server.client.remote import OnQuestion
from codex.app_server.desk import Desk
from codex.app_server.notice import Notice
from codex.app_server.rpc import RpcError
from codex.app_server.server import ConfigSource, Server
from codex.app_server.wire import encode
from codex.base.errors import CodexError
from codex.base.jsontext import JsonObject
from codex.engine import Codex


@asynccontextmanager
async def open_in_process(
    server: Server,
    *,
    name: str = "codex_actors_client",
    version: str = CODEX_VERSION,
    on_question: OnQuestion | None = None,
    opted_out: tuple[str, ...] = (),
) -> AsyncGenerator[Client, None]:
    """A client of this server; leaving the block ends it, and its threads go on.

    Args:
      on_question: see `open_client`.
      opted_out: methods of notifications that are not wanted.
    """
    capabilities = InitializeCapabilities(experimental_api=True, opt_out_notification_methods=opted_out or None)
    greeting = InitializeParams(client_info=ClientInfo(name=name, version=version), capabilities=capabilities)
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        link = _InProcess(server, on_question, nursery)
        server.clients[link] = None
        try:
            yield Client(link, await link.call("initialize", greeting))
        except Exception as error:  # Raised again outside of the nursery, where it is no group.
            raised = error
        finally:
            server.forget(link)
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


@asynccontextmanager
async def open_client_of(
    codex: Codex, configs: ConfigSource, environ: Mapping[str, str], **options: Any
) -> AsyncGenerator[Client, None]:
    """A server for an engine that is there already, and its one client; leaving the block ends both, and no thread.

    Args:
      options: of `open_in_process`.
    """
    async with open_runtime(name="app-server") as runtime:
        server = Server(codex, configs, runtime, environ)
        await server.wait_ready()
        async with open_in_process(server, **options) as client:
            yield client


class _InProcess:
    """Implements `client.Link` for the program, and `audience.Client` for the server."""

    def __init__(self, server: Server, on_question: OnQuestion | None, nursery: trio.Nursery) -> None:
        self.subscriptions = Subscriptions()
        self._server = server
        self._on_question = on_question
        self._nursery = nursery
        self._profile: Profile | None = None
        self._questions: dict[int, trio.CancelScope] = {}

    @property
    def profile(self) -> Profile | None:
        """What it said of itself."""
        return self._profile

    def introduce(self, profile: Profile) -> None:
        """It has said who it is."""
        self._profile = profile

    async def call(self, method: str, params: Any) -> Any:
        """See `Link`. Cancelled as the handler is, which `codex.app_server.processors` has."""
        desk = Desk(self, self._server)
        try:
            return await dispatch.perform(desk, method, params)
        except RpcError as error:
            raise RequestFailed(method, error.code, error.message, error.data) from error
        finally:
            for later in desk.later:
                later()

    def tell(self, notice: Notice) -> None:
        """Hand a notification over."""
        if self._profile is not None and notice.method not in self._profile.opted_out:
            self.subscriptions.put(Notification(notice.method, notice.params, notice.emitted_at_ms))

    def ask(self, asked: Asked) -> None:
        """Have a question answered, in a task of its own."""
        scope = self._questions[asked.id] = trio.CancelScope()
        self._nursery.start_soon(self._answer, asked, scope)

    def withdraw(self, asked: Asked) -> None:
        """Somebody else was faster."""
        scope = self._questions.pop(asked.id, None)
        if scope is not None:
            scope.cancel()

    async def _answer(self, asked: Asked, scope: trio.CancelScope) -> None:
        with scope:
            error: JsonObject | None = None
            result: JsonObject | None = None
            try:
                if self._on_question is None:
                    raise CodexError(f"{asked.method}: this client answers no questions")
                result = encode(await self._on_question(Question(asked.id, asked.method, asked.params)))
            except CodexError as failure:
                error = {"message": str(failure)}
            feed = self._server.feeds.get(asked.thread_id)
            if feed is not None and self._questions.pop(asked.id, None) is not None:
                await feed.answered(asked, result, error)
