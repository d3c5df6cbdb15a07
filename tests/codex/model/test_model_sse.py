"""Splitting server-sent events: any chunking, any line end, any noise gives the same objects."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.model import sse
from codex.model.sse import DONE_TYPE, EventSplitter, EventTooLarge
from codex.model.stream import ResponsesDecoder
from codex.ports.model import OutputTextDelta, ReasoningTextDelta, ResponseCompleted

OBJECTS = st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=20), st.integers(-9, 9)), max_size=3)
NOISE = st.sampled_from([": comment", "event: x", "id: 1", "retry: 10", "unknown: field", "data", "nothing"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def split_all(chunks: list[bytes]) -> list[Any]:
    splitter = EventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.finish()


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[dict[str, Any]]]:
    expected: list[dict[str, Any]] = []
    text = ""
    line_end = draw(ENDS)
    for _ in range(draw(st.integers(0, 6))):
        lines = draw(st.lists(NOISE, max_size=2))
        if draw(st.booleans()):
            value = draw(OBJECTS)
            # Spread over several `data` lines where JSON may have line breaks.
            body = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
            space = draw(st.sampled_from(["", " "]))
            lines += [f"data:{space}{line}" for line in body.split("\n")]
            expected.append(value)
        text += line_end.join(lines) + line_end + line_end * draw(st.integers(1, 3))
    return text.encode("utf-8", "replace"), expected


@given(streams(), st.lists(st.integers(0, 400), max_size=12))
def test_any_chunking_gives_the_same_events(stream: tuple[bytes, list[dict[str, Any]]], cuts: list[int]) -> None:
    data, expected = stream
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    assert split_all([data[a:b] for a, b in itertools.pairwise(at)]) == expected


@given(streams())
def test_bytes_one_by_one_give_the_same_events(stream: tuple[bytes, list[dict[str, Any]]]) -> None:
    data, expected = stream
    assert split_all([bytes([byte]) for byte in data]) == expected


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_garbage_never_raises(chunks: list[bytes]) -> None:
    split_all(chunks)


def test_a_byte_order_mark_is_passed_over_even_when_it_is_split() -> None:
    assert split_all([b"\xef", b"\xbb", b"\xbfdata: {}\n\n"]) == [{}]
    assert split_all([b'\xef\xbb\xbfdata: {"a":1}\n\n']) == [{"a": 1}]


def test_the_end_of_the_body_ends_the_last_event() -> None:
    assert split_all([b'data: {"a":1}']) == [{"a": 1}]
    assert split_all([b'data: {"a":1}\n']) == [{"a": 1}]


def test_done_is_told_as_an_object() -> None:
    assert split_all([b"data: [DONE]\n\n"]) == [{"type": DONE_TYPE}]


def test_a_lone_line_break_as_the_first_chunk_of_a_crlf_pair_is_one_line_end() -> None:
    assert split_all([b'data: {"a":1}\r', b"\n\r", b'\ndata: {"b":2}\r\n\r\n']) == [{"a": 1}, {"b": 2}]


def test_an_endless_event_is_given_up() -> None:
    splitter = EventSplitter()
    piece = b"data: " + b"x" * (sse.MAX_EVENT_BYTES // 4)
    for _ in range(3):
        splitter.feed(piece)
    with pytest.raises(EventTooLarge):
        splitter.feed(piece)


def delta(text: str, item: str = "m") -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item, "delta": text}


@given(st.lists(st.tuples(st.sampled_from(["m", "n"]), st.text(max_size=3)), max_size=20), st.integers(1, 5))
def test_merged_deltas_say_the_same_in_the_same_order(deltas: list[tuple[str, str]], size: int) -> None:
    decoder = ResponsesDecoder()
    objects = [delta(text, item) for item, text in deltas]
    events = [e for at in range(0, len(objects), size) for e in decoder.feed(objects[at : at + size])]
    flat = [(e.item_id, letter) for e in events if isinstance(e, OutputTextDelta) for letter in e.delta]
    assert flat == [(item, letter) for item, text in deltas for letter in text]


def test_deltas_of_one_item_that_came_together_are_one() -> None:
    assert ResponsesDecoder().feed([delta("a"), delta("b"), delta("c", "n")]) == [
        OutputTextDelta("m", "ab"),
        OutputTextDelta("n", "c"),
    ]


def test_a_delta_without_an_item_belongs_to_the_item_that_was_added_last() -> None:
    added = {"type": "response.output_item.added", "item": {"id": "m7", "type": "message"}}
    events = ResponsesDecoder().feed([added, {"type": "response.output_text.delta", "delta": "x"}])
    assert events[1] == OutputTextDelta("m7", "x")


def test_reasoning_comes_as_summary_and_raw() -> None:
    events = ResponsesDecoder().feed(
        [
            {"type": "response.reasoning_summary_text.delta", "item_id": "r", "delta": "a", "summary_index": 0},
            {"type": "response.reasoning_summary_text.delta", "item_id": "r", "delta": "b", "summary_index": 0},
            {"type": "response.reasoning_text.delta", "item_id": "r", "delta": "c"},
        ]
    )
    assert events == [ReasoningTextDelta("r", "ab"), ReasoningTextDelta("r", "c", raw=True)]


def test_usage_and_end_turn_are_read_from_completed() -> None:
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 13,
    }
    decoder = ResponsesDecoder()
    response = {"id": "r", "usage": usage, "end_turn": False}
    (done,) = decoder.feed([{"type": "response.completed", "response": response}, delta("late")])
    assert isinstance(done, ResponseCompleted)
    assert done.usage is not None
    assert (done.usage.cached_input_tokens, done.usage.reasoning_output_tokens, done.end_turn) == (4, 2, False)
    assert decoder.finished
    assert decoder.feed([delta("later")]) == []
