"""The codec: names, what is left out, and how faults are told."""

import pytest

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.api.config import ConfigReadParams
from codex.app_server.api.goal import ThreadGoalSetParams
from codex.app_server.api.item import AgentMessageItem, ThreadItem
from codex.app_server.api.item_events import AgentMessageDeltaNotification
from codex.app_server.api.settings import AskForApproval, GranularApproval, GranularAskForApproval
from codex.app_server.api.thread import ThreadStartParams
from codex.app_server.api.thread_list import ThreadListParams
from codex.app_server.api.turn import TurnStartParams
from codex.app_server.wire import UNSET, BadParams, decode, decode_any, encode
from codex.base.jsontext import Json


def test_names_are_snake_case_here_and_camel_case_on_the_wire() -> None:
    said: Json = {"threadId": "t", "turnId": "u", "itemId": "i", "delta": "Hi"}
    delta = AgentMessageDeltaNotification(thread_id="t", turn_id="u", item_id="i", delta="Hi")
    assert decode(AgentMessageDeltaNotification, said) == delta
    assert encode(delta) == said


def test_a_union_is_read_by_its_tag_and_written_with_it() -> None:
    item = decode_any(ThreadItem, {"type": "agentMessage", "id": "m", "text": "Hello"})
    assert item == AgentMessageItem(id="m", text="Hello")
    nulls = ("moderation", "phase", "memoryCitation", "delivery", "questions", "startedAtMs", "completedAtMs")
    assert encode(item) == {"type": "agentMessage", "id": "m", "text": "Hello", **dict.fromkeys(nulls)}


def test_a_union_of_words_and_an_object_is_read_by_the_object_s_key() -> None:
    granular: Json = {"granular": {"sandbox_approval": True, "rules": False, "mcp_elicitations": True}}
    assert decode_any(AskForApproval, "never") == "never"
    assert decode_any(AskForApproval, granular) == GranularAskForApproval(
        granular=GranularApproval(sandbox_approval=True, rules=False, mcp_elicitations=True)
    )


def test_a_field_that_was_not_there_is_told_from_null_where_it_matters() -> None:
    assert decode(ThreadGoalSetParams, {"threadId": "t"}).token_budget is UNSET
    assert decode(ThreadGoalSetParams, {"threadId": "t", "tokenBudget": None}).token_budget is None
    assert encode(ThreadGoalSetParams(thread_id="t")) == {"threadId": "t"}
    assert encode(ThreadGoalSetParams(thread_id="t", token_budget=None)) == {"threadId": "t", "tokenBudget": None}


def test_fields_that_are_not_known_are_ignored() -> None:
    assert decode(ThreadStartParams, {"cwd": "/a", "comesLater": [1]}) == ThreadStartParams(cwd="/a")


@pytest.mark.parametrize(
    ("cls", "said", "told"),
    [
        (ThreadStartParams, {"cwd": 5}, "invalid type: integer `5`, expected a string at `cwd`"),
        (ThreadStartParams, {"ephemeral": "yes"}, 'invalid type: string "yes", expected a boolean at `ephemeral`'),
        (ThreadStartParams, [], "invalid type: sequence, expected struct ThreadStartParams"),
        (
            ThreadStartParams,
            {"sandbox": "none"},
            "unknown variant `none`, expected one of `read-only`, `workspace-write`, `danger-full-access` at `sandbox`",
        ),
        (
            ThreadStartParams,
            {"approvalPolicy": 1},
            "invalid type: integer `1`, expected string or map at `approvalPolicy`",
        ),
        (ThreadListParams, {"limit": -1}, "invalid value: integer `-1`, expected u64 at `limit`"),
        (
            ThreadListParams,
            {"sortDirection": "up"},
            "unknown variant `up`, expected `asc` or `desc` at `sortDirection`",
        ),
        (TurnStartParams, {"input": []}, "missing field `threadId`"),
        (TurnStartParams, {"threadId": "t", "input": {}}, "invalid type: map, expected a sequence at `input`"),
        (TurnStartParams, {"threadId": "t", "input": [{}]}, "missing field `type` at `input[0]`"),
        (TurnStartParams, {"threadId": "t", "input": [{"type": "text"}]}, "missing field `text` at `input[0]`"),
        (
            TurnStartParams,
            {"threadId": "t", "input": [{"type": "text", "text": None}]},
            "invalid type: null, expected a string at `input[0].text`",
        ),
        (ConfigReadParams, {"cwd": 1.5}, "invalid type: floating point `1.5`, expected a string at `cwd`"),
    ],
)
def test_a_fault_names_what_came_what_was_expected_and_where(cls: type, said: Json, told: str) -> None:
    with pytest.raises(BadParams) as fault:
        decode(cls, said)
    assert str(fault.value) == f"Invalid request: {told}"


def test_every_class_of_the_catalog_can_be_read_and_written() -> None:
    for method in [*REQUESTS.values(), *SERVER_REQUESTS.values(), *NOTIFICATIONS.values()]:
        for cls in (method.params, getattr(method, "result", None)):
            if cls is not None:
                with pytest.raises(BadParams):
                    decode_any(cls, "no object")
