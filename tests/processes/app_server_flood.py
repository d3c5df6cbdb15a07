"""A flood: many WebSocket clients of one thread, some that never read, one that sends garbage, and deltas without end.

    python -m tests.processes.app_server_flood --seed 1 --seconds 60

Every client that reads must get every word in order, and the server's memory must stay where it was. The scripted
model says numbered words at a fixed rate, so what each client must have got is known to the letter. A client that lags
may get several words in one notification. The exit status is 1 when a bound of `Flood.faults` is broken.
"""

import argparse
import json
import os
import random
import struct
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
from tests.processes.served import open_served

RATE = 200
"""Words a second."""
MAX_GROWTH = 50 * 1_048_576
_HEAD = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_DELTA = b'"method":"item/agentMessage/delta"'


@attrs.frozen
class Flood:
    """What a flood did; memory in bytes, times in seconds."""

    clients: int
    words: int
    seconds: float
    notifications: int
    joined: int
    wrong: Sequence[str]
    cut_off: int
    garbage: int
    before: int
    peak: int
    cpu: float
    """What the server's process used of the processors."""

    def faults(self) -> list[str]:
        """The bounds that were broken."""
        found = list(self.wrong[:5])
        if self.peak - self.before > MAX_GROWTH:
            found.append(f"the server grew by {(self.peak - self.before) >> 20} MB")
        return found


class Peer:
    """A WebSocket client that costs little: it looks into the frames only as far as it must."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    @classmethod
    async def connect(cls, host: str, port: int) -> "Peer":
        """Connect and shake hands."""
        peer = cls(await trio.open_tcp_stream(host, port))
        await peer.shake_hands()
        return peer

    async def shake_hands(self) -> None:
        """Ask for a WebSocket, and get one."""
        await self._stream.send_all(_HEAD.encode())
        while b"\r\n\r\n" not in self._buffer:
            await self._read()
        assert self._buffer.startswith(b"HTTP/1.1 101"), bytes(self._buffer)
        del self._buffer[: self._buffer.index(b"\r\n\r\n") + 4]

    def close(self) -> None:
        """Be gone, without a word."""
        self._stream.socket.close()

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.send_raw(frame(0x81, json.dumps(message).encode()))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._stream.send_all(data)

    async def messages(self) -> list[bytes]:
        """The next messages, at least one."""
        while True:
            found: list[bytes] = []
            at = 0
            while (end := self._frame_end(at)) is not None:
                start, stop = end
                if self._buffer[at] == 0x81:
                    found.append(bytes(self._buffer[start:stop]))
                elif self._buffer[at] == 0x89:  # a ping
                    await self.send_raw(frame(0x8A, bytes(self._buffer[start:stop])))
                elif self._buffer[at] == 0x88:
                    raise EOFError(bytes(self._buffer[start + 2 : stop]).decode())
                at = stop
            del self._buffer[:at]
            if found:
                return found
            await self._read()

    async def answer(self, request_id: int) -> Any:
        """The result of a request; what comes before it is passed over."""
        while True:
            for message in await self.messages():
                read = json.loads(message)
                if read.get("id") == request_id and "method" not in read:
                    assert "result" in read, read
                    return read["result"]

    async def greet(self, **capabilities: bool) -> None:
        """Introduce ourselves."""
        info = {"name": "flood", "version": "1"}
        await self.send(id=1, method="initialize", params={"clientInfo": info, "capabilities": capabilities})
        await self.answer(1)
        await self.send(method="initialized")

    def _frame_end(self, at: int) -> tuple[int, int] | None:
        have = len(self._buffer) - at
        if have < 2:
            return None
        size, head = self._buffer[at + 1], 2
        if size == 126:
            if have < 4:
                return None
            size, head = struct.unpack_from("!H", self._buffer, at + 2)[0], 4
        elif size == 127:
            if have < 10:
                return None
            size, head = struct.unpack_from("!Q", self._buffer, at + 2)[0], 10
        return (at + head, at + head + size) if have >= head + size else None

    async def _read(self) -> None:
        data = await self._stream.receive_some(65_536)
        if not data:
            raise EOFError("the server closed the connection")
        self._buffer += data


def frame(kind: int, payload: bytes) -> bytes:
    """A client's frame; its mask changes nothing."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", kind, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", kind, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", kind, 0x80 | 127, size)
    return head + bytes(4) + payload


@attrs.define
class _Tally:
    done: int = 0
    notifications: int = 0
    cut_off: int = 0
    garbage: int = 0
    wrong: list[str] = attrs.field(factory=list[str])


async def _follow(peer: Peer, number: int, expected: str, tally: _Tally) -> None:
    """Read to the end of the turn, and compare what was said."""
    texts: list[str] = []
    try:
        while True:
            for message in await peer.messages():
                if _DELTA in message:
                    texts.append(json.loads(message)["params"]["delta"])
                elif b'"method":"turn/completed"' in message:
                    if "".join(texts) != expected:
                        tally.wrong.append(f"client {number} got {len(''.join(texts))} of {len(expected)} characters")
                    tally.notifications += len(texts)
                    return
    except (EOFError, trio.BrokenResourceError) as error:
        tally.wrong.append(f"client {number} was cut off: {error}")
    finally:
        tally.done += 1


async def _never_read(peer: Peer, over: trio.Event, tally: _Tally) -> None:
    """Ask again and again, and read nothing; find out at the end whether the server gave us up."""
    for request_id in range(100, 200):
        await peer.send(id=request_id, method="model/list", params={})
    await over.wait()
    try:
        while not any(b'"method":"turn/completed"' in message for message in await peer.messages()):
            pass
    except (EOFError, trio.BrokenResourceError):
        tally.cut_off += 1


async def _send_garbage(host: str, port: int, seed: int, tally: _Tally) -> None:
    """Nonsense of every kind, from one connection after another."""
    rng = random.Random(seed)
    while True:
        peer = await Peer.connect(host, port)
        try:
            for _ in range(rng.randrange(1, 20)):
                await peer.send_raw(_nonsense(rng))
                tally.garbage += 1
                await trio.sleep(0.005)
        except trio.BrokenResourceError:
            continue
        finally:
            peer.close()


def _nonsense(rng: random.Random) -> bytes:
    noise = rng.randbytes(rng.randrange(1, 400))
    return rng.choice(
        [
            noise,
            frame(0x81, noise),
            frame(0x82, noise),
            frame(0x01, b"x" * rng.randrange(200_000)),
            frame(0x89, noise[:100]) * 50,
            frame(0x81, b'{"id":1,"method":"initialize","params":' + b"[" * rng.randrange(2_000)),
            frame(0x81, json.dumps({"id": 1, "method": "thread/start", "params": {"cwd": 1}}).encode()),
            struct.pack("!BBQ", 0x81, 0xFF, rng.randrange(1 << 62)) + noise,
        ]
    )


def rss(pid: int) -> int:
    """Bytes of memory that a process has resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def cpu(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _watch(pid: int, peaks: list[int]) -> None:
    while True:
        peaks.append(rss(pid))
        await trio.sleep(0.2)


async def flood(place: Path, *, seed: int, clients: int, silent: int, seconds: float) -> Flood:
    """Let it rain on a server of its own below `place`."""
    words = [f"{number} " for number in range(int(seconds * RATE))]
    rain = {"type": "text", "deltas": words, "delay": 1 / RATE}
    tally, peaks = _Tally(), list[int]()
    async with open_served(make_place(place), {"turns": [[{"type": "text", "text": "hello"}], [rain]]}) as served:
        host, _, digits = served.url.removeprefix("ws://").rpartition(":")
        peers, thread_id = await _gather(host, int(digits), clients)
        before, over, began, used = rss(served.process.pid), trio.Event(), time.monotonic(), cpu(served.process.pid)
        async with trio.open_nursery() as outer:
            outer.start_soon(_send_garbage, host, int(digits), seed, tally)
            outer.start_soon(_watch, served.process.pid, peaks)
            async with trio.open_nursery() as others:
                for peer in peers[clients - silent :]:
                    others.start_soon(_never_read, peer, over, tally)
                await peers[0].send(id=3, method="turn/start", params={"threadId": thread_id, "input": [_text("rain")]})
                async with trio.open_nursery() as readers:
                    for number, peer in enumerate(peers[: clients - silent]):
                        readers.start_soon(_follow, peer, number, "".join(words), tally)
                took = time.monotonic() - began
                used = cpu(served.process.pid) - used
                over.set()
            outer.cancel_scope.cancel()
        for peer in peers:
            peer.close()
    expected = len(words) * (clients - silent)
    return Flood(
        clients=clients,
        words=len(words),
        seconds=took,
        notifications=tally.notifications,
        joined=expected - tally.notifications,
        wrong=tuple(tally.wrong),
        cut_off=tally.cut_off,
        garbage=tally.garbage,
        before=before,
        peak=max(peaks),
        cpu=used,
    )


async def _gather(host: str, port: int, clients: int) -> tuple[list[Peer], str]:
    """Clients that all follow one thread, which has had a short turn."""
    first = await Peer.connect(host, port)
    await first.greet()
    await first.send(id=2, method="thread/start", params={})
    thread_id = (await first.answer(2))["thread"]["id"]
    await first.send(id=3, method="turn/start", params={"threadId": thread_id, "input": [_text("hello")]})
    while not any(b'"method":"turn/completed"' in message for message in await first.messages()):
        pass
    peers = [first]
    for _ in range(clients - 1):
        peer = await Peer.connect(host, port)
        await peer.greet()
        await peer.send(id=2, method="thread/resume", params={"threadId": thread_id})
        await peer.answer(2)
        peers.append(peer)
    return peers, thread_id


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def main() -> int:
    """The command; see above."""
    parser = argparse.ArgumentParser(description="Flood clients of an app-server.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--silent", type=int, default=10, help="how many of them never read")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codex-flood-") as place:
        run = partial(flood, seed=options.seed, clients=options.clients, silent=options.silent, seconds=options.seconds)
        done = trio.run(run, Path(place))
    print(
        f"{done.clients} clients, {done.words:,} words in {done.seconds:.1f} s: {done.notifications:,} notifications, "
        f"{done.joined:,} words came joined to others; {done.cut_off} who never read were cut off, "
        f"{done.garbage:,} pieces of garbage; memory {done.before >> 20} MB, at most {done.peak >> 20} MB; "
        f"the server used {done.cpu:.1f} s, {done.cpu / max(done.notifications, 1) * 1e6:.0f} µs a notification"
    )
    for fault in done.faults():
        print(f"FAULT {fault}")
    return 1 if done.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
