"""What goes between our processes comes out as it went in, and nothing else comes in."""

from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.config.role import Role
from codex.config.schema import Config, ProviderInfo
from codex.placement.codec import BadFrame, pack, unpack
from codex.placement.frames import (
    Call,
    Failed,
    Frame,
    Ping,
    Returned,
    Shown,
    Splitter,
    Told,
    error_of,
    failed,
    frame_of,
    framed,
)
from codex.ports.agents import AgentFailure, SpawnRequest
from codex.ports.meter import BudgetExceeded
from codex.ports.model import ModelError
from codex.protocol.budget import Budget
from codex.protocol.event import CommandOutputDelta, ItemStarted
from codex.protocol.item import CommandExecution
from codex.protocol.permission import SandboxPolicy
from codex.rollout import RolloutWriteError

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | st.binary()
HASHABLE = st.integers(0, 99) | st.text(max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
        | st.builds(CommandOutputDelta, st.text(), st.text(), st.binary())
        | st.builds(Budget, tokens=st.none() | st.integers(0, 10**9))
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    assert unpack(pack(value)) == value


def test_settings_and_events_come_out_as_they_went_in() -> None:
    config = Config(
        "/home",
        "/cwd",
        model_providers={"own": ProviderInfo("own", "Own", base_url="http://127.0.0.1", http_headers={"a": "b"})},
        sandbox_policy=SandboxPolicy("read-only", writable_roots=("/a",)),
        allowed_tools=frozenset({"exec_command"}),
        roles={"r": Role("r", tools=frozenset({"x"}), placement="worker")},
        model_prices={"m": (1.0, 2.0, 3.0)},
        hooks=(("user", "/f", {"PreToolUse": []}),),
    )
    event = ItemStarted("t", CommandExecution("c", ("ls", "-l"), "/cwd"))
    for value in (config, event, SpawnRequest("go", budget=Budget(usd=1.5))):
        assert unpack(pack(value)) == value


@given(st.binary(max_size=60))
def test_bytes_of_a_stranger_are_refused_as_such_or_plain(data: bytes) -> None:
    with suppress(BadFrame):
        unpack(data)


@pytest.mark.parametrize(
    "name", ["subprocess:Popen", "codex.placement.codec:unpack", "codex.base:errors", "codex.no:A"]
)
def test_no_class_but_ours_is_read(name: str) -> None:
    import msgpack

    data = msgpack.packb(msgpack.ExtType(3, msgpack.packb([name, ["true"]])))
    with pytest.raises(BadFrame):
        unpack(data)


@pytest.mark.parametrize("value", [object(), lambda: None, int, 2**70])
def test_what_cannot_go_over_is_refused_where_it_is_sent(value: object) -> None:
    with pytest.raises((TypeError, OverflowError)):
        pack(value)


def test_a_class_with_other_fields_over_there_is_refused() -> None:
    data = pack(Budget())
    shorter = pack(Returned(1, None)).replace(b"codex.placement.frames:Returned", b"codex.placement.frames:Withdraw")
    assert unpack(data) == Budget()
    with pytest.raises(BadFrame):
        unpack(shorter)


FRAMES: list[Frame] = [
    Ping(),
    Call(1, "reserve", ("gpt", 12)),
    Shown(CommandOutputDelta("t", "i", b"\x00\xff")),
    Told("limit", (None,)),
    Failed(2, "user", ("no",)),
]


@given(st.lists(st.sampled_from(FRAMES), max_size=6), st.lists(st.integers(1, 40), max_size=60))
def test_frames_come_whole_and_in_order_however_the_bytes_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    data, splitter, got = b"".join(map(framed, sent)), Splitter(), list[Frame]()
    for cut in [*cuts, len(data) + 1]:
        splitter.feed(data[:cut])
        data = data[cut:]
        while (frame := splitter.take()) is not None:
            got.append(frame_of(frame))
    assert got == sent


def test_a_length_that_nobody_sends_is_refused_before_it_is_waited_for() -> None:
    splitter = Splitter()
    splitter.feed(b"\xff\xff\xff\xff")
    with pytest.raises(BadFrame, match="is longer than"):
        splitter.take()


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(BadFrame, match="a frame is Budget"):
        frame_of(pack(Budget()))


@pytest.mark.parametrize(
    "error",
    [
        AgentFailure("collab spawn failed"),
        BudgetExceeded("the tool was not called"),
        ModelError("the model was not asked", "budget_exceeded"),
        RolloutWriteError("/r", "disk full"),
        BadFrame("anything else"),
    ],
)
def test_an_error_keeps_its_family_its_text_and_its_facts(error: Any) -> None:
    back = error_of(unpack(pack(failed(7, error))))
    assert str(back) == str(error)
    assert type(back) is type(error) or isinstance(error, BadFrame)
    assert getattr(back, "kind", None) == getattr(error, "kind", None)
