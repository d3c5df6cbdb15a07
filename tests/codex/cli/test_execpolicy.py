"""`codex execpolicy check` prints what Codex prints; the expected lines were taken from Codex 0.169."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from codex.cli.main import run

RULES = """
prefix_rule(["git", ["push", "é"]], "prompt", justification="seen \\"by\\" others")
prefix_rule(["git"])
"""


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "a.rules"
    file.write_text(RULES)
    with chdir(tmp_path):
        yield str(file)


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["codex", "execpolicy", "check", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_every_match_is_printed_and_the_strictest_decision(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, "--rules", rules, "--", "git", "é", "-x") == (
        0,
        (
            '{"matchedRules":[{"prefixRuleMatch":{"matchedPrefix":["git","é"],"decision":"prompt",'
            '"justification":"seen \\"by\\" others"}},'
            '{"prefixRuleMatch":{"matchedPrefix":["git"],"decision":"allow"}}],"decision":"prompt"}\n'
        ),
        "",
    )


def test_without_a_match_there_is_no_decision(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, "-r", rules, "ls") == (0, '{"matchedRules":[]}\n', "")
    assert check(capsys, "-r", rules, "bash", "-lc", "git push") == (0, '{"matchedRules":[]}\n', "")
    assert check(capsys, "-r", rules, "--pretty", "ls")[1] == '{\n  "matchedRules": []\n}\n'


def test_it_may_be_printed_over_several_lines(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    pretty = """{
  "matchedRules": [
    {
      "prefixRuleMatch": {
        "matchedPrefix": [
          "git"
        ],
        "decision": "allow"
      }
    }
  ],
  "decision": "allow"
}
"""
    assert check(capsys, "-r", rules, "--pretty", "git", "--pretty") == (0, pretty, "")


def test_several_files_count_together(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = tmp_path / "b.rules"
    second.write_text('prefix_rule(["git"], "forbidden")')
    _, out, _ = check(capsys, "-r", rules, "-r", str(second), "git")
    assert out.endswith('"decision":"forbidden"}\n')


def test_paths_are_matched_by_name_where_asked(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, "-r", rules, "--", "/usr//bin/git")[1] == '{"matchedRules":[]}\n'
    line = '{"matchedRules":[{"prefixRuleMatch":{"matchedPrefix":["git"],"decision":"allow","resolvedProgram":"%s"}}],'
    _, out, _ = check(capsys, "-r", rules, "--resolve-host-executables", "--", "/usr//bin/../bin/git", "x")
    assert out.startswith(line % "/usr/bin/git")
    _, out, _ = check(capsys, "-r", rules, "--resolve-host-executables", "--", "./git", "x")
    assert out.startswith(line % (tmp_path / "git"))


def test_broken_files_end_it_with_every_fault(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "b.rules"
    broken.write_text('prefix_rule(["a"],\n  decision="alow")\nx = y')
    code, out, err = check(capsys, "-r", rules, "-r", str(broken), "-r", "nowhere.rules", "--", "git")
    assert (code, out) == (1, "")
    assert err == (
        "Error: 3 faults in the rules:\n"
        "  nowhere.rules: cannot be read: No such file or directory\n"
        f"  {broken}:2:3: no decision 'alow', did you mean 'allow'?\n"
        f"  {broken}:3:5: there is no 'y'; text stands in quotes\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "ls"], "'--rules <FILE>' is required"),
        (["check", "-r", "a.rules"], "a command is required"),
        (["check", "-r", "a.rules", "--", "\udcff"], "is not UTF-8"),
        (["chek"], "unrecognized subcommand 'chek'; there is 'codex execpolicy check'"),
        ([], "a command is required; there is 'codex execpolicy check'"),
    ],
)
def test_a_line_that_is_not_understood_ends_with_two(
    arguments: list[str], said: str, rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["codex", "execpolicy", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["check", "--help"], ["check", "-h"]])
def test_help_shows_the_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codex", "execpolicy", *arguments]) == 0
    assert "--resolve-host-executables" in capsys.readouterr().out
