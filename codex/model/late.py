"""A provider whose key may come later: a server starts without one, and a new login holds from the next request on."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import attrs
import trio

from codex.base.errors import UserError
from codex.ports.model import ModelClient, ModelError, ModelRequest, ResponseEvent

_CLOSE_WITHIN = 5.0


@attrs.define
class _Held:
    """A client and how many streams it has."""

    client: ModelClient
    login: object
    streams: int = 0


class LateClient:
    """Asks through the client of the login that holds now.

    Args:
      make: a client for the login of this moment; raises UserError where there is none.
      login: tells one login from another; asked before each request.
    """

    def __init__(self, make: Callable[[], ModelClient], login: Callable[[], object]) -> None:
        self._make = make
        self._login = login
        self._held: _Held | None = None
        with suppress(UserError):  # told to whoever asks before somebody has logged in
            self._held = _Held(make(), login())

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[Sequence[ResponseEvent]]]:
        """See `ports.ModelClient.stream`; without a login, a ModelError says how to get one."""
        held = await self._current()
        held.streams += 1
        try:
            async with held.client.stream(request) as events:
                yield events
        finally:
            held.streams -= 1
            if held is not self._held and held.streams == 0:
                with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                    await held.client.aclose()

    async def aclose(self) -> None:
        """Close all connections. Cancelling leaves none open either."""
        held, self._held = self._held, None
        if held is not None:
            await _close(held.client)

    async def _current(self) -> _Held:
        login, before = self._login(), self._held
        if before is not None and before.login == login:
            return before
        try:
            self._held = now = _Held(self._make(), login)
        except UserError as error:
            raise ModelError(str(error), "unauthorized") from error
        if before is not None and before.streams == 0:
            await _close(before.client)
        return now


async def _close(client: ModelClient) -> None:
    with trio.move_on_after(_CLOSE_WITHIN, shield=True):
        await client.aclose()
