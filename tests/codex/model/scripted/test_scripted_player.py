"""Which turn answers which request, and with what values filled in."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import Json, JsonObject, decode_object, encode, get_object, get_str
from codex.model.scripted import _references
from codex.model.scripted._parse import parse_script
from codex.model.scripted._request import ScriptedRequest
from codex.model.scripted.player import Player, Refuse, Stream

ENVIRON = {"LAB": "42"}


def user(text: str) -> JsonObject:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(call_id: str, text: Json) -> JsonObject:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def request(*items: JsonObject, headers: Mapping[str, str] | None = None, **body: Json) -> ScriptedRequest:
    listed: list[Json] = [*items]
    return ScriptedRequest({"model": "m", "input": listed, **body}, headers or {"thread-id": "t1"})


def agent(path: str, **more: str) -> dict[str, str]:
    return {"Thread-Id": path, "X-Codex-Turn-Metadata": encode({"agent_name": path, **more})}


def player(value: Json) -> Player:
    return Player(parse_script(value, "s.json"), ENVIRON)


def says(text: str, **more: Json) -> list[Json]:
    return [{"type": "text", "text": text, **more}]


def told(play: Player, asked: ScriptedRequest) -> str:
    """The texts of the answer, or the error's message."""
    match play.answer(asked):
        case Stream() as stream:
            return " ".join(get_str(item, "text") for item in stream.answered.items)
        case Refuse() as refuse:
            return get_str(get_object(decode_object(refuse.body), "error"), "message")
        case reset:
            return str(reset)


def test_turns_follow_each_other_and_the_end_says_that_it_is_one() -> None:
    play = player([says("one"), says("two")])
    assert [told(play, request()) for _ in range(4)] == [
        "one",
        "two",
        *["(mock: script default is at its end)"] * 2,
    ]


def test_a_loop_starts_again_and_on_end_goes_on_for_ever() -> None:
    play = player({"scripts": {"l": {"turns": [says("a"), says("b")], "loop": True}}})
    assert [told(play, request()) for _ in range(3)] == ["a", "b", "a"]
    play = player({"turns": [says("a")], "on_end": says("z")})
    assert [told(play, request()) for _ in range(3)] == ["a", "z", "z"]


def test_every_thread_has_its_own_place_in_every_script() -> None:
    play = player({"scripts": {"a": [says("a0"), says("a1")], "b": [says("b0"), says("b1")]}})
    asked = [("t1", "a"), ("t2", "a"), ("t1", "b"), ("t1", "a")]
    answers = [told(play, request(user(f"[[script:{name}]]"), headers={"thread-id": key})) for key, name in asked]
    assert answers == ["a0", "a0", "b0", "a1"]


@pytest.mark.parametrize(
    ("headers", "body", "key"),
    [
        ({"x-mock-key": "k", "thread-id": "t"}, {}, "k"),
        ({"Thread-Id": "t", "session-id": "s"}, {"prompt_cache_key": "c"}, "t"),
        ({"session-id": "s"}, {"prompt_cache_key": "c"}, "c"),
        ({"session_id": "s"}, {}, "s"),
    ],
)
def test_a_thread_is_known_by_its_headers_or_its_cache_key(
    headers: dict[str, str], body: dict[str, Json], key: str
) -> None:
    assert ScriptedRequest({"input": [], **body}, headers).thread_key == key


def test_a_thread_without_any_name_is_known_by_its_first_items() -> None:
    first = [user("a"), user("b"), user("c")]
    one, other = ScriptedRequest({"input": [*first]}, {}), ScriptedRequest({"input": [*first, user("d")]}, {})
    assert one.thread_key == other.thread_key != ScriptedRequest({"input": [user("x")]}, {}).thread_key


def test_the_last_marker_in_a_prompt_chooses_and_markers_in_outputs_do_not() -> None:
    play = player({"scripts": {"a": [says("a")], "b": [says("b")], "c": [says("c")]}})
    history = [user("[[script:a]] [[script:b]]"), user("go on"), output("x", "[[script:c]]")]
    assert told(play, request(*history)) == "b"
    letter: JsonObject = {
        "type": "agent_message",
        "content": [{"type": "encrypted_content", "encrypted_content": "do it [[script:c]]"}],
    }
    assert told(play, request(*history, letter)) == "c"


def test_a_rule_wins_over_a_marker_and_an_agents_rule_asks_for_its_path() -> None:
    play = player(
        {
            "scripts": {"a": says("a") and [says("a")], "k": [says("kid")], "r": [says("rule")]},
            "rules": [
                {"match": "review", "script": "r"},
                {"agent": "/root/kid*", "script": "k"},
            ],
        }
    )
    assert told(play, request(user("please review [[script:a]]"))) == "rule"
    assert told(play, request(user("[[script:a]]"), headers=agent("/root/kid_1"))) == "kid"
    assert told(play, request(user("[[script:a]]"), headers=agent("/root"))) == "a"


def test_a_compaction_gets_its_own_script_unless_a_rule_reads_its_text() -> None:
    play = player(
        {
            "scripts": {"a": [says("a")], "__compact__": {"turns": [says("sum")], "loop": True}},
            "rules": [{"agent": "/root", "script": "a"}],
        }
    )
    assert told(play, request(user("x"), headers=agent("/root", request_kind="compaction"))) == "sum"
    assert told(play, request(user("You are performing a CONTEXT CHECKPOINT COMPACTION."))) == "sum"
    assert told(play, request(user("x"))) == "a"


def test_a_request_that_chooses_nothing_is_told_what_there_is() -> None:
    play = player({"scripts": {"plan": [], "work": []}})
    assert told(play, request(user("[[script:wrk]]"))) == (
        "the marker 'wrk' of the prompt names no script of s.json, did you mean 'work'?; scripts: plan, work"
    )
    assert "scripts: plan, work" in told(play, request(user("hi")))


REFERENCES = [
    ("${out:c1.agents.1.id}", "b"),
    ("${out:c1}", '{"agents":[{"id":"a"},{"id":"b","n":7}]}'),
    ("n=${out:c1.agents.-1.n}", "n=7"),
    ("${json:out:c1.agents.1}", {"id": "b", "n": 7}),
    ("${int:re:ID (\\d+)}", 99),
    ("${re:ID (\\d{2})}", "99"),
    ("${re:session}", "session"),
    ("${nth:0.agents.0.id}${nth:-1.result}", "a5"),
    ("${last.result}", "5"),
    ("${prompt_re:name: (\\w+)}", "Ada"),
    ("${env:LAB}", "42"),
    ("$${out:c1} ${HOME} ${x:-1} $i", "${out:c1} ${HOME} ${x:-1} $i"),
]


@pytest.mark.parametrize(("text", "value"), REFERENCES)
def test_a_reference_takes_its_value_from_the_request(text: str, value: Json) -> None:
    asked = request(
        user("name: Ada"),
        output("c1", '{"agents":[{"id":"a"},{"id":"b","n":7}]}'),
        output("c2", [{"type": "input_text", "text": "session ID 99"}]),
        output("c3", 'Wall time: 0.1 seconds\nOutput:\n{"result":5}'),
    )
    assert _references.resolve(text, asked, ENVIRON) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${out:call_1}", "${out:call_1}: no tool output for that call id; there are: c1"),
        ("${out:c1.y}", "${out:c1.y}: nothing at 'y'; there is: x"),
        ("${nth:3}", "${nth:3}: the request has 1 tool outputs, counted from 0"),
        ("${re:zzz}", "${re:zzz}: no tool output matches, of 1"),
        ("${env:NONE}", "${env:NONE}: the variable 'NONE' is not set"),
        ("${int:out:c1.x}", "${int:out:c1.x}: 'one' is not a whole number"),
    ],
)
def test_a_value_that_is_not_there_is_an_error_that_names_it(text: str, message: str) -> None:
    play = player({"scripts": {"s": [says(text), says("next")]}})
    asked = request(output("c1", '{"x":"one"}'))
    assert told(play, asked) == f"script 's', scripts.s[0]: {message}"
    assert told(play, asked) == "next"


@given(st.text(alphabet="${}:\\ outre1.", max_size=30))
def test_no_string_breaks_the_reading_of_references(text: str) -> None:
    list(_references.faults(text))
    literal = "".join(part if isinstance(part, str) else f"${{{part.text}}}" for part in _references.parts(text))
    assert literal == text.replace("$${", "${")


def test_an_index_is_filled_in_where_a_turn_is_repeated() -> None:
    play = player([{"repeat": 2, "turn": [{"type": "text", "text": "f$i.txt $id", "id": "m$i"}]}, says("$i")])
    assert [told(play, request()) for _ in range(3)] == ["f0.txt $id", "f1.txt $id", "$i"]


def test_a_turn_whose_condition_does_not_hold_is_passed_over() -> None:
    play = player(
        [
            {"if": {"out": "t", "matches": "FAILED"}, "items": says("fix it")},
            {"unless": {"any_out_matches": "FAILED"}, "items": says("all well")},
        ]
    )
    assert told(play, request(output("t", "1 FAILED"))) == "fix it"
    assert told(play, request(output("t", "ok"), headers={"thread-id": "t2"})) == "all well"


def test_of_several_outputs_of_one_call_the_newest_counts() -> None:
    turn: Json = {"if": {"out": "t", "matches": "ok"}, "items": says("at last")}
    assert told(player([turn]), request(output("t", "bad"), output("t", "ok"))) == "at last"


def test_an_item_whose_condition_does_not_hold_is_left_out() -> None:
    only_for_a: dict[str, Json] = {"if": {"prompt_matches": "A"}}
    items = says("a", **only_for_a) + says("b", unless={"last_out_matches": "no"}) + says("c")
    assert told(player([items]), request(user("A"), output("x", "no"))) == "a c"


def test_the_first_alternative_that_fits_is_played() -> None:
    choice: Json = {
        "choose": [
            {
                "if": {"all": [{"out": "t"}, {"any": [{"agent": "/root/x"}, {"prompt_matches": "p"}]}]},
                "items": says("1"),
            },
            {"if": {"out": "t"}, "items": says("2")},
        ]
    }
    asked = [request(user("p"), output("t", "")), request(output("t", "")), request()]
    play = player([choice, choice, choice])
    assert [told(play, one) for one in asked] == [
        "1",
        "2",
        "turns[2]: no alternative of 'choose' fits this request",
    ]


def test_an_error_is_answered_as_the_script_says_and_uses_up_its_turn() -> None:
    error: Json = {"http_status": 429, "http_headers": {"retry-after": "1"}, "message": "slow", "error_code": "x"}
    play = player([error, {"http_status": 500, "http_body": "plain"}, says("ok")])
    first, second = play.answer(request()), play.answer(request())
    assert isinstance(first, Refuse)
    assert isinstance(second, Refuse)
    assert (first.status, first.headers, first.body) == (
        429,
        {"retry-after": "1"},
        b'{"error":{"message":"slow","type":"mock_error","code":"x"}}',
    )
    assert second.body == b"plain"
    assert told(play, request()) == "ok"


def test_chat_messages_are_read_like_responses_items() -> None:
    body: JsonObject = {
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "tool", "tool_call_id": "c1", "content": "out"},
        ]
    }
    asked = ScriptedRequest(body, {})
    assert (asked.prompts, asked.outputs) == (["be kind", "go"], [("c1", "out")])
