"""Rules of the machine's owner can only make things stricter, and a fault names its key."""

import tomllib

import pytest

from codex.execpolicy import PrefixRule, Rules, RulesError, parse_rules, read_requirements


def read(text: str) -> Rules:
    return read_requirements(tomllib.loads(text), "requirements.toml")


def test_requirements_are_rules() -> None:
    text = """
    [[prefix_rules]]
    pattern = [{ token = "git" }, { any_of = ["push", "fetch"] }]
    decision = "prompt"
    justification = "ask first"
    [[prefix_rules]]
    pattern = [{ token = "rm" }]
    decision = "forbidden"
    """
    assert read(text) == Rules(
        [PrefixRule((("git",), ("push", "fetch")), "prompt", "ask first"), PrefixRule((("rm",),), "forbidden")]
    )


def test_no_file_softens_them() -> None:
    files = parse_rules([("r", "prefix_rule(['rm'])\nprefix_rule(['rm', '-i'])")])
    owner = read("prefix_rules = [{ pattern = [{ token = 'rm' }], decision = 'forbidden' }]")
    assert files.overlaid_with(owner).evaluate(["rm", "-i", "x"]).decision == "forbidden"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "rules: expected prefix_rules, an array of tables with at least one"),
        ("prefix_rules = []", "rules: expected prefix_rules, an array of tables with at least one"),
        ("other = 1", "rules: expected prefix_rules, an array of tables with at least one, found other"),
        ("prefix_rules = [1]", "rules.prefix_rules[0]: expected a table with pattern and decision"),
        (
            "prefix_rules = [{ x = 1 }]",
            "rules.prefix_rules[0]: expected pattern, decision and justification only, found x",
        ),
        (
            "prefix_rules = [{ pattern = [], decision = 'prompt' }]",
            "rules.prefix_rules[0].pattern: expected an array with at least one { token = TEXT }",
        ),
        (
            "prefix_rules = [{ pattern = [{ token = 'a' }], decision = 'allow' }]",
            'rules.prefix_rules[0].decision: expected "prompt" or "forbidden", found \'allow\'; they cannot allow',
        ),
        (
            "prefix_rules = [{ pattern = [{ token = 'a' }] }]",
            'rules.prefix_rules[0].decision: expected "prompt" or "forbidden", found None; they cannot allow',
        ),
        (
            "prefix_rules = [{ pattern = [{ token = 'a' }], decision = 'prompt', justification = ' ' }]",
            "rules.prefix_rules[0].justification: expected a text that is not empty",
        ),
    ],
)
def test_a_fault_names_its_key(text: str, fault: str) -> None:
    with pytest.raises(RulesError) as caught:
        read(text)
    assert str(caught.value) == f"requirements.toml: {fault}"


@pytest.mark.parametrize(
    "element",
    ["'a'", "{}", "{ token = '' }", "{ token = 1 }", "{ any_of = [] }", "{ any_of = ['a', 1] }", "{ any_of = [''] }",
                "{ token = 'a', any_of = ['b'] }"],
)  # fmt: skip
def test_a_word_is_a_token_or_some_alternatives(element: str) -> None:
    with pytest.raises(RulesError, match=r"rules.prefix_rules\[0\].pattern\[1\]: expected \{ token"):
        read(f"prefix_rules = [{{ pattern = [{{ token = 'a' }}, {element}], decision = 'prompt' }}]")
