"""Scripts are checked when they are loaded: every fault is named at once, with its place and a way out."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import Json
from codex.model.scripted import ScriptError, load_script
from codex.model.scripted._parse import parse_script

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "scripts turns items type text if out matches repeat turn rules default usage http_status choose"
                " deltas on_end loop name arguments ${re:( models any all".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def faults_of(value: Json) -> list[str]:
    with pytest.raises(ScriptError) as caught:
        parse_script(value, "s.json")
    return [str(fault) for fault in caught.value.faults]


def test_a_list_of_turns_is_the_default_script() -> None:
    script = parse_script([[{"type": "text", "text": "hi"}]], "s.json")
    assert (script.default, [len(script.scripts["default"].turns)]) == ("default", [1])


def test_every_fault_is_named_with_its_place_its_value_and_a_close_match() -> None:
    value: Json = {
        "scripts": {
            "main": [
                [{"type": "text", "txt": "hi"}],
                {"items": [{"type": "function_call", "name": "f", "arguments": [1]}], "delay_before": -1},
                {"items": [{"type": "funtion_call"}]},
            ]
        },
        "rules": [{"match": "(", "script": "mian", "in": "lst"}],
        "default": "other",
    }
    assert faults_of(value) == [
        (
            "scripts.main[0][0].txt: got an unknown field, expected one of chunks, comment, cut_after, delay, deltas, "
            "events_per_write, id, if, phase, repeat_delta, text, type, unless, did you mean 'text'?"
        ),
        "scripts.main[0][0]: got none, expected exactly one of the fields text, deltas, repeat_delta",
        "scripts.main[1].delay_before: got -1, expected a number of seconds of at least 0",
        "scripts.main[1].items[0].arguments: got [1], expected an object, or a string that is sent as it stands",
        (
            "scripts.main[2].items[0].type: got 'funtion_call', expected one of text, reasoning, function_call, "
            "custom_tool_call, raw_item, sleep, cut, eof, failed, incomplete, raw_event, raw_bytes, or the type of a "
            "Responses item, did you mean 'function_call'?"
        ),
        "rules[0].script: got 'mian', expected one of the scripts main, did you mean 'main'?",
        'rules[0].match: got "(", expected a regular expression (missing ), unterminated subpattern at position 0)',
        "rules[0].in: got 'lst', expected one of last, all, instructions, body, did you mean 'last'?",
        "default: got 'other', expected one of the scripts main",
    ]


def test_a_reference_with_a_misspelt_word_is_a_fault_and_a_shell_variable_is_none() -> None:
    text = "echo ${HOME} ${x:-y} ${ot:call_1} ${re:(} ${nth:x}"
    assert faults_of([[{"type": "text", "text": text}]]) == [
        (
            "turns[0][0].text: got '${ot:…}', expected one of out, nth, last, re, prompt_re, env, int, json, "
            "did you mean 'out'?"
        ),
        (
            "turns[0][0].text: got '${re:(}', expected a regular expression "
            "(missing ), unterminated subpattern at position 0)"
        ),
        "turns[0][0].text: got '${nth:x}', expected ${nth:K} or ${nth:K.path} with a whole number K, counted from 0",
    ]


def test_a_rule_that_asks_for_nothing_is_a_fault() -> None:
    value: Json = {"scripts": {"a": []}, "rules": [{"script": "a"}]}
    assert faults_of(value) == ["rules[0]: got neither 'match' nor 'agent', expected at least one of them"]


def test_text_that_no_wire_can_carry_is_a_fault() -> None:
    assert faults_of([[{"type": "text", "text": "a\ud800"}]]) == [
        "turns[0][0].text: got '\\ud800', expected text that UTF-8 can hold (a surrogate stands alone)"
    ]


def test_conditions_are_checked_too() -> None:
    turns: Json = [{"if": {"matches": "x"}, "items": []}, {"unless": {"prompt_match": "x"}, "items": []}]
    assert [fault.split(":")[0] for fault in faults_of(turns)] == [
        "turns[0].if",
        "turns[0].if",
        "turns[1].unless.prompt_match",
        "turns[1].unless",
    ]


def test_json_that_is_none_is_named_by_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"turns": [\n  nope]}')
    with pytest.raises(ScriptError, match=r"line 2, column 3: got 'nope\]}', expected JSON \(Expecting value\)"):
        load_script(path)


def test_a_key_given_twice_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"turns": [], "turns": []}')
    with pytest.raises(ScriptError, match="key 'turns': got given twice in one object"):
        load_script(path)


def test_a_missing_file_and_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="No such file"):
        load_script(tmp_path / "none.json")
    path = tmp_path / "s.json"
    path.write_bytes(b'["\n\xff"]')
    with pytest.raises(ScriptError, match=r"line 2: got b'\\xff', expected UTF-8"):
        load_script(path)


def test_toml_gives_the_same_script_as_json(tmp_path: Path) -> None:
    value = {"turns": [{"items": [{"type": "text", "text": "hi", "chunks": 2}], "delay_before": 0.5}], "loop": True}
    (tmp_path / "s.json").write_text(json.dumps(value))
    (tmp_path / "s.toml").write_text(
        'loop = true\n[[turns]]\ndelay_before = 0.5\n[[turns.items]]\ntype = "text"\ntext = "hi"\nchunks = 2\n'
    )
    assert load_script(tmp_path / "s.toml").scripts == load_script(tmp_path / "s.json").scripts


def test_broken_toml_and_dates_are_faults(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("turns = = []")
    with pytest.raises(ScriptError, match=r"expected TOML \(.*line 1, column 9"):
        load_script(path)
    path.write_text("turns = [2026-01-01]")
    with pytest.raises(ScriptError, match="only what JSON has"):
        load_script(path)


def test_a_repetition_is_unrolled_with_its_index_and_bounded() -> None:
    script = parse_script([{"repeat": 3, "turn": []}, []], "s.json")
    assert [index for _, index in script.scripts["default"].turns] == [0, 1, 2, None]
    assert "at most 100000" in faults_of([{"repeat": 100_001, "turn": []}])[0]


@given(JSON)
def test_whatever_the_file_holds_the_answer_is_a_script_or_a_list_of_faults(value: Json) -> None:
    try:
        faults = len(parse_script(value, "s.json").scripts)
    except ScriptError as err:
        faults = len(err.faults)
    assert faults


def test_the_scripts_in_the_documentation_load() -> None:
    page = Path(__file__).parents[4] / "docs" / "reference" / "scripted-model.md"
    blocks = re.findall(r"^```json\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert [len(parse_script(json.loads(block), "s.json").scripts) for block in blocks] == [1, 1]
