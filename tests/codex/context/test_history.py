"""The history and the prompt made of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.context import History, drop_last_user_turns, subagent_notification, turn_aborted
from codex.context.normalize import call_key, normalized, output_key
from codex.context.size import estimate_items
from codex.protocol.response_item import ResponseItem, input_text, message

KINDS = ("function_call", "custom_tool_call")


def call(call_id: str, kind: str = "function_call") -> ResponseItem:
    return {"type": kind, "id": f"{kind}-{call_id}", "name": "t", "call_id": call_id}


def output(call_id: str, text: str = "ok", kind: str = "function_call") -> ResponseItem:
    return {"type": f"{kind}_output", "id": f"o-{call_id}", "call_id": call_id, "output": text}


def said(text: str, role: str = "user") -> ResponseItem:
    return message(role, [input_text(text)])


ITEMS = st.lists(
    st.one_of(
        st.builds(call, st.sampled_from("abc"), st.sampled_from(KINDS)),
        st.builds(output, st.sampled_from("abc"), kind=st.sampled_from(KINDS)),
        st.builds(said, st.just("hi")),
    ),
    max_size=30,
)


def assert_law(prompt: list[ResponseItem]) -> None:
    """Every call exactly one output behind it, every output one call before it."""
    waiting: dict[Any, int] = {}
    for item in prompt:
        if (key := call_key(item)) is not None:
            waiting[key] = waiting.get(key, 0) + 1
        elif (key := output_key(item)) is not None:
            assert waiting.get(key, 0) > 0
            waiting[key] -= 1
    assert not any(waiting.values())


@given(ITEMS)
def test_in_every_prompt_each_call_has_exactly_one_output(items: list[ResponseItem]) -> None:
    prompt = normalized(items)
    assert_law(prompt)
    calls = [item for item in items if call_key(item) is not None]
    assert [item for item in prompt if call_key(item) is not None] == calls
    assert [item for item in prompt if item["type"] == "message"] == [i for i in items if i["type"] == "message"]


@given(ITEMS)
def test_a_prompt_is_a_prefix_of_the_next_one_save_for_made_up_outputs(items: list[ResponseItem]) -> None:
    history = History(base=said("base", "developer"))
    before: list[ResponseItem] = []
    for item in items:
        history.record([item])
        prompt = history.prompt_items()
        kept = [one for one in before if one.get("output") != "aborted"]
        real = [one for one in prompt if one.get("output") != "aborted"]
        assert all(old is new for old, new in zip(kept, real, strict=False))
        assert len(real) >= len(kept)
        assert_law(prompt)
        before = prompt


@given(ITEMS)
def test_step_by_step_and_all_at_once_give_the_same_prompt(items: list[ResponseItem]) -> None:
    history = History()
    for item in items:
        history.record([item])
        history.prompt_items()
    assert history.prompt_items() == normalized(items) == History(items).prompt_items()


def test_an_open_call_gets_the_same_made_up_output_in_every_prompt() -> None:
    history = History([call("a"), said("go on")])
    first, second = history.prompt_items(), history.prompt_items()
    assert first == second
    assert first[1] == {
        "type": "function_call_output",
        "id": "fco_82123fb7-cbfb-5af0-9f6e-ccd6f0d506a2",
        "call_id": "a",
        "output": "aborted",
    }
    assert first[2]["type"] == "message"


def test_call_ids_that_a_server_uses_again_are_told_apart() -> None:
    history = History([call("a"), output("a"), call("a")])
    ids = [item["id"] for item in history.prompt_items()]
    assert len(set(ids[1::2])) == 2
    assert history.prompt_items()[-1]["output"] == "aborted"


def test_an_output_of_the_other_kind_does_not_answer() -> None:
    prompt = normalized([call("a", "custom_tool_call"), output("a")])
    assert [item["type"] for item in prompt] == ["custom_tool_call", "custom_tool_call_output"]
    assert prompt[1]["output"] == "aborted"


def test_a_long_output_is_cut_a_fifth_above_the_limit() -> None:
    history = History([call("a"), call("b")], output_tokens=100)
    exact, long = output("a", "x" * 480), output("b", "x" * 481)
    kept = history.record([exact, long])
    assert kept[0] is exact
    assert kept[1] == output("b", "x" * 240 + "…1 tokens truncated…" + "x" * 240)
    assert history.prompt_items()[-1] is kept[1]


def test_the_texts_of_an_output_with_parts_share_the_limit_and_images_stay() -> None:
    image: ResponseItem = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    parts = [input_text("x" * 400), image, input_text("y" * 400), input_text("z" * 4)]
    item: ResponseItem = {"type": "function_call_output", "call_id": "a", "output": [*parts]}
    kept = History([call("a")], output_tokens=100).record([item])[0]
    assert kept["output"] == [
        parts[0],
        image,
        input_text("y" * 40 + "…80 tokens truncated…" + "y" * 40),
        input_text("[omitted 1 text items ...]"),
    ]


def test_context_tokens_are_the_servers_count_and_an_estimate_of_what_came_after() -> None:
    history = History([said("hi")], base=said("base", "developer"))
    assert history.context_tokens() == estimate_items(history.prompt_items())
    history.record([call("a")])
    history.note_usage(5_000)
    answer = output("a")
    history.record([answer])
    assert history.context_tokens() == 5_000 + estimate_items([answer])


def test_an_inline_image_counts_a_fixed_size() -> None:
    small, large = (
        message("user", [{"type": "input_image", "image_url": "data:image/png;base64," + "A" * size}])
        for size in (10, 1_000_000)
    )
    assert estimate_items([small]) == estimate_items([large])
    assert 1_844 <= estimate_items([small]) < 1_900


def test_encrypted_reasoning_counts_about_what_it_hides() -> None:
    assert estimate_items([{"type": "reasoning", "encrypted_content": "E" * 4_000}]) == (3_000 - 650 + 3) // 4


def test_a_replaced_history_starts_over() -> None:
    history = History([said("old")])
    history.note_usage(9_000)
    new = said("summary")
    history.replace([new])
    assert history.prompt_items() == [new]
    assert history.context_tokens() == estimate_items([new])


@pytest.mark.parametrize(("count", "left"), [(0, 5), (1, 3), (2, 1), (9, 1)])
def test_dropping_turns_counts_only_what_the_user_said(count: int, left: int) -> None:
    items = [said("p", "developer"), said("one"), said("a", "assistant"), said("two"), turn_aborted()]
    assert drop_last_user_turns(items, count) == items[:left]


def test_the_news_of_a_sub_agent_has_codexs_form() -> None:
    news = subagent_notification("0199", {"completed": "A result"})
    text = '<subagent_notification>\n{"agent_path":"0199","status":{"completed":"A result"}}\n</subagent_notification>'
    assert news["content"] == [input_text(text)]
