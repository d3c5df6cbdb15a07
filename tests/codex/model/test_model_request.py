"""The request as Codex sends it: body, headers, and a prefix that stays the same."""

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from codex import __version__
from codex.base.jsontext import encode
from codex.model import ModelInfo, RequestIds, build_request, lookup

IDS = RequestIds("root", "thread", "turn", installation_id="inst", user_agent="ua", extra={"sandbox": "read-only"})
TOOL: dict[str, Any] = {"type": "function", "name": "t", "parameters": {}}
ITEM: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "user", "content": []}


METADATA = (
    '{"installation_id":"inst","session_id":"root","thread_id":"thread","turn_id":"turn","root_turn_id":"turn",'
    '"window_id":"thread:0","window_number":0,"request_kind":"turn","history_initialization":"new","agent_name":"/root",'
    '"model":"gpt-5.5","sandbox":"read-only"}'
)


def test_a_roots_request_is_built_whole() -> None:
    made = build_request(
        lookup("gpt-5.5"),
        IDS,
        input=[ITEM],
        tools=[TOOL],
        effort="high",
        summary="auto",
        verbosity="medium",
        service_tier="fast",
        output_schema={"type": "object"},
    )
    assert list(made.body.items()) == [
        ("model", "gpt-5.5"),
        ("input", [ITEM]),
        ("tools", [TOOL]),
        ("tool_choice", "auto"),
        ("parallel_tool_calls", True),
        ("reasoning", {"effort": "high", "summary": "auto"}),
        ("store", False),
        ("stream", True),
        ("include", ["reasoning.encrypted_content"]),
        ("service_tier", "priority"),
        ("prompt_cache_key", "root"),
        (
            "text",
            {
                "verbosity": "medium",
                "format": {
                    "type": "json_schema",
                    "strict": True,
                    "name": "codex_output_schema",
                    "schema": {"type": "object"},
                },
            },
        ),
        (
            "client_metadata",
            {
                "session_id": "root",
                "thread_id": "thread",
                "turn_id": "turn",
                "root_turn_id": "turn",
                "x-codex-window-id": "thread:0",
                "x-codex-installation-id": "inst",
                "x-codex-turn-metadata": METADATA,
            },
        ),
    ]
    assert dict(made.headers) == {
        "session-id": "root",
        "thread-id": "thread",
        "x-client-request-id": "thread",
        "x-codex-window-id": "thread:0",
        "x-codex-turn-metadata": METADATA,
        "originator": "codex_exec",
        "user-agent": "ua",
    }


def test_a_sub_agents_request_names_its_parent_and_shares_the_roots_cache() -> None:
    ids = attrs.evolve(IDS, parent_thread_id="root", agent_path="/root/kid", root_turn_id="turn0", window=2)
    made = build_request(lookup("gpt-5.5"), ids, input=[], tools=[])
    assert made.headers["x-codex-parent-thread-id"] == "root"
    assert made.headers["x-openai-subagent"] == "collab_spawn"
    assert made.headers["x-codex-window-id"] == "thread:2"
    assert made.body["prompt_cache_key"] == "root"
    facts = json.loads(made.headers["x-codex-turn-metadata"])
    assert (facts["agent_name"], facts["root_turn_id"], facts["parent_thread_id"]) == ("/root/kid", "turn0", "root")


def test_a_model_that_nobody_knows_is_asked_for_nothing_special() -> None:
    made = build_request(lookup("llama3"), IDS, input=[], tools=[TOOL])
    assert "reasoning" not in made.body
    assert "text" not in made.body
    assert (made.body["include"], made.body["parallel_tool_calls"]) == ([], False)
    wished = build_request(lookup("llama3"), IDS, input=[], tools=[], effort="low", verbosity="high")
    assert (wished.body["reasoning"], wished.body["text"]) == ({"effort": "low"}, {"verbosity": "high"})


def test_defaults_come_from_the_model_and_no_summary_is_no_summary() -> None:
    model = ModelInfo(
        "m",
        supports_reasoning=True,
        default_reasoning_effort="low",
        default_reasoning_summary="none",
        default_verbosity="low",
    )
    made = build_request(model, IDS, input=[], tools=[])
    assert (made.body["reasoning"], made.body["text"]) == ({"effort": "low"}, {"verbosity": "low"})
    assert build_request(model, IDS, input=[], tools=[], summary="detailed").body["reasoning"] == {
        "effort": "low",
        "summary": "detailed",
    }


@given(st.text(max_size=30))
def test_headers_stay_ascii_whatever_the_names_are(name: str) -> None:
    ids = attrs.evolve(IDS, agent_path=f"/root/{name}")
    made = build_request(lookup("gpt-5.5"), ids, input=[], tools=[])
    header = made.headers["x-codex-turn-metadata"]
    assert header.isascii()
    assert "\n" not in header
    assert json.loads(header)["agent_name"] == f"/root/{name}"


@given(st.integers(0, 4), st.integers(0, 4))
def test_a_longer_history_begins_with_the_same_bytes(short: int, more: int) -> None:
    items = [{**ITEM, "id": f"msg_{number}"} for number in range(short + more)]

    def body(count: int) -> str:
        return encode(build_request(lookup("gpt-5.5"), IDS, input=items[:count], tools=[TOOL]).body)

    shorter, longer = body(short), body(short + more)
    same = shorter.index('],"tools"')
    assert longer[:same] == shorter[:same]
    assert longer[longer.index('],"tools"') :] == shorter[same:]


def test_a_strange_originator_cannot_break_a_header() -> None:
    made = build_request(lookup("m"), attrs.evolve(IDS, user_agent=None, originator="ü\n\x00x"), input=[], tools=[])
    assert made.headers["originator"] == "___x"
    assert made.headers["user-agent"].startswith("___x/")


def test_the_user_agent_names_the_program_and_its_version() -> None:
    made = build_request(lookup("m"), attrs.evolve(IDS, user_agent=None, originator="codex_sdk_ts"), input=[], tools=[])
    assert made.headers["user-agent"].startswith(f"codex_sdk_ts/{__version__} (")
