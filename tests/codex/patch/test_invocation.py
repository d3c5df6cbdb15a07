"""Which commands are patches."""

import pytest

from codex.patch import ImplicitInvocation, Invocation, find_invocation

BODY = "*** Begin Patch\n*** Add File: a\n+$HOME `id` \\\\ \\$y\n*** End Patch"
CWD = "/w"


def in_bash(script: str) -> Invocation | None:
    return find_invocation(["/bin/bash", "-lc", script], CWD)


@pytest.mark.parametrize("name", ["apply_patch", "applypatch"])
def test_the_command_itself_takes_the_patch_as_its_argument(name: str) -> None:
    assert find_invocation([name, BODY], CWD) == Invocation(BODY, CWD)
    assert find_invocation([name, BODY, "x"], CWD) is None
    assert find_invocation([name], CWD) is None
    assert find_invocation([], CWD) is None


@pytest.mark.parametrize(
    "shell",
    [
        *(["bash", "-c"], ["/usr/bin/zsh", "-lc"], ["sh", "-c"], ["pwsh", "-Command"], ["cmd.exe", "/c"]),
        ["powershell.exe", "-NoProfile", "-Command"],
    ],
)
def test_a_heredoc_is_found_in_the_script_of_any_shell(shell: list[str]) -> None:
    assert find_invocation([*shell, f"apply_patch <<'EOF'\n{BODY}\nEOF\n"], CWD) == Invocation(BODY, CWD)


@pytest.mark.parametrize("other", [["bash", "-x"], ["bash", "-l", "-c"], ["fish", "-c"], ["env", "bash"]])
def test_other_programs_are_commands(other: list[str]) -> None:
    assert find_invocation([*other, f"apply_patch <<'EOF'\n{BODY}\nEOF\n"], CWD) is None


@pytest.mark.parametrize("opening", ["'EOF'", '"EOF"', "EOF", "\\EOF", " 'EOF'", "\t'EOF'", "- 'EOF'"])
def test_the_delimiter_may_be_quoted_and_nothing_is_expanded(opening: str) -> None:
    assert in_bash(f"apply_patch <<{opening}\n{BODY}\nEOF") == Invocation(BODY, CWD)


@pytest.mark.parametrize("closing", ["EOF", "EOF\n", "EOF\n\n  ", "EOF ", " EOF", "EOF\r\n"])
def test_blanks_around_the_last_delimiter_are_forgiven(closing: str) -> None:
    assert in_bash(f"\n apply_patch <<'EOF'\n{BODY}\n{closing}") == Invocation(BODY, CWD)


def test_a_missing_last_delimiter_is_forgiven() -> None:
    assert in_bash(f"apply_patch <<'EOF'\n{BODY}") == Invocation(BODY, CWD)


def test_tabs_are_taken_off_where_the_shell_takes_them_off() -> None:
    tabbed = "\n".join(f"\t{line}" for line in BODY.split("\n"))
    assert in_bash(f"apply_patch <<-'EOF'\n{tabbed}\n\tEOF") == Invocation(BODY, CWD)


@pytest.mark.parametrize(
    ("prefix", "workdir"),
    [
        ("cd sub && ", "/w/sub"),
        ("cd sub&&", "/w/sub"),
        ("cd 'a \"b' && ", '/w/a "b'),
        ('cd "a b" &&\n', "/w/a b"),
        ("cd sub/.. && \\\n", "/w"),
        ("cd /abs && ", "/abs"),
        ("cd '' && ", "/w"),
        ("cd a~b && ", "/w/a~b"),
    ],
)
def test_one_change_of_directory_may_come_first(prefix: str, workdir: str) -> None:
    assert in_bash(f"{prefix}apply_patch <<'EOF'\n{BODY}\nEOF\n") == Invocation(BODY, workdir)


@pytest.mark.parametrize(
    "prefix",
    [
        *(
            "cd ~ && ",
            "cd $HOME && ",
            'cd "$HOME" && ',
            "cd su* && ",
            "cd a\\ b && ",
            "cd - && ",
            "cd -- a && ",
            "cd && ",
        ),
        *(
            "cd a || ",
            "cd a; ",
            "cd a\n",
            "cd a && cd b && ",
            "cd a b && ",
            "cd s'u'b && ",
            "pushd a && ",
            "cd {a,b} && ",
        ),
        *("echo hi && ", "# comment\n", "set -e\n", "sudo ", "./", "! ", "(", "{ ", "exec ", "time ", "cat | "),
    ],
)
def test_anything_else_before_makes_it_a_command(prefix: str) -> None:
    assert in_bash(f"{prefix}apply_patch <<'EOF'\n{BODY}\nEOF\n") is None


@pytest.mark.parametrize("rest", [" # comment", ";", " &", " && echo hi", " | cat", " >out", " 2>&1", " arg", " <<'B'"])
def test_anything_else_on_the_line_makes_it_a_command(rest: str) -> None:
    assert in_bash(f"apply_patch <<'EOF'{rest}\n{BODY}\nEOF\n") is None


@pytest.mark.parametrize("rest", ["EOF", "# comment", "echo hi", ")"])
def test_anything_else_after_makes_it_a_command(rest: str) -> None:
    assert in_bash(f"apply_patch <<'EOF'\n{BODY}\nEOF\n{rest}") is None


@pytest.mark.parametrize(
    "script", ["apply_patch", "ls", "", f"apply_patch '{BODY}'", f"echo '{BODY}' | apply_patch", f"cd a && {BODY}"]
)
def test_other_scripts_are_commands(script: str) -> None:
    assert in_bash(script) is None


def test_a_faulty_patch_is_still_found() -> None:
    assert in_bash("apply_patch <<'EOF'\nhello\nEOF\n") == Invocation("hello", CWD)


@pytest.mark.parametrize("argv", [[BODY], ["bash", "-lc", BODY], ["bash", "-lc", f"\n{BODY}\n"]])
def test_a_bare_patch_as_the_command_is_refused(argv: list[str]) -> None:
    text = (
        "apply_patch verification failed: patch detected without explicit call to apply_patch. "
        'Rerun as ["apply_patch", "<patch>"]'
    )
    with pytest.raises(ImplicitInvocation) as caught:
        find_invocation(argv, CWD)
    assert str(caught.value) == text


def test_a_faulty_bare_patch_is_a_command() -> None:
    assert in_bash("*** Begin Patch\nfoo\n*** End Patch") is None
