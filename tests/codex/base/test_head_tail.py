"""A bounded buffer keeps both ends and counts the rest."""

from hypothesis import given
from hypothesis import strategies as st

from codex.base.head_tail import HeadTail


@given(st.integers(2, 40), st.lists(st.binary(max_size=30)))
def test_both_ends_are_kept_and_the_rest_is_counted(max_bytes: int, pieces: list[bytes]) -> None:
    buffer = HeadTail(max_bytes)
    for piece in pieces:
        buffer.append(piece)
    everything = b"".join(pieces)
    assert buffer.total == len(everything)
    if len(everything) <= max_bytes:
        assert (buffer.omitted, buffer.content()) == (0, everything)
    else:
        head, tail = max_bytes // 2, max_bytes - max_bytes // 2
        omitted = len(everything) - max_bytes
        marker = f"\n... {omitted} bytes omitted ...\n".encode()
        assert buffer.omitted == omitted
        assert buffer.content() == everything[:head] + marker + everything[len(everything) - tail :]
