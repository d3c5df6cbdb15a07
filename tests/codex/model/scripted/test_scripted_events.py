"""A turn's items as Responses events."""

import pytest

from codex.base.jsontext import Json, JsonObject, get_object, get_str
from codex.model.scripted.events import Answered, BreakOff, Deltas, Pause, Raw, Wire, steps, wire_events


def answered(*items: JsonObject, **more: object) -> Answered:
    return Answered(items, "m", 400, response_id="resp_1", **more)  # pyright: ignore[reportArgumentType]


def test_a_text_is_told_from_created_to_completed() -> None:
    message: JsonObject = {"type": "message", "id": "m1", "role": "assistant", "phase": "commentary"}
    at: JsonObject = {"item_id": "m1", "output_index": 0, "content_index": 0}
    done: JsonObject = {"type": "output_text", "text": "Hello", "annotations": []}
    usage: JsonObject = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 101,
    }
    item: JsonObject = {**message, "status": "completed", "content": [done]}
    response: JsonObject = {"id": "resp_1", "object": "response", "model": "m"}
    begun: JsonObject = {**response, "status": "in_progress", "output": [], "usage": None}
    expected: list[JsonObject] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **at, "part": {**done, "text": ""}},
        {"type": "response.output_text.delta", **at, "logprobs": [], "delta": "Hel"},
        {"type": "response.output_text.delta", **at, "logprobs": [], "delta": "lo"},
        {"type": "response.output_text.done", **at, "text": "Hello", "logprobs": []},
        {"type": "response.content_part.done", **at, "part": done},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [item], "usage": usage},
        },
    ]
    told = list(
        wire_events(answered({"type": "text", "text": "Hello", "chunks": 2, "id": "m1", "phase": "commentary"}))
    )
    assert told == [{**event, "sequence_number": n} for n, event in enumerate(expected)]


def done_items(*items: JsonObject) -> list[JsonObject]:
    return [
        get_object(event, "item") for event in wire_events(answered(*items)) if str(event["type"]).endswith("item.done")
    ]


def test_calls_and_reasoning_end_as_the_items_the_server_keeps() -> None:
    assert done_items(
        {"type": "reasoning", "id": "r", "summary": "think", "content": ["raw"], "encrypted": "E"},
        {"type": "function_call", "id": "f", "name": "ls", "call_id": "c1", "arguments": {"p": "é"}, "namespace": "n"},
        {"type": "custom_tool_call", "id": "x", "name": "patch", "call_id": "c2", "input": "***"},
        {"type": "web_search_call", "id": "w", "status": "completed"},
        {"type": "raw_item", "item": {"type": "new_thing"}},
    ) == [
        {
            "type": "reasoning",
            "id": "r",
            "summary": [{"type": "summary_text", "text": "think"}],
            "content": [{"type": "reasoning_text", "text": "raw"}],
            "encrypted_content": "E",
        },
        {
            "type": "function_call",
            "id": "f",
            "name": "ls",
            "namespace": "n",
            "call_id": "c1",
            "status": "completed",
            "arguments": '{"p": "é"}',
        },
        {
            "type": "custom_tool_call",
            "id": "x",
            "name": "patch",
            "call_id": "c2",
            "status": "completed",
            "input": "***",
        },
        {"type": "web_search_call", "id": "w", "status": "completed"},
        {"type": "new_thing"},
    ]


def test_ids_that_are_not_given_are_new_in_every_answer() -> None:
    call: JsonObject = {"type": "function_call", "name": "ls"}
    first, second = done_items(call, call)
    assert len({get_str(item, key) for item in (first, second) for key in ("id", "call_id")}) == 4
    assert get_str(first, "id").startswith("fc_")
    assert get_str(first, "arguments") == "{}"


def test_usage_given_by_the_script_wins() -> None:
    usage: JsonObject = {"input": 7, "output": 8, "cached": 5, "cache_write": 2, "reasoning": 3}
    *_, last = wire_events(answered(usage=usage, end_turn=False))
    response = get_object(last, "response")
    assert response["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }
    assert response["end_turn"] is False


def test_usage_that_is_not_given_is_a_quarter_of_what_was_received_and_sent() -> None:
    *_, last = wire_events(answered({"type": "text", "text": "x" * 19}, {"type": "function_call", "name": "f"}))
    usage = get_object(get_object(last, "response"), "usage")
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 5)


def test_a_text_cut_after_its_last_delta_is_a_finished_item() -> None:
    told = list(steps(answered({"type": "text", "deltas": ["a", "b"], "cut_after": 2})))
    assert isinstance(told[-2], Wire)
    assert told[-2].event["type"] == "response.output_item.done"
    assert told[-1] == BreakOff("cut")


def test_twenty_thousand_deltas_are_one_run() -> None:
    item: JsonObject = {"type": "text", "repeat_delta": ["word ", 20_000], "events_per_write": 16, "delay": 0.5}
    [run] = [step for step in steps(answered(item)) if isinstance(step, Deltas)]
    assert (len(run.deltas), run.per_write, run.delay) == (20_000, 16, 0.5)
    *_, last = wire_events(answered(item))
    assert last["sequence_number"] == 20_000 + 7


@pytest.mark.parametrize(
    ("item", "deltas", "how"),
    [
        ({"type": "text", "deltas": ["a", "b", "c"], "cut_after": 2}, ["a", "b"], "cut"),
        ({"type": "cut"}, [], "cut"),
        ({"type": "eof"}, [], "eof"),
    ],
)
def test_nothing_follows_a_break(item: JsonObject, deltas: list[str], how: str) -> None:
    told = list(steps(answered(item, {"type": "text", "text": "never"})))
    assert [list(step.deltas) for step in told if isinstance(step, Deltas)] == ([deltas] if deltas else [])
    last = told[-1]
    assert isinstance(last, BreakOff)
    assert last.how == how


def test_a_failure_and_an_incomplete_answer_end_the_stream() -> None:
    after: JsonObject = {"type": "text", "text": "never"}
    *_, failed = wire_events(answered({"type": "failed", "code": "c", "message": "m"}, after))
    *_, incomplete = wire_events(answered({"type": "incomplete", "reason": "content_filter"}, after))
    assert get_object(failed, "response")["error"] == {"code": "c", "message": "m"}
    assert get_object(incomplete, "response")["incomplete_details"] == {"reason": "content_filter"}


def test_pauses_and_raw_pieces_stand_where_the_script_puts_them() -> None:
    event: Json = {"type": "response.new"}
    told = list(
        steps(
            answered(
                {"type": "sleep", "seconds": 2},
                {"type": "raw_event", "event": event},
                {"type": "raw_event", "data": "{bad"},
                {"type": "raw_bytes", "data": ": hi\n\n"},
            )
        )
    )
    assert told[2:-1] == [Pause(2.0), Wire({"type": "response.new"}), Raw(b"data: {bad\n\n"), Raw(b": hi\n\n")]
