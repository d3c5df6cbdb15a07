"""What commands are said to do: for each line of `parsed_commands.jsonl` what Codex 0.169 said of it.

A line holds a script, and its steps: the kind, the command, and what the kind adds; none for a script that is not
understood. It ran in the folder `/w/work`.
"""

import json
import os
from pathlib import Path
from typing import Any, assert_never

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.base.parsed_command import ListFiles, Other, ReadFile, Search, Step, parse_command

_FILE = Path(__file__).with_name("parsed_commands.jsonl")
_RECORDED = [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]


def shown(step: Step) -> list[Any]:
    match step:
        case ReadFile(command=command, name=name, path=path):
            return ["read", command, name, os.path.normpath(os.path.join("/w/work", path))]
        case ListFiles(command=command, path=path):
            return ["listFiles", command, path]
        case Search(command=command, query=query, path=path):
            return ["search", command, query, path]
        case Other(command=command):
            return ["unknown", command]
        case _ as never:
            assert_never(never)


def test_a_script_is_understood_as_codex_understands_it() -> None:
    found = {script: [shown(step) for step in parse_command(["/bin/bash", "-c", script])] for script, _ in _RECORDED}
    assert found == {script: [["unknown", script]] if steps is None else steps for script, steps in _RECORDED}


@pytest.mark.parametrize("shell", ["bash", "/usr/bin/zsh", "sh"])
def test_a_login_shell_of_any_kind_is_looked_through(shell: str) -> None:
    assert parse_command([shell, "-lc", "cat a"]) == (ReadFile("cat a", "a", "a"),)


def test_a_command_without_a_shell_is_understood_by_its_words() -> None:
    assert parse_command(["rg", "a b", "src"]) == (Search("rg 'a b' src", "a b", "src"),)
    assert parse_command(["make", "a b"]) == (Other("make 'a b'"),)


def test_one_unknown_step_makes_the_whole_script_unknown() -> None:
    assert parse_command(["bash", "-c", "cat a && make"]) == (Other("cat a && make"),)


@given(
    st.lists(st.sampled_from(["cat", "head", "-n", "sed", "rg", "git", "cd", "--", "|", "&&", "'a b'", "5", "find"]))
)
def test_every_script_has_an_answer(words: list[str]) -> None:
    parse_command(["bash", "-c", " ".join(words)])
