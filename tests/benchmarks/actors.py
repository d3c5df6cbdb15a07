"""What actors and supervisors cost, as ratios to the thinnest raw Trio equivalent (a task and a memory channel).

    python -m tests.benchmarks.actors [--rounds 5] [--only NAME] [--json]

CPU time, medians over rounds in which raw and ours alternate, each in a process of its own. The exit status is 1 when a
bound is missed.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import logging
import math
import os
import statistics
import subprocess
import sys
from functools import partial
from time import process_time
from typing import Any

import attrs
import trio
import trio.testing

from actors import Mailbox, Ref, Reply, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor
from tests.benchmarks.actors_peers import installed


@attrs.frozen
class Row:
    """One line of the table: `better` says whether the ratio is to stay below or above its bound."""

    name: str
    unit: str
    raw: str
    ours: str
    bound: float
    better: str = "lower"


@attrs.frozen
class Get:
    reply: Reply[int]


async def idle(mailbox: Mailbox[Any]) -> None:
    async for _ in mailbox:
        pass


async def raw_idle(receive: trio.MemoryReceiveChannel[Any]) -> None:
    async for _ in receive:
        pass


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


# -- spawn ---------------------------------------------------

SPAWNED = 10_000


async def raw_spawn() -> float:
    async with trio.open_nursery() as nursery:
        channels: list[object] = []
        gc.collect()
        begin = process_time()
        for _ in range(SPAWNED):
            send, receive = trio.open_memory_channel[Any](100)
            channels.append(send)
            nursery.start_soon(raw_idle, receive)
        await settle()
        spent = process_time() - begin
        nursery.cancel_scope.cancel()
    return spent / SPAWNED * 1e6


def specs(count: int, start: int = 0) -> list[ChildSpec]:
    return [ChildSpec(id=f"{number}", start=idle, restart="transient") for number in range(start, start + count)]


async def spawn_batch() -> float:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        gc.collect()
        begin = process_time()
        await supervisor.start_children(specs(SPAWNED))
        await settle()
        return (process_time() - begin) / SPAWNED * 1e6


async def spawn_one_by_one() -> float:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        gc.collect()
        begin = process_time()
        for spec in specs(SPAWNED):
            await supervisor.start_child(spec)
        await settle()
        return (process_time() - begin) / SPAWNED * 1e6


# -- memory ---------------------------------------------------

KEPT = 5_000


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def raw_memory() -> float:
    async with trio.open_nursery() as nursery:
        channels: list[object] = []
        gc.collect()
        before = resident()
        for _ in range(KEPT):
            send, receive = trio.open_memory_channel[Any](100)
            channels.append(send)
            nursery.start_soon(raw_idle, receive)
        await settle()
        after = resident()
        nursery.cancel_scope.cancel()
    return (after - before) / KEPT / 1024


async def memory() -> float:
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        gc.collect()
        before = resident()
        await supervisor.start_children(specs(KEPT))
        await settle()
        return (resident() - before) / KEPT / 1024


# -- messages ---------------------------------------------------

SENT = 50_000


async def raw_send() -> float:
    send, receive = trio.open_memory_channel[int](100)

    async def consume() -> None:
        async for _ in receive:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        begin = process_time()
        for number in range(SENT):
            await send.send(number)
        send.close()
    return SENT / (process_time() - begin) / 1e3


async def send() -> float:
    done = trio.Event()

    async def consume(mailbox: Mailbox[int]) -> None:
        async for number in mailbox:
            if number == SENT - 1:
                done.set()

    async with open_runtime() as runtime:
        ref = runtime.spawn(consume, capacity=100)
        await settle()
        begin = process_time()
        for number in range(SENT):
            await ref.send(number)
        await done.wait()
        return SENT / (process_time() - begin) / 1e3


ASKED = 5_000


async def raw_ask() -> float:
    send, receive = trio.open_memory_channel[trio.MemorySendChannel[int]](1)

    async def serve() -> None:
        async for answer in receive:
            await answer.send(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        begin = process_time()
        for _ in range(ASKED):
            answer, wait = trio.open_memory_channel[int](1)
            await send.send(answer)
            await wait.receive()
        spent = process_time() - begin
        nursery.cancel_scope.cancel()
    return spent / ASKED * 1e6


async def ask() -> float:
    async def serve(mailbox: Mailbox[Get]) -> None:
        async for message in mailbox:
            message.reply.set(1)

    async with open_runtime() as runtime:
        ref = runtime.spawn(serve)
        await settle()
        begin = process_time()
        for _ in range(ASKED):
            await ref.ask(Get)
        return (process_time() - begin) / ASKED * 1e6


RING, LAPS = 1_000, 5


async def raw_ring() -> float:
    async with trio.open_nursery() as nursery:
        channels = [trio.open_memory_channel[int](1) for _ in range(RING)]
        done = trio.Event()

        async def member(number: int) -> None:
            following = channels[(number + 1) % RING][0]
            async for hops in channels[number][1]:
                if hops == 0:
                    done.set()
                    return
                await following.send(hops - 1)

        for number in range(RING):
            nursery.start_soon(member, number)
        await settle()
        begin = process_time()
        await channels[0][0].send(RING * LAPS)
        await done.wait()
        spent = process_time() - begin
        nursery.cancel_scope.cancel()
    return spent / (RING * LAPS) * 1e6


async def ring() -> float:
    done = trio.Event()
    refs: list[Ref[int]] = []

    async def member(following: int, mailbox: Mailbox[int]) -> None:
        ref: Ref[int] | None = None
        async for hops in mailbox:
            if hops == 0:
                done.set()
                return
            if ref is None:
                ref = refs[following]
            await ref.send(hops - 1)

    async with open_runtime() as runtime:
        refs += [runtime.spawn(partial(member, (n + 1) % RING), name=f"{n}") for n in range(RING)]
        await settle()
        begin = process_time()
        await refs[0].send(RING * LAPS)
        await done.wait()
        return (process_time() - begin) / (RING * LAPS) * 1e6


# -- restarts ---------------------------------------------------

CRASHED = 1_000


async def raw_restart() -> float:
    """A loop that opens a nursery for each incarnation and starts the next when one crashed."""
    ready = trio.Event()
    send: trio.MemorySendChannel[str]

    async def child(receive: trio.MemoryReceiveChannel[str]) -> None:
        ready.set()
        async for _ in receive:
            raise ValueError

    async def supervise() -> None:
        nonlocal send
        while True:
            send, receive = trio.open_memory_channel[str](1)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(child, receive)
            except* ValueError:
                pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise)
        await ready.wait()
        begin = process_time()
        for _ in range(CRASHED):
            ready = trio.Event()
            await send.send("crash")
            await ready.wait()
        spent = process_time() - begin
        nursery.cancel_scope.cancel()
    return spent / CRASHED * 1e6


async def restart() -> float:
    ready = trio.Event()

    async def child(mailbox: Mailbox[str]) -> None:
        ready.set()
        async for _ in mailbox:
            raise ValueError

    async with open_runtime() as runtime:
        spec = SupervisorSpec(children=[ChildSpec(id="a", start=child)], max_restarts=10 * CRASHED)
        supervisor = await start_supervisor(runtime, spec)
        ref = (await supervisor.which_children())[0].ref
        begin = process_time()
        for _ in range(CRASHED):
            ready = trio.Event()
            await ref.send("crash")
            await ready.wait()
        return (process_time() - begin) / CRASHED * 1e6


# -- trees ---------------------------------------------------

DEPTH, WIDTH = 5, 6
NODES = sum(WIDTH**level for level in range(DEPTH + 1))  # 9,331


async def raw_node(depth: int) -> None:
    _send, receive = trio.open_memory_channel[Any](10)
    async with trio.open_nursery() as nursery:
        if depth:
            for _ in range(WIDTH):
                nursery.start_soon(raw_node, depth - 1)
        async for _ in receive:
            pass


def tree(depth: int) -> SupervisorSpec:
    below = [ChildSpec(id=f"{n}", start=tree(depth - 1)) for n in range(WIDTH)] if depth > 1 else specs(WIDTH)
    return SupervisorSpec(children=below)


async def raw_tree(what: str) -> float:
    begin = process_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raw_node, DEPTH)
        await settle()
        spawned = process_time()
        nursery.cancel_scope.cancel()
    ended = process_time()
    return (spawned - begin if what == "spawn" else ended - spawned) * 1e3


async def our_tree(what: str) -> float:
    gc.collect()
    begin = spawned = process_time()
    with trio.CancelScope() as scope:
        async with open_runtime() as runtime:
            supervisor = await start_supervisor(runtime, tree(DEPTH))
            await settle()
            spawned = process_time()
            assert runtime.statistics().alive == NODES
            if what == "cancel":
                scope.cancel()
                await trio.sleep_forever()
            await supervisor.stop()
    ended = process_time()
    left = runtime.statistics().alive
    assert left == 0, left
    return (spawned - begin if what == "spawn" else ended - spawned) * 1e3


raw_tree_spawn, raw_tree_cancel = partial(raw_tree, "spawn"), partial(raw_tree, "cancel")
tree_spawn, tree_cancel, tree_stop = partial(our_tree, "spawn"), partial(our_tree, "cancel"), partial(our_tree, "stop")


# -- many ---------------------------------------------------


async def raw_many(count: int, *, collect: bool) -> float:
    """Start and cancel so many tasks with a channel each; per task."""
    (gc.enable if collect else gc.disable)()
    begin = process_time()
    async with trio.open_nursery() as nursery:
        channels: list[object] = []
        for _ in range(0, count, 1_000):
            for _ in range(1_000):
                send, receive = trio.open_memory_channel[Any](100)
                channels.append(send)
                nursery.start_soon(raw_idle, receive)
            await settle()
        nursery.cancel_scope.cancel()
    return (process_time() - begin) / count * 1e6


async def many(count: int, *, collect: bool) -> float:
    """Start and stop so many dynamic children; per child."""
    (gc.enable if collect else gc.disable)()
    begin = process_time()
    async with open_runtime() as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(strategy="dynamic"))
        for first in range(0, count, 1_000):
            await supervisor.start_children(specs(1_000, first))
    return (process_time() - begin) / count * 1e6


async def growth() -> float:
    """How much more a child costs among 100,000 than among 10,000, with the garbage collector's passes."""
    few = await many(10_000, collect=True)
    return await many(100_000, collect=True) / few


async def raw_growth() -> float:
    few = await raw_many(10_000, collect=True)
    return await raw_many(100_000, collect=True) / few


few, lots = partial(many, 10_000, collect=False), partial(many, 100_000, collect=False)

ROWS = [
    Row("spawn, in a batch", "us", "raw_spawn", "spawn_batch", 2.0),
    Row("spawn, acknowledged one by one", "us", "raw_spawn", "spawn_one_by_one", 3.0),
    Row("memory of an idle actor", "KB", "raw_memory", "memory", 10 / 4.7),
    Row("send, one to one", "k/s", "raw_send", "send", 8.0, "higher"),
    Row("ask", "us", "raw_ask", "ask", 1.0),
    Row("ring of 1,000, a hop", "us", "raw_ring", "ring", 1.0),
    Row("crash and restart", "us", "raw_restart", "restart", 1.2),
    Row(f"tree of {NODES:,}: spawn", "ms", "raw_tree_spawn", "tree_spawn", 1.5),
    Row(f"tree of {NODES:,}: cancel", "ms", "raw_tree_cancel", "tree_cancel", 1.3),
    Row(f"tree of {NODES:,}: ordered stop", "ms", "raw_tree_cancel", "tree_stop", 2.0),
    # A child among 10,000 and among 100,000: without the collector by itself; with its passes, which walk over all that
    # lives, beside what they do to raw Trio's tasks.
    Row("10,000 to 100,000 children", "us", "few", "lots", 1.2),
    Row("growth with the collector on", "x", "raw_growth", "growth", 1.2),
]


def fresh(name: str) -> float:
    """One measurement in a process of its own: neither memory nor garbage of the others is in it."""
    code = (
        f"import trio, logging; from tests.benchmarks import actors as a; logging.disable(); print(trio.run(a.{name}))"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def print_peers() -> None:
    """Other libraries at the same tasks, where they are installed."""
    for name in installed():
        code = f"from tests.benchmarks import actors_peers as p; print(p.{name}())"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        got: dict[str, float] = ast.literal_eval(done.stdout)
        print(f"{name:34} spawn {got['spawn']:.0f} us, send {got['send']:.0f} k/s, ask {got['ask']:.0f} us")


def measure(row: Row, rounds: int) -> tuple[float, float]:
    pairs = [(fresh(row.raw), fresh(row.ours)) for _ in range(rounds)]
    return statistics.median(raw for raw, _ in pairs), statistics.median(ours for _, ours in pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    missed = 0
    if not options.json:
        print(f"{'':38}{'raw Trio':>10}{'ours':>10}{'ratio':>8}{'bound':>10}")
    for row in ROWS:
        if options.only not in row.name:
            continue
        raw, ours = measure(row, options.rounds)
        ratio = ours / raw if raw > 0 else math.inf
        kept = ratio <= row.bound if row.better == "lower" else ratio >= row.bound
        missed += not kept
        if options.json:
            print(
                json.dumps({"name": row.name, "unit": row.unit, "raw": raw, "ours": ours, "ratio": ratio, "kept": kept})
            )
        else:
            sign = "<=" if row.better == "lower" else ">="
            print(
                f"{row.name:34}{row.unit:>4}{raw:10.1f}{ours:10.1f}{ratio:8.2f}{sign:>5}{row.bound:5.2f}"
                f"{'' if kept else '  missed'}",
                flush=True,
            )
    if not options.json and not options.only:
        print_peers()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
