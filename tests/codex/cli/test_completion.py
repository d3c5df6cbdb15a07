"""Completion scripts: everything that can be typed is in them, and real shells complete with them."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from codex.cli._completion_scripts import SCRIPTS
from codex.cli.commands import ALIASES, OFFERED
from codex.cli.completion import MODULES, SHELLS, find_commands

ROOT = Path(__file__).parents[3]
COMMANDS = find_commands(OFFERED, ALIASES)


def test_every_module_with_options_is_asked() -> None:
    with_options = {
        f"codex.cli.{path.stem}"
        for path in (ROOT / "codex/cli").glob("[!_]*.py")
        if re.search(r"\bParser\(\s*\"", path.read_text(encoding="utf-8"))
    }
    assert with_options == set(MODULES)


def test_every_command_and_every_option_can_be_completed() -> None:
    assert {command.path[1] for command in COMMANDS if command.path[1:]} == set(OFFERED)
    by_place = {command.place: command for command in COMMANDS}
    for module in MODULES:
        for words, parser in import_module(module).PARSERS.items():
            command = by_place[" ".join(["codex", *words.split()])]
            shown = {f"--{option.key}" for option in parser.options if not option.hidden and not option.refusal}
            assert shown <= {word.text for word in command.flags}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_every_command(shell: str) -> None:
    script = SCRIPTS[shell](COMMANDS)
    assert [name for name in OFFERED if name not in script] == []
    assert "--output-schema" in script or "-l output-schema" in script


CHECKS = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}


@pytest.mark.parametrize("shell", CHECKS)
def test_the_shell_itself_can_read_its_script(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell) or pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(SCRIPTS[shell](COMMANDS))
    done = subprocess.run([program, *CHECKS[shell], str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def complete(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers when the cursor is at the end of the last word."""
    bash = shutil.which("bash") or pytest.skip("bash is not installed")
    (tmp_path / "script").write_text(SCRIPTS["bash"](COMMANDS))
    program = 'source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _codex; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        [bash, "--norc", "-c", program, "bash", "codex", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_bash_completes_commands_options_and_values(tmp_path: Path) -> None:
    assert complete(tmp_path, "comp") == ["completion"]
    assert set(OFFERED) <= set(complete(tmp_path, ""))
    assert complete(tmp_path, "exec", "--output-") == ["--output-schema", "--output-last-message"]
    assert complete(tmp_path, "e", "--output-s") == ["--output-schema"]
    assert complete(tmp_path, "-s", "read-only", "exec", "-s", "w") == ["workspace-write"]
    assert complete(tmp_path, "exec", "--sandbox", "=", "d") == ["danger-full-access"]
    assert complete(tmp_path, "exec", "--sandbox", "=") == ["read-only", "workspace-write", "danger-full-access"]
    assert complete(tmp_path, "config", "") == ["get", "set", "show", "unset"]
    assert complete(tmp_path, "config", "show", "--or") == ["--origins"]
    assert complete(tmp_path, "completion", "z") == ["zsh"]
    assert "unified_exec" in complete(tmp_path, "features", "enable", "unif")


def test_bash_completes_files_and_directories_with_blanks(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a c.json").touch()
    assert complete(tmp_path, "exec", "-C", "a") == ["a b"]
    assert "a c.json" in complete(tmp_path, "exec", "--output-schema", "a")
