"""The same tasks done by other actor libraries, where they are installed, for `tests.benchmarks.actors`.

Each function measures in a process of its own: microseconds a spawn, thousand messages a second, microseconds an ask.
"""

from __future__ import annotations

import importlib.util
from time import process_time
from typing import Any

# Any: neither library is a dependency; their types are not at hand.

SPAWNED, SENT, ASKED = 500, 20_000, 1_000


def installed() -> list[str]:
    """Which peers can be measured here."""
    return [name for name in ("pykka", "autogen_core") if importlib.util.find_spec(name) is not None]


def pykka() -> dict[str, float]:
    """Pykka: an actor is a thread."""
    library: Any = __import__("pykka")

    class Counter(library.ThreadingActor):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def on_receive(self, message: int) -> int:
            self.count += 1
            return self.count

    begin = process_time()
    refs = [Counter.start() for _ in range(SPAWNED)]
    spawn = (process_time() - begin) / SPAWNED * 1e6
    begin = process_time()
    for number in range(SENT):
        refs[0].tell(number)
    assert refs[0].ask(0) == SENT + 1
    send = SENT / (process_time() - begin) / 1e3
    begin = process_time()
    for number in range(ASKED):
        refs[1].ask(number)
    ask = (process_time() - begin) / ASKED * 1e6
    library.ActorRegistry.stop_all()
    return {"spawn": spawn, "send": send, "ask": ask}


def autogen_core() -> dict[str, float]:
    """autogen-core: agents of a single-threaded runtime on asyncio."""
    import asyncio

    library: Any = __import__("autogen_core")

    class Counter(library.BaseAgent):
        def __init__(self) -> None:
            super().__init__("counts")
            self.count = 0

        async def on_message_impl(self, message: Any, ctx: Any) -> Any:
            self.count += 1
            return message

    async def main() -> dict[str, float]:
        runtime = library.SingleThreadedAgentRuntime()
        await Counter.register(runtime, "counter", Counter)
        runtime.start()
        begin = process_time()
        for number in range(SPAWNED):
            await runtime.try_get_underlying_agent_instance(library.AgentId("counter", f"{number}"))
        spawn = (process_time() - begin) / SPAWNED * 1e6
        target = library.AgentId("counter", "0")
        begin = process_time()
        sent = [asyncio.ensure_future(runtime.send_message("x", target)) for _ in range(ASKED)]
        await asyncio.gather(*sent)
        send = ASKED / (process_time() - begin) / 1e3
        begin = process_time()
        for _ in range(ASKED):
            await runtime.send_message("x", target)
        ask = (process_time() - begin) / ASKED * 1e6
        await runtime.stop()
        return {"spawn": spawn, "send": send, "ask": ask}

    return asyncio.run(main())
