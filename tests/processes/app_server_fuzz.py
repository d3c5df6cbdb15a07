"""A fuzzer of the app-server: malformed and out-of-order messages, on several connections at once.

    python -m tests.processes.app_server_fuzz --seed 1 --steps 100000

Every well-formed request must get exactly one answer, whatever it asks for; nothing may crash or hang the server; at
the end it still answers a new client, and stops with exit code 0 when it is told to. The exit status is 1 otherwise.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from tests.behaviour.typed_codex import make_place
from tests.processes.app_server_flood import Peer, frame, rss
from tests.processes.fuzz_messages import Known, message
from tests.processes.served import open_served

CONNECTIONS = 4
WINDOW = 64
"""Requests of a connection that may wait for their answer before more are sent."""
ANSWERED_WITHIN = 300.0
_TEXT, _BINARY = 0x81, 0x82
_LIFE = 2_000
"""Messages after which a connection is closed at most, with whatever is under way, and another one made."""
_SHELL = {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": {"cmd": "true"}}
SCRIPT = {"turns": [[_SHELL], [{"type": "text", "text": "done"}]], "loop": True}


@attrs.frozen
class Fuzzed:
    """What came of it; memory in bytes, times in seconds."""

    messages: int
    requests: int
    results: int
    refused: int
    overloaded: int
    connections: int
    unanswered: Sequence[str]
    twice: Sequence[str]
    alive: bool
    code: int | None
    seconds: float
    before: int
    after: int

    def faults(self) -> list[str]:
        """What must not happen."""
        found = [f"no answer to {text[:300]}" for text in self.unanswered[:10]]
        found += [f"answered twice: {text[:300]}" for text in self.twice[:10]]
        if not self.alive:
            found.append("the server does not answer a new client")
        if self.code != 0:
            found.append(f"the server ended with {self.code}")
        return found


@attrs.define
class _Tally:
    left: int
    messages: int = 0
    requests: int = 0
    results: int = 0
    refused: int = 0
    overloaded: int = 0
    connections: int = 0
    unanswered: list[str] = attrs.field(factory=list[str])
    twice: list[str] = attrs.field(factory=list[str])


class _Session:
    """One connection: what waits for an answer, and what had one."""

    def __init__(self, peer: Peer, known: Known, tally: _Tally) -> None:
        self._peer = peer
        self._known = known
        self._tally = tally
        self._open: dict[str | int, str] = {}
        self._answered: dict[str | int, str] = {}
        self._fewer = trio.Event()

    async def read(self) -> None:
        """Take answers until cancelled."""
        while True:
            for text in await self._peer.messages():
                read = json.loads(text)
                if "method" not in read:
                    self._take(read)
            self._fewer.set()

    async def send(self, rng: random.Random, count: int) -> None:
        """Send messages, then wait for the answers that are missing."""
        for _ in range(count):
            made = message(rng, self._known)
            if made.answered is not None:
                self._open[made.answered] = made.text.decode()
                self._tally.requests += 1
            self._tally.messages += 1
            kind = _TEXT if _is_utf8(made.text) and rng.random() < 0.8 else _BINARY
            await self._peer.send_raw(frame(kind, made.text))
            await self._wait(WINDOW)
        if rng.random() < 0.7:  # else it leaves in the middle
            await self._wait(0)

    async def _wait(self, most: int) -> None:
        with trio.move_on_after(ANSWERED_WITHIN):
            while len(self._open) > most:
                self._fewer = trio.Event()
                await self._fewer.wait()
        if len(self._open) > most:
            self._tally.unanswered += self._open.values()
            self._open.clear()

    def _take(self, answer: dict[str, Any]) -> None:
        request_id = answer.get("id")
        if not isinstance(request_id, str | int):
            return
        asked = self._open.pop(request_id, None)
        if asked is None:
            if request_id in self._answered:
                self._tally.twice.append(self._answered[request_id])
            return
        self._answered[request_id] = asked
        if "result" in answer:
            self._tally.results += 1
            self._known.heard(answer["result"])
        elif answer["error"]["code"] == -32001:
            self._tally.overloaded += 1
        else:
            self._tally.refused += 1


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _drive(host: str, port: int, rng: random.Random, known: Known, tally: _Tally) -> None:
    """Have one connection after another until all messages are sent."""
    while tally.left > 0:
        count = min(tally.left, rng.randrange(1, _LIFE))
        tally.left -= count
        tally.connections += 1
        peer = await Peer.connect(host, port)
        if rng.random() < 0.95:
            await peer.greet(experimentalApi=rng.random() < 0.9)
        session = _Session(peer, known, tally)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(session.read)
                await session.send(rng, count)
                nursery.cancel_scope.cancel()
        finally:
            peer.close()


async def fuzz(place: Path, *, seed: int, steps: int) -> Fuzzed:
    """Send this many messages to a server of its own below `place`."""
    tally, began = _Tally(steps), time.monotonic()
    async with open_served(made := make_place(place), SCRIPT) as served:
        (made.path / "files").mkdir()
        host, _, port = served.url.removeprefix("ws://").rpartition(":")
        before = rss(served.process.pid)
        known = Known(made.path)
        async with trio.open_nursery() as nursery:
            for number in range(CONNECTIONS):
                rng = random.Random(f"{seed}-{number}")
                nursery.start_soon(_drive, host, int(port), rng, known, tally)
        after, alive = rss(served.process.pid), False
        with trio.move_on_after(ANSWERED_WITHIN):
            peer = await Peer.connect(host, int(port))
            await peer.greet(experimentalApi=True)
            await peer.send(id=2, method="server/diagnostics", params={})
            alive = bool(await peer.answer(2))
            peer.close()
    return Fuzzed(
        messages=tally.messages,
        requests=tally.requests,
        results=tally.results,
        refused=tally.refused,
        overloaded=tally.overloaded,
        connections=tally.connections,
        unanswered=tuple(tally.unanswered),
        twice=tuple(tally.twice),
        alive=alive,
        code=served.process.returncode,
        seconds=time.monotonic() - began,
        before=before,
        after=after,
    )


def main() -> int:
    """The command; see above."""
    parser = argparse.ArgumentParser(description="Fuzz an app-server.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codex-fuzz-") as place:
        done = trio.run(partial(fuzz, seed=options.seed, steps=options.steps), Path(place))
    print(
        f"{done.messages:,} messages on {done.connections} connections in {done.seconds:.0f} s: "
        f"{done.requests:,} requests, {done.results:,} results, {done.refused:,} refused, "
        f"{done.overloaded:,} overloaded; memory {done.before >> 20} MB, then {done.after >> 20} MB"
    )
    for fault in done.faults():
        print(f"FAULT {fault}")
    return 1 if done.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
