"""One turn, as a program follows it."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import attrs

from codex.app_server.api import turn as api
from codex.app_server.api.item import AgentMessageItem, ThreadItem
from codex.app_server.api.item_events import ItemCompletedNotification
from codex.app_server.api.thread_events import ThreadTokenUsage, ThreadTokenUsageUpdatedNotification
from codex.app_server.api.turn import TurnCompletedNotification
from codex.app_server.api.user_input import TextUserInput, UserInput
from codex.app_server.client._subscriptions import Subscription
from codex.app_server.client.messages import Notification


@attrs.frozen
class TurnResult:
    """How a turn ended, and what came of it."""

    turn: api.Turn
    items: Sequence[ThreadItem]
    usage: ThreadTokenUsage | None = None

    @property
    def final_response(self) -> str | None:
        """The agent's last message: that of its final answer, or else the last one without a phase."""
        messages = [item for item in self.items if isinstance(item, AgentMessageItem)]
        for phase in ("final_answer", None):
            for message in reversed(messages):
                if message.phase == phase:
                    return message.text
        return None


class Turns(Protocol):
    """What a turn asks of its client."""

    async def turn_steer(self, params: api.TurnSteerParams) -> api.TurnSteerResponse: ...

    async def turn_interrupt(self, params: api.TurnInterruptParams) -> api.TurnInterruptResponse: ...


class Turn:
    """A turn that runs: iterate over what its thread is told, up to and including `turn/completed`."""

    def __init__(self, client: Turns, thread_id: str, started: api.Turn, subscription: Subscription) -> None:
        self._client = client
        self._subscription = subscription
        self._items: list[ThreadItem] = []
        self._usage: ThreadTokenUsage | None = None
        self.thread_id = thread_id
        self.id = started.id
        self.ended: api.Turn | None = None

    def __aiter__(self) -> AsyncIterator[Notification]:
        return self

    async def __anext__(self) -> Notification:
        """The next thing told of this turn, or of its thread without naming a turn. Cancel-safe.

        Raises:
          ConnectionLost: the server is gone; the turn may go on there.
          Lagging: too much was not read.
        """
        while self.ended is None:
            notification = await anext(self._subscription)
            if notification.turn_id not in (None, self.id):
                continue
            match notification.params:
                case ItemCompletedNotification(item=item):
                    self._items.append(item)
                case ThreadTokenUsageUpdatedNotification(token_usage=usage):
                    self._usage = usage
                case TurnCompletedNotification(turn=turn):
                    self.ended = turn
                case _:
                    pass
            return notification
        raise StopAsyncIteration

    async def result(self) -> TurnResult:
        """Read to the end. Cancel-safe: ask again.

        Raises: as iterating does.
        """
        async for _ in self:
            pass
        assert self.ended is not None
        return TurnResult(self.ended, tuple(self._items), self._usage)

    async def steer(self, prompt: str | Sequence[UserInput]) -> None:
        """Give the running turn more input. Raises: RequestFailed when it has ended."""
        await self._client.turn_steer(
            api.TurnSteerParams(thread_id=self.thread_id, expected_turn_id=self.id, input=as_input(prompt))
        )

    async def interrupt(self) -> None:
        """End it now; `turn/completed` still comes. Raises: RequestFailed when it has ended."""
        await self._client.turn_interrupt(api.TurnInterruptParams(thread_id=self.thread_id, turn_id=self.id))


def as_input(prompt: str | Sequence[UserInput]) -> tuple[UserInput, ...]:
    """A prompt as the API has it."""
    return (TextUserInput(text=prompt),) if isinstance(prompt, str) else tuple(prompt)
