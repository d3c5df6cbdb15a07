"""Bodies encoded from remembered pieces are the bytes that encoding them whole gives."""

from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import encode_bytes
from codex.model._body import BodyEncoder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.lists(VALUES, max_size=3), max_size=6), VALUES, st.sampled_from(["a", "b"]))
def test_a_growing_input_is_encoded_as_if_it_were_new(growth: list[list[object]], other: object, thread: str) -> None:
    encoder = BodyEncoder()
    items: list[object] = []
    tools = [{"type": "function", "name": "f"}, other]
    for more in growth:
        items += more
        body = {"model": "m", "input": [*items], "tools": [*tools], "other": other}
        assert encoder.encode(thread, body) == encode_bytes(body)


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    body = {"input": [{"text": "a\ud800b"}]}
    assert BodyEncoder().encode("t", body) == encode_bytes(body) == '{"input":[{"text":"a\ufffdb"}]}'.encode()


def test_only_the_last_threads_are_remembered() -> None:
    encoder = BodyEncoder()
    for number in range(200):
        encoder.encode(str(number), {"input": [{"n": number}]})
    assert len(encoder._threads) == 64


def test_tools_are_encoded_once_for_all_threads_that_have_them_and_only_the_last_are_remembered() -> None:
    encoder = BodyEncoder()
    for number in range(200):
        tools = [{"n": number}]
        for thread in ("a", "b"):
            body = {"tools": [*tools]}
            assert encoder.encode(thread, body) == encode_bytes(body)
    assert len(encoder._tools) == 8


def test_an_item_that_was_replaced_by_another_is_encoded_anew() -> None:
    encoder = BodyEncoder()
    for number in range(50):
        body = {"input": [{"n": number}]}
        assert encoder.encode("t", body) == encode_bytes(body)
