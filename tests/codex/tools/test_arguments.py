"""What models send as arguments is taken as far as it makes sense, and refused with the reason otherwise."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.tools.arguments import Arguments, BadArguments


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("{", "failed to parse function arguments: "),
        ("[]", "expected a JSON object, got a list"),
        ('"rm"', "expected a JSON object, got a string"),
        ("{}", "missing field `cmd`"),
        ('{"comd": "ls"}', "missing field `cmd` at line 1 column 14 \\(unknown field `comd`, did you mean 'cmd'\\?\\)"),
        ('{"cmd": 5}', "`cmd` must be a string, got a number"),
        ('{"cmd": null}', "missing field `cmd`"),
    ],
)
def test_bad_arguments_name_what_is_wrong(payload: str, problem: str) -> None:
    with pytest.raises(BadArguments, match=problem):
        Arguments(payload, ("cmd", "workdir")).required_text("cmd")


def test_whole_numbers_are_taken_as_models_write_them() -> None:
    arguments = Arguments('{"a": 5, "b": 5.0, "c": "5", "d": null}', ("a", "b", "c", "d"))
    assert [arguments.whole(name) for name in "abcd"] == [5, 5, 5, None]


@pytest.mark.parametrize("value", ["true", "5.5", '"five"', "[]", "{}"])
def test_other_values_are_no_whole_numbers(value: str) -> None:
    with pytest.raises(BadArguments, match="must be a whole number"):
        Arguments(f'{{"n": {value}}}', ("n",)).whole("n")


@given(st.text())
def test_any_text_is_an_object_or_refused(payload: str) -> None:
    refusals = []
    try:
        Arguments(payload, ()).text("x")
    except BadArguments as refusal:
        refusals.append(str(refusal))
    assert all(text.startswith("failed to parse function arguments: ") for text in refusals)
