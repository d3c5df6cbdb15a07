"""A worker process: an engine for exactly one thread, whose parent is in another process.

`python -m codex.engine.worker SOCKET PARENT`, started by `codex.placement.local`. It ends with the process that
started it, however that ends; what it has started ends with it.
"""

import fcntl
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from functools import partial

import attrs
import trio

from actors import open_runtime
from codex.agents.authority import narrowed
from codex.agents.metered import MeteredClient
from codex.base.errors import CodexError
from codex.engine.processes import Processes
from codex.model import open_model_client
from codex.placement.far import Far, FarAccount, FarAgents, FarMail, FarWorkplace, far_tools, relay_questions
from codex.placement.frames import Start, Started
from codex.ports.placement import WorkerLost
from codex.session import Restored, Services, restored_from
from codex.threads import AgentsOf, Thread, ThreadManager

_PR_SET_PDEATHSIG = 1
_STOP_WITHIN = 3.0
_SAY_WITHIN = 1.0


def main(arguments: list[str]) -> int:
    """Run the thread that is asked for; 0 where it ended as it should."""
    number, parent = int(arguments[0]), int(arguments[1])
    fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the main process, which then ends this one
    ours = socket.socket(fileno=number)
    ours.settimeout(0)
    return trio.run(_run, ours)


def _die_with(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that
        os._exit(1)


async def _run(ours: socket.socket) -> int:
    async with trio.SocketStream(trio.socket.from_stdlib_socket(ours)) as stream:
        far = Far(stream)
        start = await far.read_start()
        failure: str | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(far.write)
            try:
                await _work(far, start)
            except CodexError as error:
                failure = str(error)
            with trio.move_on_after(_SAY_WITHIN):
                await far.say_ended(failure)
        return 0


async def _work(far: Far, start: Start) -> None:
    """Run the thread until it has ended, or the main process wants no more. Raises: CodexError when it cannot."""
    config, environ = start.config, start.environ
    async with open_runtime(name="worker") as runtime, AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_model_client(config, environ=environ))
        processes = Processes(runtime, None)
        stack.push_async_callback(processes.aclose)
        services = Services(client, processes, environ, start.originator, start.installation_id, source=start.source)
        manager = ThreadManager(runtime, _metered(far, start, services))
        manager.narrow = partial(narrowed, tmpdir=environ.get("TMPDIR"))
        stack.push_async_callback(_stop, manager)
        relay = runtime.spawn(partial(relay_questions, far=far), name="parent", shutdown=0)
        thread = await manager.start_for(
            start.identity,
            config,
            await _restored(start),
            parent=relay,
            agents=_agents(far, start),
            path=start.rollout_path,
            tools=far_tools(far, start),
        )
        if thread.in_force is not None:
            thread.in_force.limit_to(start.limit)
        far.send_nowait(Started())
        await _have(far, thread)


async def _have(far: Far, thread: Thread) -> None:
    """Tell what it shows and do what it is asked, until it has ended or nobody asks any more."""
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await far.serve(thread)
            nursery.cancel_scope.cancel("the main process wants no more")

        nursery.start_soon(serve)
        await far.show(thread)
        nursery.cancel_scope.cancel("the thread has ended")


async def _stop(manager: ThreadManager) -> None:
    with trio.move_on_after(_STOP_WITHIN, shield=True):
        await manager.stop_all()


async def _restored(start: Start) -> Restored:
    if not start.stored:
        return Restored(start.items)
    import codex.rollout as rollout

    load = partial(rollout.load, start.config.codex_home, start.identity.thread_id)
    return restored_from(await trio.to_thread.run_sync(load))


def _metered(far: Far, start: Start, services: Services) -> Services:
    account = FarAccount(far) if start.metered else None
    return attrs.evolve(
        services,
        client=services.client if account is None else MeteredClient(services.client, account),
        meter=account,
        purse=account,
        workplace=FarWorkplace(far) if start.workplace else None,
    )


def _agents(far: Far, start: Start) -> AgentsOf | None:
    if start.generation is None:
        return None
    agents = FarAgents(far, FarMail(far) if start.generation == "v2" else None)
    return lambda _mailbox: agents


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except WorkerLost as lost:
        sys.exit(str(lost))
