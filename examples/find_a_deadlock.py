"""Two actors that ask each other: the ask that would wait for ever is refused and names the circle."""

from functools import partial

import attrs
import trio

from actors import AskCycle, Mailbox, Ref, Reply, open_runtime


@attrs.frozen
class Opinion:
    reply: Reply[str]


async def hesitant(others: dict[str, Ref[Opinion]], other: str, mailbox: Mailbox[Opinion]) -> None:
    async for message in mailbox:
        try:
            message.reply.set(await others[other].ask(Opinion))
        except AskCycle as cycle:
            print(cycle)
            message.reply.set(f"{mailbox.name} decides alone")


async def main() -> None:
    async with open_runtime(name="town") as runtime:
        refs: dict[str, Ref[Opinion]] = {}
        for name, other in (("alice", "bob"), ("bob", "alice")):
            refs[name] = runtime.spawn(partial(hesitant, refs, other), name=name)
        print("alice says:", await refs["alice"].ask(Opinion))


trio.run(main)
