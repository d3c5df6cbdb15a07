"""A script is split only when it is certain what a shell runs; a real shell is the judge."""

import shutil
import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex.base.shell_words import split_commands, split_script, split_words


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("ls", [("ls",)]),
        ("git status && ls -l || pwd; a | b", [("git", "status"), ("ls", "-l"), ("pwd",), ("a",), ("b",)]),
        ("echo 'a b' \"c d\" e'f'\"g\" 12 ''", [("echo", "a b", "c d", "efg", "12", "")]),
        ("rg -g'*.py' \"it's\" '$x `y` \\'", [("rg", "-g*.py", "it's", "$x `y` \\")]),
        ("\n\nls\n\npwd ;\n", [("ls",), ("pwd",)]),
        ("ls &&\n pwd", [("ls",), ("pwd",)]),
        ("echo if a=b %1", [("echo", "if", "a=b", "%1")]),
        ("'if' x", [("if", "x")]),
        ("git commit -m 'first\nsecond' -m \"é!\"", [("git", "commit", "-m", "first\nsecond", "-m", "é!")]),
    ],
)
def test_plain_commands_are_split(script: str, commands: list[tuple[str, ...]]) -> None:
    assert split_commands(script) == commands


@pytest.mark.parametrize(
    "script",
    [
        "",
        " \n",
        "ls &&",
        "&& ls",
        "; ls",
        "ls ;; pwd",
        "ls | | wc",
        "ls & pwd",
        "ls |& wc",
        "ls > x",
        "ls 2>&1",
        "cat < x",
        "cat <<EOF\nx\nEOF",
        "(ls)",
        "{ ls; }",
        "echo $HOME",
        'echo "$HOME"',
        'echo "`id`"',
        'echo "a\\"b"',
        "echo `id`",
        "echo $(id)",
        "echo <(id)",
        "echo a\\ b",
        "ls *",
        "ls a?",
        "ls [ab]",
        "ls {a,b}",
        "ls ~",
        "ls # more",
        "! ls",
        "if true; then ls; fi",
        "time ls",
        "A=1 ls",
        "A+=1 ls",
        "A=1",
        "=ls",
        "ls ''=id",
        "%1",
        "ls 'open",
        'ls "open',
        "ls\r\npwd",
        "ls\x00",
        "ls \x0bpwd",
        "ls \u00a0x",
        "ls é",
        "x" * 70_000,
    ],
)
def test_what_may_mean_more_is_not_split(script: str) -> None:
    assert split_commands(script) is None


@pytest.mark.parametrize(
    ("argv", "split"),
    [
        (["bash", "-lc", "ls"], True),
        (["/usr/bin/zsh", "-c", "ls"], True),
        (["sh", "-c", "ls"], True),
        (["bash", "-c", "ls", "name"], False),
        (["bash", "-ic", "ls"], False),
        (["bash", "ls"], False),
        (["fish", "-c", "ls"], False),
        (["ls", "-c", "ls"], False),
        ([], False),
    ],
)
def test_only_scripts_of_shells_are_split(argv: list[str], *, split: bool) -> None:
    assert split_script(argv) == ([("ls",)] if split else None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("git  push\n-f", ["git", "push", "-f"]),
        ("a'b c'\"d $e\" f\\ g", ["ab cd $e", "f g"]),
        ('"a\\"b\\$\\x\\\nc" \'\\\'', ['a"b$\\xc', "\\"]),
        ("a#b # rest\nc", ["a#b", "c"]),
        ("'' \"\"", ["", ""]),
        ("a\\\nb", ["ab"]),
        ("", []),
        ("a 'b", None),
        ('a "b', None),
        ("a \\", None),
    ],
)
def test_an_example_is_read_as_one_command(text: str, words: list[str] | None) -> None:
    assert split_words(text) == words


PIECES = [
    "ls",
    "a=b",
    "if",
    "-x",
    "'q q'",
    '"d d"',
    "''",
    "=",
    "%",
    "é",
    "\\",
    "$x",
    "*",
    "#",
    "~",
    "{a,b}",
    "!",
    "in",
    "-x",
]
JOINS = [" ", " && ", " || ", " ; ", " | ", ";", "\n", "", "\t", " & ", "("]
scripts = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(JOINS)), max_size=7).map(
    lambda parts: "".join(piece + join for piece, join in parts)
)


@given(st.one_of(scripts, st.text(max_size=60), st.text(alphabet="ab='\"\\ \n;&|$#", max_size=20)))
def test_every_script_is_split_or_left_alone(script: str) -> None:
    commands = split_commands(script)
    assert commands is None or all(len(words) > 0 for words in commands)
    split_words(script)


# With an empty PATH every command ends in this function, which tells the words it was given, and succeeds or fails.
TELL = """
exec 3>&1 1>/dev/null 2>&1
command_not_found_handle() { local IFS=$'\x1f'; printf '%s\\n' "$*" >&3; return $STATUS; }
command_not_found_handler() { command_not_found_handle "$@"; }
for script; do eval "\n$script"; printf -- '--\\n' >&3; done
"""


def run_by(shell: str, scripts: list[str], *, status: int) -> list[list[tuple[str, ...]]]:
    """The commands that a shell runs for each script, sorted; all of them end with this status."""
    environ = {"LC_ALL": "C.UTF-8", "PATH": "/none", "STATUS": str(status)}
    done = subprocess.run(
        [shell, "-c", TELL, shell, *scripts], capture_output=True, text=True, env=environ, check=False
    )
    told = done.stdout.split("--\n")[:-1]
    return [sorted(tuple(line.split("\x1f")) for line in part.splitlines()) for part in told]


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_shell_runs_the_same_commands_with_the_same_words(name: str) -> None:
    shell = shutil.which(name)
    if shell is None:
        pytest.skip(f"no {name} here")

    @settings(max_examples=25, deadline=None)
    @given(st.lists(scripts, min_size=30, max_size=30))
    def check(tried: list[str]) -> None:
        split = {script: commands for script in tried if (commands := split_commands(script)) is not None}
        for status, stops in ((0, "||"), (1, "&&")):
            for (script, commands), ran in zip(split.items(), run_by(shell, [*split], status=status), strict=True):
                if stops in script:
                    assert set(ran) <= set(commands)
                else:
                    assert ran == sorted(commands)

    check()


def test_a_script_that_is_only_shown_is_split_where_most_shells_agree() -> None:
    script = r'rg "a\|b" é ! -name'
    assert split_commands(script) is None
    assert split_commands(script, to_show=True) == [("rg", r"a\|b", "é", "!", "-name")]
    for unclear in ("'cat' a", "! cat a", 'cat "a\\"b"', "cat $x", "cat *.py"):
        assert split_commands(unclear, to_show=True) is None, unclear
