"""Blocking code as a supervised child: in a process of its own it can be killed; its supervisor starts it again."""

import logging
import signal

import trio

from actors import open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor, worker_child


async def main() -> None:
    logging.disable()
    async with open_runtime() as runtime:
        # signal.pause stands for a library call that never comes back.
        child = ChildSpec(id="library", start=worker_child(signal.pause), shutdown=0.2)
        supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child]))
        with supervisor.events.open_subscription() as events:
            ref = (await supervisor.which_children())[0].ref
            print("killed by hand:", (await ref.stop(within=0)).kind)
            async for event in events:
                print("the supervisor says:", event.kind, event.child)
                if event.kind == "restart":
                    break
        print("stopping:", (await supervisor.stop()).kind)
    print("left:", runtime.statistics().alive)


trio.run(main)
