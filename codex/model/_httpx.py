"""The bridge to httpx2, for `openai` (which speaks through it) and for proxies (which it knows).

An answer that came over our own connections is found again inside httpx2's response and read without it.
"""

import ssl
from collections.abc import AsyncIterator, Callable

import httpx2
import trio

from codex.model._wire import CONNECT_SECONDS, KEEP_ALIVE_SECONDS, MAX_IDLE_CONNECTIONS, Answer, Body, Pool, WireError

_ANSWER = "codex_answer"
_TIMEOUT = httpx2.Timeout(None, connect=CONNECT_SECONDS)
# What the pool writes itself.
_OWN_HEADERS = frozenset({"connection", "content-length"})


class PoolTransport(httpx2.AsyncBaseTransport):
    """Lets an httpx2 client send over a pool of ours. The pool is closed by its owner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Cancelling closes the connection.

        Raises:
          WireError: nothing answered.
        """
        headers = {name: value for name, value in request.headers.items() if name not in _OWN_HEADERS}
        answer = await self._pool.post(headers, request.content)
        return httpx2.Response(
            answer.status,
            headers=list(answer.headers.items()),
            stream=_BodyStream(answer.body),
            extensions={_ANSWER: answer, "reason_phrase": answer.reason.encode("latin-1")},
        )


class _BodyStream(httpx2.AsyncByteStream):
    def __init__(self, body: Body) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body

    async def aclose(self) -> None:
        await self._body.aclose()


def pool_client(pool: Pool) -> httpx2.AsyncClient:
    """An httpx2 client over our own connections."""
    return httpx2.AsyncClient(transport=PoolTransport(pool), trust_env=False, timeout=_TIMEOUT)


def proxy_client(proxy: str, tls: Callable[[], ssl.SSLContext] | None) -> httpx2.AsyncClient:
    """An httpx2 client with connections of its own, through a proxy."""
    return httpx2.AsyncClient(
        # Without TLS on the way no certificate is loaded: a context that trusts nobody is enough.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if tls is None else tls(),
        proxy=proxy,
        trust_env=False,
        timeout=_TIMEOUT,
        limits=httpx2.Limits(
            max_connections=None,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
        ),
    )


async def post(http: httpx2.AsyncClient, url: str, headers: dict[str, str], content: bytes) -> Answer:
    """Send one request through httpx2 and wait for the head of its answer. Cancelling closes the connection.

    Raises:
      WireError: nothing answered.
    """
    try:
        return answer_of(
            await http.send(http.build_request("POST", url, content=content, headers=headers), stream=True)
        )
    except httpx2.HTTPError as error:
        raise WireError(str(error) or type(error).__name__) from error


def answer_of(response: httpx2.Response) -> Answer:
    """The answer in a response, whoever made it; its body may have been read already."""
    answer = response.extensions.get(_ANSWER)
    if isinstance(answer, Answer) and not response.is_stream_consumed:
        return answer
    headers = {name.lower(): value for name, value in response.headers.items()}
    status, reason = response.status_code, response.reason_phrase
    if response.is_closed:
        return Answer(status, reason, headers, _ReadBody(response.content), is_decoded=True)
    return Answer(status, reason, headers, _ResponseBody(response))


class _ReadBody:
    """A body that was read, and decoded, before."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __aiter__(self) -> "_ReadBody":
        return self

    async def __anext__(self) -> bytes:
        content, self._content = self._content, b""
        if not content:
            raise StopAsyncIteration
        return content

    async def aclose(self) -> None:
        pass


class _ResponseBody:
    """The body of a response over connections of httpx2's own."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._chunks = aiter(response.aiter_raw())

    def __aiter__(self) -> "_ResponseBody":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise WireError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        # The chunks are a pile of async generators. Dropping them would leave their ends to the garbage collector;
        # being cancelled while they wait for bytes is what they all clean up after.
        with trio.CancelScope(shield=True) as scope:
            scope.cancel()
            try:
                async for _ in self._chunks:
                    pass
            except (httpx2.HTTPError, httpx2.StreamError):
                pass
        with trio.move_on_after(1, shield=True):
            await self._response.aclose()
