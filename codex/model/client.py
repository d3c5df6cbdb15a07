"""The door to a provider: `open_model_client` gives what stands behind `ports.ModelClient`.

Requests leave over our own connections until `openai` is loaded, then through it, over the same connections with the
same bytes: its import takes longer than the whole start, so it waits for a quiet moment.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from codex.base.errors import UserError
from codex.base.jsontext import JsonObject, get_list, get_str
from codex.config.schema import Config, ProviderInfo
from codex.model._body import BodyEncoder
from codex.model._exchange import Exchange
from codex.model._openai import OpenAILoader, OpenAISender
from codex.model._wire import Answer, Pool
from codex.model.credentials import Credentials
from codex.model.provider import Endpoint, endpoint_of, provider_of
from codex.model.stream import ResponsesDecoder, StreamDecoder
from codex.ports.model import ModelClient, ModelRequest, ResponseEvent

if TYPE_CHECKING:
    import ssl

    import httpx2


@asynccontextmanager
async def open_model_client(
    config: Config, *, environ: Mapping[str, str], late_login: bool = False
) -> AsyncGenerator[ModelClient]:
    """A connection to the configured provider; leaving the block closes it. Cancel-safe.

    Args:
      environ: the process environment: keys, addresses, proxies and certificates are looked up in it.
      late_login: somebody may log in later, or anew; until then a request is what lacks the key.

    Raises:
      UserError: the provider is unknown or lacks something (a key, a URL, a script).
    """
    provider = provider_of(config, environ)
    client: ModelClient
    if provider.wire_api == "scripted":
        client = _scripted(provider, environ)
    elif late_login and provider.requires_openai_auth and provider.env_key is None:
        from codex.model.auth import login_stamp
        from codex.model.late import LateClient

        client = LateClient(partial(http_client, config, provider, environ), partial(login_stamp, config.codex_home))
    else:
        client = http_client(config, provider, environ)
    try:
        yield client
    finally:
        with trio.move_on_after(5, shield=True):
            await client.aclose()


def http_client(config: Config, provider: ProviderInfo, environ: Mapping[str, str]) -> "HttpModelClient":
    """A client that speaks HTTP with this provider; the caller closes it."""
    credentials = Credentials()
    if provider.requires_openai_auth and provider.env_key is None:
        from codex.model.auth import load_credentials

        credentials = load_credentials(config.codex_home, environ, now=time.time())
    endpoint = endpoint_of(provider, environ, credentials)
    endless = config.features.get("unbounded_connection_retries", False)
    return HttpModelClient(endpoint, provider, TlsContext(environ) if endpoint.is_https else None, endless=endless)


def _scripted(provider: ProviderInfo, environ: Mapping[str, str]) -> ModelClient:
    if not provider.script:
        raise UserError(
            f"model_providers.{provider.id}.script is missing: name the script file of the scripted model "
            "(or see one at work: `codex demo`)"
        )
    from codex.model.scripted import ScriptedClient

    return ScriptedClient(
        provider.script,
        environ=environ,
        idle_timeout=provider.stream_idle_timeout_ms / 1000,
        request_max_retries=provider.request_max_retries,
    )


class TlsContext:
    """Loads the trusted certificates in a thread from its creation on: that takes 25 ms without the interpreter."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        import threading

        self._environ = environ
        self._context: ssl.SSLContext | None = None
        self._error: UserError | None = None
        self._thread = threading.Thread(target=self._load, name="load certificates")
        try:
            self._thread.start()
        except RuntimeError:  # a system without room for a thread
            self._load()

    def get(self) -> "ssl.SSLContext":
        """The context; waits for the thread when it is not done.

        Raises:
          UserError: a certificate file named in the environment cannot be used.
        """
        if self._thread.is_alive():
            self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._context is not None, "the thread ended with neither result"
        return self._context

    def _load(self) -> None:
        from codex.model._tls import tls_context

        try:
            self._context = tls_context(self._environ)
        except UserError as error:
            self._error = error


class HttpModelClient:
    """Speaks to one provider over pooled HTTP/1.1 connections."""

    def __init__(
        self, endpoint: Endpoint, provider: ProviderInfo, tls: TlsContext | None, *, endless: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._provider = provider
        self._tls = None if tls is None else tls.get
        self._endless = endless
        self._loader = OpenAILoader()
        self._encoder = BodyEncoder()
        self._pool = Pool(endpoint.url, self._tls)
        self._http: httpx2.AsyncClient | None = None
        self._sender: OpenAISender | None = None
        self._sent = 0

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[Sequence[ResponseEvent]]]:
        """See `ports.ModelClient.stream`."""
        body, decoder = self._wire(request)
        content = self._encoder.encode(request.headers.get("thread-id", ""), body)
        headers = self._headers(request)

        async def send() -> Answer:
            return await self._send(headers, content)

        model = get_str(body, "model")
        self._loader.began()
        try:
            exchange = Exchange(send, decoder, self._provider, self._endpoint, model=model, endless=self._endless)
            async with exchange as events:
                yield events
        finally:
            self._loader.ended()

    async def aclose(self) -> None:
        """Close all connections. Cancelling leaves none open either."""
        http, self._http, self._sender = self._http, None, None
        with trio.move_on_after(3, shield=True):
            await self._pool.aclose()
            if http is not None:
                await http.aclose()
            await self._loader.aclose()

    def _wire(self, request: ModelRequest) -> tuple[JsonObject, StreamDecoder]:
        """The body in the provider's tongue, and what reads its answer."""
        if self._endpoint.wire_api == "chat":
            from codex.model.chat import call_ids, chat_body
            from codex.model.chat_stream import ChatDecoder
            from codex.model.plain_tools import PlainTools

            tools = PlainTools(get_list(request.body, "tools"))
            return chat_body(request.body, tools), ChatDecoder(tools, call_ids(request.body))
        if self._endpoint.local == "ollama":
            from codex.model.ollama import OllamaDecoder, ollama_body
            from codex.model.plain_tools import PlainTools

            tools = PlainTools(get_list(request.body, "tools"))
            return ollama_body(request.body, tools), OllamaDecoder(tools)
        return request.body, ResponsesDecoder()

    def _headers(self, request: ModelRequest) -> dict[str, str]:
        return {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "content-type": "application/json",
            **request.headers,
            **self._endpoint.headers,
        }

    async def _send(self, headers: dict[str, str], content: bytes) -> Answer:
        self._sent += 1
        if self._sent == 1 or not self._loader.is_done():
            self._loader.sent()
            try:
                return await self._send_directly(headers, content)
            finally:
                self._loader.answered()
        if self._sender is None:
            self._sender = OpenAISender(self._endpoint, self._httpx_client())
        return await self._sender.send(headers, content)

    async def _send_directly(self, headers: dict[str, str], content: bytes) -> Answer:
        if self._endpoint.proxy is None:
            return await self._pool.post(headers, content)
        from codex.model._httpx import post

        return await post(self._httpx_client(), self._endpoint.url, headers, content)

    def _httpx_client(self) -> "httpx2.AsyncClient":
        from codex.model._httpx import pool_client, proxy_client

        if self._http is None:
            proxy = self._endpoint.proxy
            self._http = pool_client(self._pool) if proxy is None else proxy_client(proxy, self._tls)
        return self._http
