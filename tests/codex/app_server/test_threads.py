"""Threads over the wire: started, found, joined, forked, changed, put away."""

from pathlib import Path

import trio

from tests.codex.app_server.wires import WireClient, open_server, open_wire

_TALK = {"turns": [[{"deltas": ["Hello ", "there."], "type": "text"}]], "loop": True}
_SLOW = {"turns": [[{"type": "text", "repeat_delta": ["word ", 400], "delay": 0.01}]], "loop": True}


def said(turn: dict[str, object]) -> list[str]:
    """The types of a turn's items."""
    items = turn["items"]
    assert isinstance(items, list)
    return [item["type"] for item in items]


async def test_a_stored_thread_is_resumed_by_another_server_with_its_turns(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        done = await client.run_turn(thread_id, "hi")
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        resumed = await client.call("thread/resume", {"threadId": thread_id})
        (turn,) = resumed["thread"]["turns"]
        assert (turn["id"], turn["status"], said(turn)) == (
            done["turn"]["id"],
            "completed",
            ["userMessage", "agentMessage"],
        )
        assert resumed["thread"]["preview"] == "hi"
        assert client.told() == ["deprecationNotice", "thread/status/changed idle"]
        usage = await client.until("thread/tokenUsage/updated")
        assert usage["tokenUsage"]["total"]["totalTokens"] > 0
        await client.run_turn(thread_id, "again")
        page = await client.call(
            "thread/turns/list", {"threadId": thread_id, "sortDirection": "asc", "itemsView": "full"}
        )
        assert [said(turn) for turn in page["data"]] == [["userMessage", "agentMessage"]] * 2


async def test_a_client_joins_in_mid_turn_and_the_turn_outlives_the_one_who_started_it(tmp_path: Path) -> None:
    async with open_server(tmp_path, _SLOW) as server, open_wire(server) as second:
        async with open_wire(server) as first:
            thread_id = await first.start_thread()
            said_it = [{"type": "text", "text": "go"}]
            turn_id = (await first.call("turn/start", {"threadId": thread_id, "input": said_it}))["turn"]["id"]
            await first.until("item/agentMessage/delta")
            joined = await second.call("thread/resume", {"threadId": thread_id})
        (running,) = joined["thread"]["turns"]
        assert (running["id"], running["status"], said(running)) == (
            turn_id,
            "inProgress",
            ["userMessage", "agentMessage"],
        )
        assert joined["thread"]["status"] == {"type": "active", "activeFlags": []}
        begun = running["items"][1]["text"]
        await second.until("turn/completed")
        deltas = [
            message["params"]["delta"] for message in second.seen if message.get("method") == "item/agentMessage/delta"
        ]
        assert begun + "".join(deltas) == "word " * 400


async def test_a_fork_begins_with_the_turns_of_its_source_and_goes_its_own_way(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        source = await client.start_thread()
        first = (await client.run_turn(source, "one"))["turn"]["id"]
        await client.run_turn(source, "two")
        fork = (await client.call("thread/fork", {"threadId": source, "lastTurnId": first}))["thread"]
        assert (fork["forkedFromId"], [turn["id"] for turn in fork["turns"]]) == (source, [first])
        await client.run_turn(fork["id"], "three")
        turns = await client.call("thread/turns/list", {"threadId": fork["id"]})
        assert len(turns["data"]) == 2
        loaded = await client.call("thread/loaded/list")
        assert loaded["data"] == sorted([source, fork["id"]])


async def test_a_thread_is_named_listed_archived_brought_back_and_deleted(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.run_turn(thread_id, "hi")
        assert await client.call("thread/name/set", {"threadId": thread_id, "name": "mine"}) == {}
        (listed,) = (await client.call("thread/list", {}))["data"]
        assert (listed["id"], listed["name"], listed["status"]) == (thread_id, "mine", {"type": "idle"})
        assert await client.call("thread/archive", {"threadId": thread_id}) == {}
        assert (await client.call("thread/list", {}))["data"] == []
        assert [one["id"] for one in (await client.call("thread/list", {"archived": True}))["data"]] == [thread_id]
        back = await client.call("thread/unarchive", {"threadId": thread_id})
        assert back["thread"]["status"] == {"type": "notLoaded"}
        assert await client.call("thread/unsubscribe", {"threadId": thread_id}) == {"status": "notLoaded"}
        assert await client.call("thread/delete", {"threadId": thread_id}) == {}
        missing = await client.call("thread/resume", {"threadId": thread_id})
        assert missing["error"]["message"] == f"no rollout found for thread id {thread_id}"
        assert [told for told in client.told() if told.startswith("thread/")][-5:] == [
            "thread/name/updated",
            "thread/status/changed notLoaded",
            "thread/archived",
            "thread/unarchived",
            "thread/deleted",
        ]


async def test_a_revert_takes_a_turn_and_all_after_it_out_of_the_history(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        first = (await client.run_turn(thread_id, "one"))["turn"]["id"]
        second = (await client.run_turn(thread_id, "two"))["turn"]["id"]
        missing = await client.call("thread/revert", {"threadId": thread_id})
        assert missing["error"]["message"] == "Invalid request: missing field `beforeTurnId`"
        await client.call("thread/revert", {"threadId": thread_id, "beforeTurnId": second})
        await client.until("thread/reverted")
        turns = await client.call("thread/turns/list", {"threadId": thread_id})
        assert [turn["id"] for turn in turns["data"]] == [first]
        await client.run_turn(thread_id, "three")


async def test_a_revert_to_a_turn_that_is_not_there_leaves_the_thread_at_work(tmp_path: Path) -> None:
    async with open_server(tmp_path, _SLOW) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await _begun(client, thread_id)
        wrong = await client.call("thread/revert", {"threadId": thread_id, "beforeTurnId": "nope"})
        assert wrong["error"] == {"code": -32600, "message": "turn not found: nope"}
        assert (await client.until("turn/completed"))["turn"]["status"] == "completed"


async def test_a_reverted_thread_is_told_to_be_idle_again(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        turn_id = (await client.run_turn(thread_id))["turn"]["id"]
        told = len(client.told())
        await client.call("thread/revert", {"threadId": thread_id, "beforeTurnId": turn_id})
        await client.until("thread/reverted")
        assert client.told()[told:] == [
            "thread/status/changed notLoaded",
            "thread/status/changed idle",
            "thread/reverted",
        ]


async def test_a_fork_keeps_the_name_and_is_listed(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        await client.run_turn(thread_id)
        await client.call("thread/name/set", {"threadId": thread_id, "name": "Mine"})
        fork = (await client.call("thread/fork", {"threadId": thread_id}))["thread"]
        listed = (await client.call("thread/list", {}))["data"]
        assert {(one["id"], one["name"], one["source"], one["originator"]) for one in listed} == {
            (thread_id, "Mine", "vscode", "lab"),
            (fork["id"], "Mine", "vscode", "lab"),
        }


async def test_a_resume_brings_what_pages_go_on_from(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        turns = [(await client.run_turn(thread_id))["turn"]["id"] for _ in range(3)]
        wanted = {"threadId": thread_id, "excludeTurns": True, "initialTurnsPage": {"limit": 2}}
        resumed = await client.call("thread/resume", wanted)
        assert [turn["id"] for turn in resumed["initialTurnsPage"]["data"]] == [turns[2], turns[1]]
        assert resumed["collaborationMode"]["mode"] == "default"
        page = await client.call(
            "thread/turns/list", {"threadId": thread_id, "cursor": resumed["turnsBackwardsCursor"], "limit": 1}
        )
        assert [turn["id"] for turn in page["data"]] == turns[2:]
        page = await client.call(
            "thread/items/list",
            {"threadId": thread_id, "cursor": resumed["itemsBackwardsCursor"], "sortDirection": "desc", "limit": 1},
        )
        assert [(entry["turnId"], entry["item"]["type"]) for entry in page["data"]] == [(turns[2], "agentMessage")]


async def test_a_profile_is_named_where_the_rights_are_those_of_one(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        started = await client.call("thread/start", {"sandbox": "read-only"})
        assert started["activePermissionProfile"] == {"id": ":read-only", "extends": None}


async def test_a_second_start_in_a_running_turn_steers_it(tmp_path: Path) -> None:
    async with open_server(tmp_path, _SLOW) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        turn_id = await _begun(client, thread_id)
        more = {"threadId": thread_id, "input": [{"type": "text", "text": "more"}]}
        assert (await client.call("turn/start", more))["turn"]["id"] == turn_id
        assert await client.call("turn/steer", {**more, "expectedTurnId": turn_id}) == {"turnId": turn_id}
        wrong = await client.call("turn/steer", {**more, "expectedTurnId": "another"})
        assert wrong["error"]["message"] == f"expected active turn id `another` but found `{turn_id}`"
        assert await client.call("turn/interrupt", {"threadId": thread_id, "turnId": turn_id}) == {}
        ended = await client.until("turn/completed")
        assert (ended["turn"]["status"], ended["turn"]["items"]) == ("interrupted", [])


async def test_what_a_client_calls_its_messages_is_told_and_stored(tmp_path: Path) -> None:
    async with open_server(tmp_path, _SLOW) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        said = [{"type": "text", "text": "go"}]
        start = {"threadId": thread_id, "input": said, "clientUserMessageId": "first"}
        turn_id = (await client.call("turn/start", start))["turn"]["id"]
        await client.until("item/agentMessage/delta")
        steer = {"threadId": thread_id, "input": said, "expectedTurnId": turn_id, "clientUserMessageId": "second"}
        await client.call("turn/steer", steer)
        await client.call("thread/queue/add", {"threadId": thread_id, "input": said, "clientUserMessageId": "third"})
        await client.until("turn/completed")
        await client.until("turn/completed")
        told = [one["params"]["item"] for one in client.seen if one.get("method") == "item/completed"]
        entries = (await client.call("thread/items/list", {"threadId": thread_id}))["data"]
        for items in (told, [entry["item"] for entry in entries]):
            assert [item["clientId"] for item in items if item["type"] == "userMessage"] == ["first", "second", "third"]


async def test_the_end_of_a_command_in_the_background_is_told_after_its_turn(tmp_path: Path) -> None:
    goes_on = {"cmd": "sleep 600", "login": False, "yield_time_ms": 250}
    call = {"type": "function_call", "name": "exec_command", "call_id": "c1", "arguments": goes_on}
    async with open_server(tmp_path, [[call], [{"type": "text", "text": "It runs."}]]) as server:
        async with open_wire(server) as client:
            thread_id = await client.start_thread()
            turn_id = (await client.run_turn(thread_id))["turn"]["id"]
            (running,) = (await client.call("thread/backgroundTerminals/list", {"threadId": thread_id}))["data"]
            wanted = {"threadId": thread_id, "processId": running["processId"]}
            await client.request("thread/backgroundTerminals/terminate", wanted)
            ended = await client.until("item/completed")
            assert (ended["turnId"], ended["item"]["id"], ended["item"]["status"]) == (turn_id, "c1", "failed")


async def test_an_interrupt_tells_no_end_of_the_half_message(tmp_path: Path) -> None:
    async with open_server(tmp_path, _SLOW) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        turn_id = await _begun(client, thread_id)
        await client.call("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        await client.until("turn/completed")
        assert "item/completed agentMessage" not in client.told()


async def test_settings_hold_from_the_next_turn_on_and_are_told(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        other = tmp_path / "other"
        other.mkdir()
        await client.run_turn(thread_id, "hi", model="gpt-5.5-mini", effort="high", cwd=str(other))
        told = [message["params"] for message in client.seen if message.get("method") == "thread/settings/updated"]
        (settings,) = [one["threadSettings"] for one in told]
        assert (settings["model"], settings["effort"], settings["cwd"]) == ("gpt-5.5-mini", "high", str(other))
        resumed = await client.call("thread/resume", {"threadId": thread_id, "excludeTurns": True})
        assert (resumed["model"], resumed["cwd"]) == ("gpt-5.5-mini", str(other))


async def test_a_users_command_and_items_of_a_client_become_part_of_the_thread(tmp_path: Path) -> None:
    async with open_server(tmp_path, _TALK) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "injected"}]}
        assert await client.call("thread/inject_items", {"threadId": thread_id, "items": [item]}) == {}
        assert await client.call("thread/shellCommand", {"threadId": thread_id, "command": "echo from me"}) == {}
        ended = await client.until("item/completed")
        assert (ended["item"]["source"], ended["item"]["aggregatedOutput"]) == ("userShell", "from me\n")
        await client.until("turn/completed")
        await client.run_turn(thread_id, "and now")
        texts = (Path(server.server.feeds[thread_id].thread.rollout_path or "")).read_text()
        assert "injected" in texts


async def _begun(client: WireClient, thread_id: str) -> str:
    """Start a turn, and wait until the model speaks."""
    said_it = [{"type": "text", "text": "go"}]
    turn_id = (await client.call("turn/start", {"threadId": thread_id, "input": said_it}))["turn"]["id"]
    await client.until("item/agentMessage/delta")
    await trio.lowlevel.checkpoint()
    return turn_id
