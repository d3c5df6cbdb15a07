"""What happens to connections: cancelling, leaving early, large and odd bodies, proxies, many at once."""

import gzip
import os
from functools import partial
from typing import Any

import trio

from codex.ports.model import OutputTextDelta
from tests.codex.model.loopback import (
    CREATED,
    GOOD,
    WHOLE,
    Received,
    ask,
    ask_and_fail,
    chunk,
    cut,
    event_bytes,
    hang,
    head,
    open_client,
    open_server,
    refusal,
    request,
    stream_answer,
)
from tests.codex.model.test_model_http import EVENTS

STALLED = hang(head(), chunk(event_bytes(*WHOLE[:3])))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_cancelling_closes_the_connection_at_once_and_leaks_nothing() -> None:
    async with open_server(GOOD, GOOD, STALLED) as server, open_client(server.base_url) as client:
        for _ in range(2):
            await ask(client)
        before = open_files()
        for _ in range(20):
            with trio.CancelScope() as scope:
                async with client.stream(request()) as batches:
                    async for _ in batches:
                        scope.cancel()
        await server.wait_all_closed()
        assert len(server.received) == 22
        assert open_files() <= before


async def test_cancelling_while_the_headers_are_awaited_closes_the_connection() -> None:
    async with open_server(hang()) as server, open_client(server.base_url) as client:
        for _ in range(2):
            server.closed = trio.Event()
            with trio.move_on_after(0.1):
                await ask(client)
            with trio.fail_after(30):
                await server.closed.wait()


async def test_leaving_early_closes_the_response() -> None:
    async with open_server(STALLED) as server, open_client(server.base_url) as client:
        async with client.stream(request()) as batches:
            async for _ in batches:
                break
        with trio.fail_after(30):
            await server.closed.wait()


async def test_an_error_in_the_block_closes_the_response_and_passes_through() -> None:
    async with open_server(STALLED) as server, open_client(server.base_url) as client:
        try:
            async with client.stream(request()) as batches:
                async for _ in batches:
                    raise RuntimeError("mine")
        except RuntimeError:
            pass
        with trio.fail_after(30):
            await server.closed.wait()


async def test_closing_the_client_closes_its_idle_connections() -> None:
    async with open_server(GOOD) as server:
        async with open_client(server.base_url) as client:
            await ask(client)
            assert server.open_connections == 1
        with trio.fail_after(30):
            await server.closed.wait()


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    async def once(stream: trio.SocketStream, _: Received) -> None:
        await stream.send_all(GOOD)
        await stream.aclose()

    async with open_server(once) as server, open_client(server.base_url) as client:
        for _ in range(3):
            assert await ask(client) == EVENTS
            await server.wait_all_closed()
        assert server.connections == 3


async def test_a_body_that_ends_a_little_after_its_last_event_leaves_the_connection_usable() -> None:
    async def late_end(stream: trio.SocketStream, _: Received) -> None:
        await stream.send_all(GOOD.removesuffix(b"0\r\n\r\n"))
        with trio.move_on_after(0.02):
            await stream.receive_some()
        await stream.send_all(b"0\r\n\r\n")

    async with open_server(late_end) as server, open_client(server.base_url) as client:
        for _ in range(3):
            assert await ask(client) == EVENTS
        assert server.connections == 1


async def test_a_body_that_never_ends_after_its_last_event_costs_its_connection_only() -> None:
    endless = hang(GOOD.removesuffix(b"0\r\n\r\n"))
    async with open_server(endless) as server, open_client(server.base_url) as client:
        for _ in range(2):
            with trio.fail_after(30):
                assert await ask(client) == EVENTS
        await server.wait_all_closed()


async def test_an_answer_whose_last_event_lacks_its_blank_line_is_whole() -> None:
    body = event_bytes(*WHOLE).rstrip()
    async with open_server(head() + chunk(body) + b"0\r\n\r\n") as server, open_client(server.base_url) as client:
        assert await ask(client) == EVENTS


async def test_cancelling_while_a_refusal_is_read_closes_the_connection() -> None:
    half = b"HTTP/1.1 500 Sorry\r\ncontent-length: 1000\r\n\r\nhalf"
    async with open_server(hang(half)) as server, open_client(server.base_url) as client:
        for _ in range(2):
            with trio.move_on_after(0.1):
                await ask(client)
            await server.wait_all_closed()


async def test_a_request_of_two_megabytes_goes_out_whole() -> None:
    text = "ä" * 1_000_000
    async with open_server(GOOD) as server, open_client(server.base_url) as client:
        for _ in range(2):
            assert await ask(client, request(input=[{"type": "message", "content": text}])) == EVENTS
        assert [received.json()["input"][0]["content"] for received in server.received] == [text, text]


async def test_a_lone_surrogate_in_the_input_becomes_a_replacement_character() -> None:
    async with open_server(GOOD) as server, open_client(server.base_url) as client:
        await ask(client, request(input=["a\udc80b"]))
        assert set(server.received[0].json()["input"][0]) == set("a\ufffdb")


async def test_an_event_of_two_megabytes_comes_in_whole() -> None:
    text = "word " * 400_000
    big = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text}
    async with open_server(stream_answer(CREATED, big, *WHOLE[3:])) as server, open_client(server.base_url) as client:
        events = await ask(client)
    assert events[1] == OutputTextDelta("msg_1", text)


async def test_an_answer_that_is_compressed_all_the_same_is_understood() -> None:
    packed = gzip.compress(event_bytes(*WHOLE))
    pieces = b"".join(chunk(packed[at : at + 7]) for at in range(0, len(packed), 7))
    answer = head(content_encoding="gzip") + pieces + b"0\r\n\r\n"
    async with open_server(answer) as server, open_client(server.base_url) as client:
        events = await ask(client)
        assert (events[0], events[-1]) == (EVENTS[0], EVENTS[-1])
        assert server.received[0].headers["accept-encoding"] == "identity"


async def test_an_encoding_that_cannot_be_undone_is_named() -> None:
    async with open_server(head(content_encoding="br") + chunk(b"x")) as server:
        async with open_client(server.base_url) as client:
            for _ in range(2):
                _, error = await ask_and_fail(client)
                assert "content-encoding 'br', which was not asked for" in error.message
        await server.wait_all_closed()


async def test_bytes_may_come_one_by_one() -> None:
    async def drip(stream: trio.SocketStream, _: Any) -> None:
        for byte in stream_answer(*WHOLE):
            await stream.send_all(bytes([byte]))

    async with open_server(drip) as server, open_client(server.base_url) as client:
        assert await ask(client) == EVENTS


async def test_a_refusal_before_the_request_was_read_is_understood() -> None:
    async def early(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(refusal("413 Payload Too Large", "too much", connection="close"))
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, early, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        async with open_client(f"http://127.0.0.1:{port}/v1") as client:
            for _ in range(2):
                _, error = await ask_and_fail(client, request(input=["x" * 20_000_000]))
                assert "unexpected status 413 Payload Too Large: too much" in error.message
                assert error.kind == "bad_request"
        nursery.cancel_scope.cancel()


async def test_many_streams_run_at_once() -> None:
    async with open_server(GOOD) as server, open_client(server.base_url) as client:
        answers: list[Any] = []

        async def one() -> None:
            answers.append(await ask(client))

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(one)
        assert answers == [EVENTS] * 50
        assert len(server.received) == 50


async def test_requests_go_through_the_proxy_of_the_environment() -> None:
    async with open_server(GOOD) as proxy:
        environ = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"}
        async with open_client("http://model.invalid/v1", environ=environ) as client:
            for _ in range(2):
                assert await ask(client) == EVENTS
        assert [received.target for received in proxy.received] == ["http://model.invalid/v1/responses"] * 2


async def test_no_proxy_goes_straight() -> None:
    async with open_server(GOOD) as server, open_server(refusal("500 No")) as proxy:
        environ = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "localhost,127.0.0.1"}
        async with open_client(server.base_url, environ=environ) as client:
            assert await ask(client) == EVENTS
        assert proxy.received == []


async def test_leaving_early_closes_the_response_behind_a_proxy_too() -> None:
    async with open_server(STALLED) as proxy:
        environ = {"ALL_PROXY": f"http://127.0.0.1:{proxy.port}"}
        async with open_client("http://model.invalid/v1", environ=environ) as client:
            for _ in range(2):
                async with client.stream(request()) as batches:
                    async for _ in batches:
                        break
                await proxy.wait_all_closed()


async def test_a_cut_behind_a_proxy_is_the_same_failure() -> None:
    async with open_server(cut(head(), chunk(event_bytes(CREATED)))) as proxy:
        environ = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}"}
        async with open_client("http://model.invalid/v1", environ=environ) as client:
            for _ in range(2):
                events, error = await ask_and_fail(client)
                assert events == EVENTS[:1]
                assert error.message.endswith("Transport error: network error: error decoding response body")


async def test_a_proxy_that_is_down_is_named() -> None:
    async with open_server(GOOD) as proxy:
        pass
    environ = {"HTTP_PROXY": f"http://user:secret@127.0.0.1:{proxy.port}"}
    async with open_client("http://model.invalid/v1", environ=environ) as client:
        _, error = await ask_and_fail(client)
    assert error.message.startswith(f"connection refused by the proxy http://127.0.0.1:{proxy.port}")
    assert "secret" not in error.message
    assert not error.retryable
