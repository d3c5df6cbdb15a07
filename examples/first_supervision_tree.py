"""A first supervision tree: break a child and watch it come back; break it too often and watch who gives up."""

import logging
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor


async def worker(mailbox: Mailbox[Any]) -> None:
    print(f"  {mailbox.name} starts")
    async for message in mailbox:
        if message == "break":
            raise ValueError("broken")
    print(f"  {mailbox.name} stops")


TREE = SupervisorSpec(
    strategy="rest_for_one",  # the reader uses the writer: when the writer breaks, the reader starts anew, too
    children=[ChildSpec(id="writer", start=worker), ChildSpec(id="reader", start=worker)],
    max_restarts=1,
)


async def main() -> None:
    logging.disable()
    async with open_runtime(name="app") as runtime:
        supervisor = await start_supervisor(runtime, TREE, name="storage")
        writer, reader = [child.ref for child in await supervisor.which_children()]
        print("the reader breaks:")
        await reader.send("break")
        await wait_all_tasks_blocked()
        print("the refs are the same:", [child.ref for child in await supervisor.which_children()] == [writer, reader])
        print("the writer breaks within five seconds, which is once too often:")
        await writer.send("break")
        print("the supervisor gave up:", (await supervisor.wait()).reason)


trio.run(main)
