"""A first actor: it owns a table, understands three messages, and every question gets an answer."""

from functools import partial

import attrs
import trio

from actors import ActorGone, Mailbox, Reply, open_runtime


@attrs.frozen
class Store:
    key: str
    value: int


@attrs.frozen
class Lookup:
    key: str
    reply: Reply[int | None]


@attrs.frozen
class Size:
    reply: Reply[int]


async def table(mailbox: Mailbox[Store | Lookup | Size]) -> None:
    values: dict[str, int] = {}
    async for message in mailbox:
        match message:
            case Store(key=key, value=value):
                values[key] = value
            case Lookup(key=key, reply=reply):
                reply.set(values.get(key))
            case Size(reply=reply):
                reply.set(len(values))


async def main() -> None:
    async with open_runtime() as runtime:
        ref = runtime.spawn(table)
        await ref.send(Store("answer", 42))
        print("the answer is", await ref.ask(partial(Lookup, "answer")))
        print("the table holds", await ref.ask(Size), "value")
        print("it ended:", (await ref.stop()).kind)
        try:
            await ref.ask(Size)
        except ActorGone as gone:
            print("asking it now:", gone)


trio.run(main)
