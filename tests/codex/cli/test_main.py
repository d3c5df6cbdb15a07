"""Commands, refusals and exit codes, without starting a process."""

import pytest

from codex.cli.commands import NOT_OFFERED, OFFERED
from codex.cli.main import run

CODEX_COMMANDS = """agents exec review login logout mcp plugin app-server remote-control completion update doctor
sandbox debug apply resume queue archive delete migrate-rollouts migrate-nfs-db unarchive fork cloud exec-server
features""".split()


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codex", "--version"]) == run(["codex", "-V"]) == run(["codex", "exec", "--version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [lines[0]] * 3
    assert lines[0].startswith("codex-actors ")


@pytest.mark.parametrize("command", [[], ["exec"], ["demo"], ["login"], ["logout"], ["debug"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codex", *command, "--help"]) == 0
    assert "Usage: " in capsys.readouterr().out
    assert run(["codex", "help", *command]) == 0


@pytest.mark.parametrize("command", CODEX_COMMANDS)
def test_every_command_of_codex_is_offered_or_refused_with_a_way_out(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if command in OFFERED:
        return
    assert run(["codex", command, "--some-option"]) == 2
    assert f"'codex {command}' is not offered by this version: {NOT_OFFERED[command]}" in capsys.readouterr().err


def test_codex_alone_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["codex"]) == 2
    said = capsys.readouterr().err
    assert "codex demo" in said
    assert "codex exec" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["exce", "hi"], "did you mean 'exec'?"),
        (["zzz"], "there are: exec, resume"),
        (["fix the tests"], "codex exec 'PROMPT'"),
        (["--modle", "x", "exec"], "did you mean '--model'?"),
        (["debug", "models"], "there is 'debug model-server'"),
        (["exec", "-s", "x", "hi"], "For more information, try 'codex exec --help'."),
    ],
)
def test_a_line_that_is_not_understood_ends_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["codex", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, said in err, err.startswith("error: ")) == ("", True, True)
