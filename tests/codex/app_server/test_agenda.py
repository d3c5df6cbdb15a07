"""Goals and queues over a wire: turns begin by themselves, one after the other, and a resume goes on."""

from pathlib import Path
from typing import Any

from tests.codex.app_server.wires import WireClient, open_server, open_wire


def said(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def answers(*texts: str) -> list[list[dict[str, Any]]]:
    return [[{"type": "text", "text": text}] for text in texts]


def call(name: str, call_id: str, **arguments: object) -> list[dict[str, Any]]:
    return [{"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}]


async def until_goal(client: WireClient, thread_id: str, status: str) -> dict[str, Any]:
    while True:
        told = await client.until("thread/goal/updated")
        assert told["threadId"] == thread_id
        if told["goal"]["status"] == status:
            return told["goal"]


async def test_an_active_goal_begins_turns_until_the_model_says_it_is_reached(tmp_path: Path) -> None:
    script = [*answers("first", "second"), call("update_goal", "u", status="complete"), *answers("third")]
    async with open_server(tmp_path, script) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        done = await client.call("thread/goal/set", {"threadId": thread_id, "objective": "make it"})
        assert (done["goal"]["status"], done["goal"]["tokensUsed"]) == ("active", 0)
        texts = list[str]()
        for _ in range(3):
            ended = (await client.until("turn/completed"))["turn"]
            texts += [item["text"] for item in ended["items"]]
        assert texts == ["first", "second", "third"]
        told = client.told(thread_id=thread_id)
        assert "item/started userMessage" not in told
        assert "item/started dynamicToolCall" not in told
        goal = (await client.call("thread/goal/get", {"threadId": thread_id}))["goal"]
        assert goal["status"] == "complete"
        assert goal["tokensUsed"] > 0
        assert await client.call("thread/goal/clear", {"threadId": thread_id}) == {"cleared": True}
        assert await client.until("thread/goal/cleared") == {"threadId": thread_id}
        assert await client.call("thread/goal/clear", {"threadId": thread_id}) == {"cleared": False}


async def test_a_goal_of_the_model_s_ends_with_its_budget(tmp_path: Path) -> None:
    script = [call("create_goal", "c", objective="much", token_budget=5), *answers("made it"), *answers("more")]
    async with open_server(tmp_path, script) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.run_turn(thread_id, "work on it")
        goal = (await client.call("thread/goal/get", {"threadId": thread_id}))["goal"]
        assert (goal["objective"], goal["status"], goal["tokenBudget"]) == ("much", "budgetLimited", 5)
        refused = await client.call("thread/goal/set", {"threadId": thread_id, "objective": ""})
        assert refused["error"] == {"code": -32600, "message": "goal objective must not be empty"}


async def test_an_interrupted_turn_pauses_the_goal(tmp_path: Path) -> None:
    script = [call("exec_command", "s", cmd="sleep 1000", yield_time_ms=30_000), *answers("late")]
    async with open_server(tmp_path, script) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.call("thread/goal/set", {"threadId": thread_id, "objective": "make it"})
        turn_id = (await client.until("turn/started"))["turn"]["id"]
        while (await client.until("item/started"))["item"]["type"] != "commandExecution":
            pass
        await client.call("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        assert (await until_goal(client, thread_id, "paused"))["objective"] == "make it"


async def test_what_waits_begins_after_the_running_turn_in_its_order(tmp_path: Path) -> None:
    script = [call("exec_command", "s", cmd="sleep 1000", yield_time_ms=30_000), *answers("b", "c"), *answers("d")]
    async with open_server(tmp_path, script) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        turn = await client.call("turn/start", {"threadId": thread_id, "input": said("go")})
        ids = list[str]()
        for text in ("one", "two", "three"):
            params = {"threadId": thread_id, "input": said(text), "clientUserMessageId": text}
            ids.append((await client.call("thread/queue/add", params))["queuedSubmission"]["id"])
        listed = await client.call("thread/queue/list", {"threadId": thread_id, "limit": 2})
        assert ([one["id"] for one in listed["data"]], listed["nextCursor"]) == (ids[:2], "2")
        order = {"threadId": thread_id, "queuedSubmissionIds": [ids[2], ids[0], ids[1]]}
        assert await client.call("thread/queue/reorder", order) == {}
        wrong = await client.call("thread/queue/reorder", {**order, "queuedSubmissionIds": ids[:1]})
        assert wrong["error"]["message"] == "queue reorder must include every queued submission exactly once"
        one = {"threadId": thread_id, "queuedSubmissionId": ids[1]}
        assert await client.call("thread/queue/delete", one) == {"deleted": True}
        assert await client.call("thread/queue/delete", one) == {"deleted": False}
        changed = {"threadId": thread_id, "queuedSubmissionId": ids[0], "input": said("one, changed")}
        assert (await client.call("thread/queue/update", changed))["queuedSubmission"]["input"][0]["text"] == (
            "one, changed"
        )
        await client.call("turn/interrupt", {"threadId": thread_id, "turnId": turn["turn"]["id"]})
        texts = list[str]()
        while len(texts) < 2:
            item = (await client.until("item/completed"))["item"]
            if item["type"] == "userMessage":
                texts.append(item["content"][0]["text"])
        assert texts == ["three", "one, changed"]
        while (await client.call("thread/queue/list", {"threadId": thread_id}))["data"]:
            pass
        nothing = await client.call("thread/queue/start", {"threadId": thread_id})
        assert nothing["error"] == {"code": -32600, "message": "queue is empty"}


async def test_a_goal_and_what_waits_are_still_there_after_the_server_ended(tmp_path: Path) -> None:
    async with open_server(tmp_path, answers("first")) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.run_turn(thread_id, "hello")
        paused = {"threadId": thread_id, "objective": "make it", "status": "paused", "tokenBudget": 100_000}
        await client.call("thread/goal/set", paused)
    done = [call("update_goal", "u", status="complete"), *answers("done")]
    async with open_server(tmp_path, done) as server, open_wire(server) as client:
        await client.call("thread/resume", {"threadId": thread_id})
        told = await client.until("thread/goal/updated")
        assert (told["goal"]["objective"], told["goal"]["status"]) == ("make it", "paused")
        await client.call("thread/goal/set", {"threadId": thread_id, "status": "active"})
        assert (await until_goal(client, thread_id, "complete"))["tokenBudget"] == 100_000
        await client.until("turn/completed")
        assert await client.call("thread/delete", {"threadId": thread_id}) == {}
    assert list((tmp_path / "home" / "agendas").iterdir()) == []
