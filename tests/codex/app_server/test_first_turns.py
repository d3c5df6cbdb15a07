"""A client speaks to a server: the handshake, a thread, a turn, and what is told of them."""

from pathlib import Path

from tests.codex.app_server.wires import open_server, open_wire

_HELLO = [[{"type": "text", "deltas": ["Hello ", "there."]}]]
_TURN = [
    "thread/started",
    "thread/status/changed active",
    "turn/started",
    "item/started userMessage",
    "item/completed userMessage",
    "item/started agentMessage",
    "item/agentMessage/delta",
    "item/agentMessage/delta",
    "item/completed agentMessage",
    "thread/tokenUsage/updated",
    "account/rateLimits/updated",
    "thread/readState/changed",
    "thread/status/changed idle",
    "turn/completed",
]


async def test_a_turn_is_told_in_codex_order(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        done = await client.run_turn(thread_id, "hi")
        assert client.told() == _TURN
        assert [item["text"] for item in done["turn"]["items"]] == ["Hello there."]


async def test_the_answer_to_a_turn_start_comes_before_what_the_turn_tells(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        request = await client.request("turn/start", {"threadId": thread_id, "input": [{"type": "text", "text": "x"}]})
        answer = await client.answer_of(request)
        assert client.told() == ["thread/started"]
        started = await client.until("turn/started")
        assert started["turn"]["id"] == answer["turn"]["id"]


async def test_what_a_client_does_not_want_to_hear_is_not_told(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server, greet=False) as client:
        await client.greet(opt_out=["item/agentMessage/delta", "thread/started"])
        await client.run_turn(await client.start_thread())
        assert client.told() == [told for told in _TURN if told not in ("item/agentMessage/delta", "thread/started")]


async def test_unknown_methods_and_bad_params_are_told_by_name(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        unknown = (await client.call("nosuch/method"))["error"]
        assert unknown["code"] == -32600
        assert unknown["message"].startswith("Invalid request: unknown variant `nosuch/method`, expected one of ")
        wrong = (await client.call("thread/start", {"cwd": 5}))["error"]
        assert wrong["message"] == "Invalid request: invalid type: integer `5`, expected a string at `cwd`"
        review = (await client.call("review/start", {"threadId": "x", "target": {"type": "uncommittedChanges"}}))[
            "error"
        ]
        assert review == {"code": -32600, "message": "review/start is not supported by this server"}
