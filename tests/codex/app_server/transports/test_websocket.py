"""A client's wire in virtual time, over streams in memory: who is silent, slow or rude."""

import pytest
import trio
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_pair
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

from codex.app_server.auth import CapabilityToken
from codex.app_server.transports._frames import Room
from codex.app_server.transports.websocket import Accept, Limits, WebSocketTransport
from tests.codex.app_server.transports.test_handshake import ACCEPTED, refused, request

LIMITS = Limits(handshake_within=10, ping_after=30, pong_within=20)
Peer = trio.StapledStream[MemorySendStream, MemoryReceiveStream]


class Client:
    """The other end: speaks frames, and shows what came back."""

    def __init__(self, stream: Peer) -> None:
        self.stream = stream
        self.frames = Connection(ConnectionType.CLIENT)

    async def say(self, *texts: str) -> None:
        await self.stream.send_all(b"".join(self.frames.send(TextMessage(text)) for text in texts))

    async def hear(self) -> list[Event]:
        """Events of what comes next; none at the end."""
        data = await self.stream.receive_some()
        if data:
            self.frames.receive_data(bytes(data))
        return list(self.frames.events())


def connected(limits: Limits = LIMITS) -> tuple[WebSocketTransport, Client]:
    ours, theirs = memory_stream_pair()
    return WebSocketTransport(ours, limits, Room()), Client(theirs)


async def test_messages_go_both_ways_and_the_end_is_told(autojump_clock: object) -> None:
    wire, client = connected()
    await client.say("1", "2")
    assert [await wire.receive(), await wire.receive()] == ["1", "2"]
    await wire.send([b"3", b"4"])
    assert await client.hear() == [TextMessage("3"), TextMessage("4")]
    await client.stream.send_all(client.frames.send(CloseConnection(1000)))
    assert await wire.receive() is None
    assert await client.hear() == [CloseConnection(1000, "")]
    with pytest.raises(trio.BrokenResourceError):
        await wire.send([b"5"])
    await wire.aclose()
    await wire.aclose()


async def test_a_peer_that_vanishes_ends_the_wire(autojump_clock: object) -> None:
    wire, client = connected()
    await client.say("last")
    await client.stream.aclose()
    assert [await wire.receive(), await wire.receive(), await wire.receive()] == ["last", None, None]


async def test_a_silent_peer_that_answers_pings_stays_for_ever(autojump_clock: object) -> None:
    wire, client = connected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.keep_alive)
        nursery.start_soon(wire.receive)
        for _ in range(100):
            for event in await client.hear():
                assert isinstance(event, Ping)
                await client.stream.send_all(client.frames.send(event.response()))
        assert trio.current_time() > 99 * LIMITS.ping_after
        await client.stream.aclose()
        nursery.cancel_scope.cancel()


async def test_a_peer_that_is_dead_is_noticed(autojump_clock: object) -> None:
    wire, _ = connected()
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.keep_alive)
        assert await wire.receive() is None
    assert trio.current_time() - start == LIMITS.ping_after + LIMITS.pong_within


async def test_silence_does_not_count_while_nobody_listens(autojump_clock: object) -> None:
    wire, client = connected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.keep_alive)
        await trio.sleep(10 * LIMITS.ping_after)
        await client.say("here")
        assert await wire.receive() == "here"
        nursery.cancel_scope.cancel()


async def test_a_peer_that_does_not_read_holds_up_the_end_for_a_second(autojump_clock: object) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    wire = WebSocketTransport(ours, LIMITS, Room())
    async with trio.open_nursery() as nursery:

        async def write() -> None:
            with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
                await wire.send([b"never read"])

        nursery.start_soon(write)
        await trio.testing.wait_all_tasks_blocked()
        start = trio.current_time()
        await wire.aclose(cut_off="too slow")
        assert trio.current_time() - start == 1.0
    await theirs.aclose()


async def test_a_client_that_is_cut_off_is_told_why(autojump_clock: object) -> None:
    wire, client = connected()
    await wire.aclose(cut_off="read too slowly")
    assert await client.hear() == [CloseConnection(1013, "read too slowly")]
    assert await wire.receive() is None


async def test_a_write_that_was_cancelled_in_its_middle_ends_the_wire(autojump_clock: object) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    wire = WebSocketTransport(ours, LIMITS, Room())
    with trio.move_on_after(1):
        await wire.send([b"half"])
    with pytest.raises(trio.BrokenResourceError, match="in the middle"):
        await wire.send([b"no more"])
    await theirs.aclose()


async def echo(wire: WebSocketTransport) -> None:
    while (message := await wire.receive()) is not None:
        await wire.send([message.encode() if isinstance(message, str) else message])


async def talk(accept: Accept, data: bytes, *, size: int = 1_000) -> tuple[bytes, Client]:
    """What answers these bytes, and the client, whose connection is served until it closes it."""
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept.accept, ours)
        await theirs.send_all(data)
        answer = bytes(await theirs.receive_some(size))
        await theirs.aclose()
    return answer, Client(theirs)


async def test_a_handshake_is_accepted_or_refused(autojump_clock: object) -> None:
    accept = Accept(echo, CapabilityToken.of("t"), limits=LIMITS)
    assert (await talk(accept, request(Authorization="Bearer t")))[0] == ACCEPTED.answer
    assert (await talk(accept, request()))[0] == refused("401 Unauthorized", "missing websocket bearer token").answer
    assert (await talk(accept, request(Origin="x")))[0] == refused("403 Forbidden").answer


async def test_what_came_with_the_handshake_is_not_lost(autojump_clock: object) -> None:
    ours, theirs = memory_stream_pair()
    client = Client(theirs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Accept(echo, None, limits=LIMITS).accept, ours)
        await theirs.send_all(request() + client.frames.send(BytesMessage(b"early")))
        assert bytes(await theirs.receive_some(len(ACCEPTED.answer))) == ACCEPTED.answer
        assert await client.hear() == [TextMessage("early")]
        await theirs.aclose()


async def test_a_client_that_never_ends_its_request_is_dropped(autojump_clock: object) -> None:
    start = trio.current_time()
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Accept(echo, None, limits=LIMITS).accept, ours)
        await theirs.send_all(b"GET / HTTP/1.1\r\n")
        assert await theirs.receive_some() == b""
    assert trio.current_time() - start == LIMITS.handshake_within


async def test_more_clients_than_there_is_room_for_are_turned_away(autojump_clock: object) -> None:
    accept = Accept(echo, None, limits=Limits(max_clients=1))
    busy = refused("503 Service Unavailable", "too many connections; retry later").answer
    ours, theirs = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept.accept, ours)
        await theirs.send_all(request())
        assert bytes(await theirs.receive_some(1_000)) == ACCEPTED.answer
        assert (await talk(accept, request()))[0] == busy
        await theirs.aclose()
    assert (await talk(accept, request()))[0] == ACCEPTED.answer


async def test_stopping_the_server_tells_the_client_that_it_goes_away(autojump_clock: object) -> None:
    ours, theirs = memory_stream_pair()
    client = Client(theirs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Accept(echo, None, limits=LIMITS).accept, ours)
        await theirs.send_all(request())
        assert bytes(await theirs.receive_some(1_000)) == ACCEPTED.answer
        nursery.cancel_scope.cancel()
    assert await client.hear() == [CloseConnection(1001, "")]
