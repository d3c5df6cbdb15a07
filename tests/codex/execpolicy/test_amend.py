"""What "always allow" offers and writes: nothing too wide, one line, once; a file that was broken stays as it was."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.execpolicy import (
    NO_RULES,
    AmendError,
    NetworkRule,
    PrefixRule,
    Rules,
    append_network_rule,
    append_prefix_rule,
    load_files,
    parse_rules,
    propose_prefix,
)
from codex.execpolicy.too_wide import is_too_wide


def test_the_whole_command_is_offered() -> None:
    assert propose_prefix(NO_RULES, ["make", "test"]) == ("make", "test")
    assert propose_prefix(NO_RULES, ["bash", "-lc", "make 'test'"]) == ("make", "test")


def test_a_script_that_cannot_be_split_is_offered_as_it_is() -> None:
    argv = ["bash", "-lc", "make > log"]
    assert propose_prefix(NO_RULES, argv) == tuple(argv)


def test_what_the_model_asks_for_is_offered_if_it_does() -> None:
    assert propose_prefix(NO_RULES, ["make", "test", "-j"], ["make", "test"]) == ("make", "test")
    assert propose_prefix(NO_RULES, ["make", "test"], ["make", "check"]) == ("make", "test")
    assert propose_prefix(NO_RULES, ["python3", "x.py"], ["python3"]) == ("python3", "x.py")


def test_nothing_is_offered_that_leaves_a_command_without_a_rule() -> None:
    script = ["bash", "-lc", "make a && make b"]
    assert propose_prefix(NO_RULES, script) is None
    assert propose_prefix(NO_RULES, script, ["make"]) is None
    assert propose_prefix(NO_RULES, ["bash", "-lc", "cargo test a | cargo test b"], ["cargo", "test"]) == (
        "cargo",
        "test",
    )


def test_nothing_is_offered_where_a_rule_matched() -> None:
    rules = parse_rules([("r", 'prefix_rule(["make"], "prompt")')])
    assert propose_prefix(rules, ["make", "test"]) is None
    assert propose_prefix(rules, ["bash", "-lc", "ls; make"], ["ls"]) is None


@pytest.mark.parametrize("script", ["rm -rf x", "sudo rm -f x", "rm x", "bash -c", "python3 -c", "git", ""])
def test_nothing_is_offered_for_removals_and_what_may_be_anything(script: str) -> None:
    assert propose_prefix(NO_RULES, ["bash", "-lc", script]) in (None, ("bash", "-lc", ""))
    assert propose_prefix(NO_RULES, script.split()) is None


def test_nothing_is_offered_that_no_file_can_say() -> None:
    assert propose_prefix(NO_RULES, ["make", "\udcff"]) is None


@pytest.mark.parametrize(
    "prefix",
    [
        "bash", "/bin/bash -lc", "sh -c", "zsh -lc", "python3", "python3.12 -c", "python -", "node -e", "perl -e",
        "powershell.exe -Command", "cmd.exe /c", "env", "env A=1", "env -i bash", "sudo", "sudo -u root", "sudo rm",
        "timeout 5", "nice -n 5 python3", "xargs", "xargs rm", "git", "npm run", "npm -s run", "uv run", "docker exec",
        "ssh host", "rm", "rm x", "/bin/rm", "dd if=a", "mkfs.ext4 /dev/x", "find", "",
    ],
)  # fmt: skip
def test_a_prefix_may_be_too_wide(prefix: str) -> None:
    assert is_too_wide(prefix.split())


@pytest.mark.parametrize(
    "prefix",
    ["ls", "git status", "python3 x.py", "python3 -m pytest", "npm run build", "sudo apt update", "timeout 5 make x",
     "bash script.sh", "docker ps", "uv run pytest", "ssh host uptime", "env A=1 pytest"],
)  # fmt: skip
def test_a_prefix_may_be_narrow_enough(prefix: str) -> None:
    assert not is_too_wide(prefix.split())


def test_a_rule_is_added_once(tmp_path: Path) -> None:
    file = tmp_path / "home/rules/default.rules"
    assert append_prefix_rule(file, ["echo", 'Hello, "é"\n'])
    assert not append_prefix_rule(file, ["echo", 'Hello, "é"\n'])
    assert file.read_text() == 'prefix_rule(pattern=["echo", "Hello, \\"é\\"\\n"], decision="allow")\n'


def test_a_rule_that_is_spelled_otherwise_is_there_already(tmp_path: Path) -> None:
    file = tmp_path / "default.rules"
    file.write_text("prefix_rule([\n 'ls',\n])")
    assert not append_prefix_rule(file, ["ls"])
    assert append_prefix_rule(file, ["ls", "-l"])
    assert file.read_text() == 'prefix_rule([\n \'ls\',\n])\nprefix_rule(pattern=["ls", "-l"], decision="allow")\n'


def test_a_network_rule_is_added_once(tmp_path: Path) -> None:
    file = tmp_path / "rules/default.rules"
    assert append_network_rule(file, "API.example.com:443", "https", "forbidden", 'no "way"')
    assert not append_network_rule(file, "api.example.com", "https", "forbidden", 'no "way"')
    assert append_network_rule(file, "api.example.com", "http", "allow")
    assert file.read_text().splitlines() == [
        'network_rule(host="api.example.com", protocol="https", decision="deny", justification="no \\"way\\"")',
        'network_rule(host="api.example.com", protocol="http", decision="allow")',
    ]
    assert load_files([file]).network_rules == (
        NetworkRule("api.example.com", "https", "forbidden", 'no "way"'),
        NetworkRule("api.example.com", "http", "allow"),
    )


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_added_is_read_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, prefixes: list[list[str]]
) -> None:
    file = tmp_path_factory.mktemp("rules") / "default.rules"
    for prefix in prefixes:
        append_prefix_rule(file, prefix)
    expected = dict.fromkeys(PrefixRule(tuple((word,) for word in prefix)) for prefix in prefixes)
    assert load_files([file]) == Rules(expected)


@pytest.mark.parametrize(
    "text", ["prefix_rule([\n", "x = y\n", "prefix_rule(['a'], match=['b'])\n", "# joined \\\nx = \\\n"]
)
def test_a_broken_file_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "default.rules"
    file.write_text(text)
    with pytest.raises(AmendError, match=r"mend it first: .*default.rules:"):
        append_prefix_rule(file, ["ls"])
    assert file.read_text() == text


@pytest.mark.parametrize(
    "append",
    [
        lambda file: append_prefix_rule(file, []),
        lambda file: append_prefix_rule(file, ["\udcff"]),
        lambda file: append_network_rule(file, "*", "https", "allow"),
        lambda file: append_network_rule(file, "a", "ftp", "allow"),
        lambda file: append_network_rule(file, "a", "http", "ask"),
        lambda file: append_network_rule(file, "a", "http", "allow", " "),
    ],
)
def test_what_is_no_rule_is_not_added(tmp_path: Path, append: Callable[[Path], bool]) -> None:
    file = tmp_path / "default.rules"
    with pytest.raises(AmendError, match=r"cannot add a rule to .*default.rules: "):
        append(file)
    assert not file.exists() or file.read_bytes() == b""


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("")
    with pytest.raises(AmendError, match="cannot add a rule"):
        append_prefix_rule(tmp_path / "rules/default.rules", ["ls"])


def test_a_file_somebody_else_has_locked_is_waited_for_within_bounds(tmp_path: Path) -> None:
    file = tmp_path / "default.rules"
    with open(file, "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AmendError, match="another program has locked it"):
            append_prefix_rule(file, ["ls"], lock_seconds=0)
    assert file.read_bytes() == b""
    assert append_prefix_rule(file, ["ls"], lock_seconds=0)


FILLS_UP = """
import resource, signal, sys
from codex.execpolicy import AmendError, append_prefix_rule
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    append_prefix_rule(sys.argv[1], ["make", "test"])
except AmendError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [0, 20])
def test_a_rule_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, room: int) -> None:
    file = tmp_path / "default.rules"
    text = 'prefix_rule(["ls"])'
    file.write_text(text)
    command = [sys.executable, "-c", FILLS_UP, str(file), str(len(text) + room)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"cannot add a rule to {file}" in done.stdout
    assert file.read_text() == text


ADDS = """
import sys
from codex.execpolicy import append_prefix_rule
for number in range(8):
    append_prefix_rule(sys.argv[1], ["make", f"{sys.argv[2]}{number}"], lock_seconds=300)
    append_prefix_rule(sys.argv[1], ["make", f"all{number}"], lock_seconds=300)
"""


def test_several_processes_add_at_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "rules/default.rules"
    names = ("a", "b", "c")
    children = [subprocess.Popen([sys.executable, "-c", ADDS, str(file), name]) for name in names]
    assert [child.wait() for child in children] == [0, 0, 0]
    found = sorted(rule.pattern[1][0] for rule in load_files([file]).prefix_rules)
    assert found == sorted(f"{name}{number}" for name in (*names, "all") for number in range(8))


def test_a_file_keeps_its_place_and_its_mode(tmp_path: Path) -> None:
    real, link = tmp_path / "mine.rules", tmp_path / "default.rules"
    real.write_text("# mine\n")
    real.chmod(0o600)
    link.symlink_to(real)
    before = os.stat(real)
    assert append_prefix_rule(link, ["ls"])
    after = os.stat(real)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert link.is_symlink()
