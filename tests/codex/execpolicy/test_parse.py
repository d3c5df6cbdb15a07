"""The language of rules files: what is read, what is refused and where, and that no text is too strange.

What is accepted was compared with Codex 0.169 over thousands of random files; the cases here are what that taught.
"""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.execpolicy import Fault, NetworkRule, PrefixRule, Rules, RulesError, parse_rules


def parse(text: str) -> Rules:
    return parse_rules([("r", text)])


def faults(text: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        parse(text)
    return [str(fault) for fault in caught.value.faults]


def test_a_file_may_use_everything_at_once() -> None:
    rules = parse(
        '''"""Rules of the house."""
# names, lists and strings
GIT = ["git"]
see = "sta" + 'tus'; GIT += [[see, "log"]]

prefix_rule(
    pattern = GIT,   # alternatives
    decision = "prompt",
    match = ["git status -s", ["git", "log"]],
    not_match = ["git push"],
    justification = """two
lines""",
)
host_executable(name = "git", paths = ["/usr/bin/git", "/usr/bin/../bin/git"])
network_rule("Api.Example.com:443", "https_connect", "deny", justification = r"\\d")
pass
prefix_rule([("ls")], canonical_matching = True)
'''
    )
    assert rules == Rules(
        [
            PrefixRule((("git",), ("status", "log")), "prompt", "two\nlines"),
            PrefixRule((("ls",),), any_case=True),
        ],
        host_executables={"git": ("/usr/bin/git",)},
        network_rules=[NetworkRule("api.example.com", "https", "forbidden", "\\d")],
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'a\"b'", 'a"b'),
        ('"a\'b"', "a'b"),
        (r'"\x41\u00e9\U0001F600\101\0"', "Aé😀A\0"),
        (r'"\a\b\f\n\r\t\v\\\"\'"', "\a\b\f\n\r\t\v\\\"'"),
        (r'"\d\8\q"', r"\d\8\q"),
        (r'r"\n"', r"\n"),
        (r'r"\""', r"\""),
        ('"a\\\nb"', "ab"),
        ('"""a\n"b" """', 'a\n"b" '),
        ("'''a\\'''b'''", "a'''b"),
        ('"\t"', "\t"),
        ('""', ""),
        ('""""""', ""),
        ("'''a\r\nb'''", "a\nb"),
    ],
)
def test_strings_are_those_of_starlark(literal: str, value: str) -> None:
    assert parse(f"prefix_rule([{literal}])").prefix_rules == (PrefixRule(((value,),)),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# only a comment",
        "  # an indented one\n   \n",
        "pass",
        "'text';",
        "x = (\n[\n]\n)",
        "x = \\\n  'y'",
        "x = 1\r\n",
    ],
)
def test_a_file_may_have_no_rules(text: str) -> None:
    assert not parse(text)


def test_a_list_grows_under_every_name_it_has() -> None:
    assert parse("a = ['x']\nb = a\na += ['y']\nprefix_rule(b)") == Rules([PrefixRule((("x",), ("y",)))])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prefix_rule(", "1:12: '(' is never closed"),
        ("prefix_rule)", "1:12: ')' closes nothing"),
        ("x = [\n(])", "2:2: ']' does not close the '(' of line 2, column 1"),
        ("x = 'a\n'", "1:5: the string is never closed"),
        ('x = """a', "1:5: the string is never closed"),
        ("x = ['a' 'b']", "1:10: found the string 'b' behind another string; a comma or a '+' is missing"),
        ("x = ['a', f'b']", "1:12: strings with the prefix 'f' are not offered; join strings with '+'"),
        (" x = 1", "1:1: the line is indented; a statement starts in the first column"),
        ("x = 1\n\n  y = 2", "3:1: the line is indented; a statement starts in the first column"),
        ("x =\t1", "1:4: a tab stands outside of a string; use blanks"),
        ("\ufeffx = 1", "1:1: the file starts with a byte order mark; save it as UTF-8 without one"),
        ("x = 'é' §", "1:9: the character '§' means nothing here; text stands in quotes"),
        ("x = 'a' \\ + 'b'", "1:9: a backslash may stand in a string, or at the end of a line"),
        (r"x = '\u12'", r"1:5: \u in the string is no character"),
        (r"x = '\ud800'", r"1:5: \ud800 in the string is no character"),
        ("x = 1 y = 2", "1:7: found 'y', expected the end of the line"),
        ("x = 1;; y = 2", "1:7: found ';', expected a value"),
        ("x = ", "1:5: found the end of the line, expected a value"),
        ("x = ['a',, 'b']", "1:10: found ',', expected a value"),
        ("x = ['a'; 'b']", "1:9: found ';', expected ',' or ']'"),
        ("x = ('a', 'b')", "1:5: tuples are not offered; write a list in [ ]"),
        ("x = {}", "1:5: found '{', expected a value"),
        ("x = 007", "1:5: the number 007 is not offered here"),
        ("x = 'a'.upper()", "1:8: methods are not offered; join strings and lists with '+'"),
        ("x = 'a' % 1", "1:9: the operator '%' is not offered; join strings and lists with '+'"),
        ("x = 'a' + 1", "1:9: '+' joins two strings or two lists, not a string and a number"),
        ("load('x')", "1:1: 'load' is not offered; every *.rules file of a directory is read anyway"),
        ("True = 1", "1:1: 'True' cannot be given another value; choose another name"),
        ("prefix_rule = 1", "1:1: 'prefix_rule' cannot be given another value; choose another name"),
        ("prefix_rule", "1:1: 'prefix_rule' is to be called: prefix_rule(...)"),
        ("x = y", "1:5: there is no 'y'; text stands in quotes"),
        ("y += 1", "1:1: there is no 'y'; text stands in quotes"),
        ("prefix_rul(['a'])", "1:1: there is no function 'prefix_rul', did you mean 'prefix_rule'?"),
        ("f()", "1:1: there is no function 'f'; there are: prefix_rule, host_executable, network_rule"),
        ("x = 1; x()", "1:8: 'x' is no function"),
        ("prefix_rule()", "1:1: prefix_rule needs 'pattern'"),
        ("network_rule('a')", "1:1: network_rule needs 'protocol' and 'decision'"),
        ("prefix_rule(patern=['a'])", "1:13: prefix_rule has no argument 'patern', did you mean 'pattern'?"),
        ("prefix_rule(['a'], pattern=['a'])", "1:20: 'pattern' is given twice"),
        ("prefix_rule(pattern=['a'], 'allow')", "1:28: a positional argument stands behind a named one; name it too"),
        ("host_executable('a', [], 1)", "1:26: host_executable takes 2 arguments at most"),
        ("prefix_rule('a')", "1:13: 'pattern' must be a list, not a string"),
        ("prefix_rule(['a'], None)", "1:20: 'decision' must be a string, not None"),
        ("prefix_rule(['a'], match='a')", "1:20: 'match' must be a list, not a string"),
        ("prefix_rule([])", "1:13: the pattern is empty; it needs the first word of a command at least"),
        ("prefix_rule(['a', []])", "1:13: a list of alternatives is empty"),
        ("prefix_rule(['a', 1])", "1:13: a word must be a string, not a number"),
        ("prefix_rule(['a', ['b', True]])", "1:13: a word must be a string, not a boolean"),
        ("prefix_rule(['a'], 'alow')", "1:20: no decision 'alow', did you mean 'allow'?"),
        ("prefix_rule(['a'], justification=' ')", "1:20: the justification is empty; write one or leave it out"),
        ("prefix_rule(['a'],\n  match=['a', 'b c'])", "2:3: the rule does not match its example 'b c'"),
        ("prefix_rule(['a'],\n  not_match=['a b'])", "2:3: the rule matches 'a b', which it must not"),
        ("prefix_rule(['a'], match=[''])", "1:20: an example is empty; it needs one word at least"),
        ("prefix_rule(['a'], match=[[]])", "1:20: an example is empty; it needs one word at least"),
        ("prefix_rule(['a'], match=['a \"'])", "1:20: the example 'a \"' ends inside of quotes or behind a backslash"),
        ("host_executable('a/b', [])", "1:17: the name 'a/b' must be that of a program, without a directory"),
        ("host_executable('a', ['a'])", "1:22: the path 'a' must be absolute: start with '/'"),
        ("host_executable('a', [1])", "1:22: a path must be a string, not a number"),
        ("host_executable('a', ['/b'])", "1:22: the path '/b' must end in 'a', the name of the program"),
        ("network_rule('*.a', 'http', 'deny')", "1:14: host '*.a' has a wildcard; write a rule for each host"),
        ("network_rule('http://a', 'http', 'deny')", "1:14: host 'http://a' must be a name or an address alone"),
        ("network_rule('[a', 'http', 'deny')", "1:14: host '[a' is no address in brackets; write [ADDRESS]"),
        ("network_rule('a b', 'http', 'deny')", "1:14: host 'a b' has blanks inside"),
        ("network_rule(' . ', 'http', 'deny')", "1:14: host ' . ' is empty"),
        ("network_rule('a', 'htp', 'deny')", "1:19: there is no protocol 'htp', did you mean 'http'?"),
        ("network_rule('a', 'http', 'ask')", "1:27: no decision 'ask'; there are: allow, prompt, forbidden, deny"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(text: str, fault: str) -> None:
    assert faults(text) == [f"r:{fault}"]


def test_every_fault_of_every_file_is_told_at_once() -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(
            [
                ("a", "x = y\nprefix_rule(x)\nfor x in []:\nprefix_rule(['a'], match=['b'])\nprefix_rule(['a'], 'no')"),
                ("b", "prefix_rule(['fine'])"),
                ("c", "z = [\n"),
            ]
        )
    loops = "loops are not offered; write the rules out, or give alternatives: pattern=['git', ['push', 'pull']]"
    assert caught.value.faults == (
        Fault("a", 1, 5, "there is no 'y'; text stands in quotes"),
        Fault("a", 3, 1, loops),
        Fault("a", 4, 20, "the rule does not match its example 'b'"),
        Fault("a", 5, 20, "no decision 'no'; there are: allow, prompt, forbidden"),
        Fault("c", 1, 5, "'[' is never closed"),
    )
    assert str(caught.value).splitlines()[:2] == [
        "5 faults in the rules:",
        "  a:1:5: there is no 'y'; text stands in quotes",
    ]


def test_examples_know_the_paths_of_programs() -> None:
    rules = "prefix_rule(['git'], match=['/usr/bin/git x'], not_match=['/tmp/git x'])"
    assert parse(f"{rules}\nhost_executable('git', ['/usr/bin/git'])")
    assert faults(rules) == ["r:1:48: the rule matches '/tmp/git x', which it must not"]


def test_brackets_and_sums_have_bounds() -> None:
    assert faults("x = " + "[" * 65) == ["r:1:69: brackets are nested deeper than 64"]
    assert faults("x = 'ab'\n" + "x += x\n" * 20) == ["r:17:3: the result is longer than 100,000"]
    assert not parse("x = 'a'" + " + 'b'" * 5_000)


FRAGMENTS = """prefix_rule ( ) [ ] 'a' " ''' , = += + x ; \\ # match r pattern 1 pass True""".split()
FRAGMENTS += [" ", "\n", "\t"]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)))
def test_every_text_gives_rules_or_faults_inside_of_it(text: str) -> None:
    try:
        parse(text)
    except RulesError as error:
        lines = text.split("\n")
        for fault in error.faults:
            assert 1 <= fault.line <= len(lines)
            assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
alternatives = st.lists(words, min_size=1, max_size=3).map(tuple)
prefix_rules = st.builds(
    PrefixRule,
    st.lists(alternatives, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["allow", "prompt", "forbidden"]),
    st.one_of(st.none(), words.filter(str.strip)),
    st.booleans(),
)


def quoted(text: str) -> str:
    """The text as a string that JSON, Python and Starlark read alike; what is beyond the first plane stays as it is."""
    return json.dumps(text, ensure_ascii=False)


def written(rule: PrefixRule) -> str:
    pattern = ", ".join("[" + ", ".join(map(quoted, words)) + "]" for words in rule.pattern)
    why = "" if rule.justification is None else f", justification={quoted(rule.justification)}"
    return f'prefix_rule(pattern=[{pattern}], decision="{rule.decision}", canonical_matching={rule.any_case}{why})\n'


@given(st.lists(prefix_rules, max_size=5))
def test_rules_that_are_written_are_read_as_they_were(rules: list[PrefixRule]) -> None:
    assert parse("".join(map(written, rules))) == Rules(rules)
