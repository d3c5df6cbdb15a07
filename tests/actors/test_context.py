"""What a message is sent on behalf of goes with it."""

from __future__ import annotations

from functools import partial

import attrs
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, Ref, Reply, open_runtime, request


@attrs.frozen
class Get:
    reply: Reply[object]


async def tell(mailbox: Mailbox[Get]) -> None:
    async for message in mailbox:
        message.reply.set(request.get())


async def test_the_request_goes_along_with_asks_sends_and_spawns() -> None:
    seen: list[object] = []

    async def forward(below: Ref[Get], mailbox: Mailbox[str]) -> None:
        async for _ in mailbox:
            seen.append(await below.ask(Get))

            async def child(inner: Mailbox[object]) -> None:
                seen.append(request.get())

            mailbox.spawn(child)

    async with open_runtime() as runtime:
        ref = runtime.spawn(partial(forward, runtime.spawn(tell)))
        token = request.set("00-trace-1")
        await ref.send("traced")
        request.reset(token)
        await wait_all_tasks_blocked()
        assert seen == ["00-trace-1", "00-trace-1"]


async def test_the_next_message_does_not_inherit_it() -> None:
    async with open_runtime() as runtime:
        ref = runtime.spawn(tell)
        token = request.set("a")
        assert await ref.ask(Get) == "a"
        request.reset(token)
        assert await ref.ask(Get) is None


async def test_a_control_message_does_not_inherit_it_either() -> None:
    mailbox = Mailbox[str]("box")
    token = request.set("a")
    mailbox.ref.send_nowait("traced")
    request.reset(token)
    mailbox.receive_nowait()
    assert request.get() == "a"
    request.set(None)
    mailbox.ref.send_nowait("urgent", control=True)
    mailbox.receive_nowait()
    assert request.get() is None
