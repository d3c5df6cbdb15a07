"""The command line of `codex exec`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex.cli._arguments import UsageError
from codex.cli.options import ExecOptions, read_exec, root_parser


def read(*arguments: str) -> ExecOptions:
    return read_exec(list(arguments))


def test_the_typescript_sdk_is_understood() -> None:
    options = read(
        *["--experimental-json", "--config", 'openai_base_url="http://x/v1"', "--config", "a.b=1"],
        *["--model", "m", "--thread-source", "sdk", "--sandbox", "workspace-write", "--cd", "/repo"],
        *["--add-dir", "/a", "--add-dir", "/b", "--skip-git-repo-check", "--output-schema", "/s.json"],
        *["--cyber-access-program", "standard", "--config", 'model_reasoning_effort="high"'],
        *["resume", "0199", "--image", "/1.png", "--image", "/2.png"],
    )
    assert vars(options) | {"config": None} == {
        "config": None,
        "model": "m",
        "oss": False,
        "local_provider": None,
        "sandbox": "workspace-write",
        "approve_for_me": False,
        "bypass_sandbox": False,
        "bypass_hook_trust": False,
        "cd": "/repo",
        "add_dirs": ["/a", "/b"],
        "images": ["/1.png", "/2.png"],
        "strict_config": False,
        "skip_git_repo_check": True,
        "trust": False,
        "ephemeral": False,
        "ignore_user_config": False,
        "ignore_rules": False,
        "output_schema": "/s.json",
        "color": "auto",
        "json": True,
        "last_message_file": None,
        "thread_source": "sdk",
        "stored": "resume",
        "stored_id": "0199",
        "stored_all": False,
        "fork_turn": None,
        "fork_before": None,
        "help": False,
        "version": False,
        "prompt": None,
    }
    assert options.config.overrides == ['openai_base_url="http://x/v1"', "a.b=1", 'model_reasoning_effort="high"']


@pytest.mark.parametrize("spelling", [["-mgpt"], ["-m=gpt"], ["-m", "gpt"], ["--model=gpt"], ["--model", "gpt"]])
def test_a_value_may_be_glued_on(spelling: list[str]) -> None:
    assert read(*spelling, "hi").model == "gpt"


def test_options_before_the_command_come_first_and_the_commands_own_win() -> None:
    before = root_parser.parse(["-c", "a=1", "--enable", "f", "-m", "old", "exec", "-m", "x"], stop_at_positional=True)
    options = read_exec(["-c", "b=2", "-m", "new", "hi"], before)
    assert (options.config.overrides, options.config.enable, options.model) == (["a=1", "b=2"], ["f"], "new")


def test_everything_behind_two_dashes_is_text() -> None:
    assert read("--json", "--", "--help").prompt == "--help"
    assert read("--", "-").prompt == "-"


def test_images_are_gathered_but_never_the_prompt(tmp_path: Path) -> None:
    (tmp_path / "shot").write_bytes(b"")
    options = read("-i", "a.png,b.jpg", "c.webp", str(tmp_path / "shot"), "what is on d.png?", "-s", "read-only")
    assert options.images == ["a.png", "b.jpg", "c.webp", str(tmp_path / "shot")]
    assert options.prompt == "what is on d.png?"


def test_resume_takes_an_id_or_the_last_thread_and_a_prompt() -> None:
    with_id, last, bare = read("resume", "id1", "go on"), read("resume", "--last", "go on"), read("resume", "--last")
    assert (with_id.stored, with_id.stored_id, with_id.prompt) == ("resume", "id1", "go on")
    assert (last.stored, last.stored_id, last.prompt) == ("resume", None, "go on")
    assert (bare.stored, bare.prompt) == ("resume", None)


def test_a_fork_takes_a_turn_and_needs_no_prompt() -> None:
    whole, cut = read("fork", "id1"), read("-m", "x", "fork", "id1", "--turn", "2", "go on")
    assert (whole.stored, whole.stored_id, whole.prompt, whole.fork_turn) == ("fork", "id1", None, None)
    assert (cut.stored_id, cut.prompt, cut.fork_turn, cut.model) == ("id1", "go on", "2", "x")


def test_options_count_on_both_sides_of_resume_and_the_later_one_wins() -> None:
    options = read(
        "--json", "-m", "old", "-o", "a", "-c", "a=1", "resume", "id1", "--json", "-m", "new", "-c", "b=2", "hi"
    )
    assert (options.json, options.model, options.last_message_file) == (True, "new", "a")
    assert (options.config.overrides, options.stored_id, options.prompt) == (["a=1", "b=2"], "id1", "hi")


def test_the_name_of_a_command_behind_two_dashes_is_a_prompt() -> None:
    options = read("--json", "--", "resume")
    assert (options.stored, options.prompt) == ("", "resume")


def test_flags_without_a_meaning_here_are_accepted() -> None:
    before = root_parser.parse(["-a", "never", "exec"], stop_at_positional=True)
    assert read_exec(["--dangerously-bypass-hook-trust", "hi"], before).prompt == "hi"


def test_no_sandbox_wins_over_a_sandbox_mode() -> None:
    options = read("--yolo", "-s", "read-only", "hi")
    assert (options.bypass_sandbox, options.sandbox) == (True, "read-only")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--modle", "x"], "did you mean '--model'?"),
        (["-m"], "a value is required for '--model <MODEL>'"),
        (["-m", "-s"], "a value is required for '--model <MODEL>' but none was supplied; found '-s'"),
        (["-m", "a", "-m", "b"], "cannot be used multiple times"),
        (["-s", "read"], "did you mean 'read-only'?"),
        (["--json=1"], "it takes none"),
        (["-Z"], "unexpected argument '-Z' found"),
        (["fix", "the", "bug"], "put the whole prompt in quotes"),
        (["resume"], "'resume' needs the id or the name of a session, or '--last'"),
        (["fork"], "'fork' needs the id or the name of a session, or '--last'"),
        (["resume", "id", "--turn", "2", "x"], "belong to 'fork'"),
        (["fork", "id", "--turn", "2", "--before", "3"], "give one of them"),
        (["--last", "x"], "belong to 'resume' and 'fork'"),
        (["--worktree", "x"], "git worktree add"),
        (["--json", "--experimental-json", "x"], "the argument '--json' cannot be used multiple times"),
        (["--ephemeral", "--ephemeral", "x"], "the argument '--ephemeral' cannot be used multiple times"),
        (["-C", "", "x"], "a value is required for '--cd <DIR>' but none was supplied"),
        (["--output-last-message=", "x"], "a value is required for '--output-last-message <FILE>'"),
        (["-p", "", "x"], "a value is required for '--profile <PROFILE>'"),
        (["--cyber-access-program", "x", "y"], "[possible values: standard, daybreak_blue, daybreak_red]"),
        (["--local-provider", "ollama", "x"], "give both"),
        (["review"], "Review the uncommitted changes"),
    ],
)
def test_a_wrong_line_is_refused_with_the_way_out(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(*arguments)
    assert said in str(refusal.value)


CODEX_OPTIONS = """--config --enable --disable --strict-config --image --model --oss --local-provider --profile
--sandbox --approve-for-me --dangerously-bypass-approvals-and-sandbox --dangerously-bypass-hook-trust --cd --worktree
--add-dir --thread-source --cyber-access-program --skip-git-repo-check --trust --ephemeral --ignore-user-config
--ignore-rules --output-schema --color --json --experimental-json --output-last-message""".split()


@pytest.mark.parametrize("option", CODEX_OPTIONS)
def test_every_option_of_codex_is_known_by_name(option: str) -> None:
    values = {"--local-provider": ["ollama", "--oss"], "--sandbox": ["read-only"], "--color": ["never"]}
    assert "unexpected argument" not in _refusal_of(option) + _refusal_of(option, *values.get(option, ["x"]))


def _refusal_of(*arguments: str) -> str:
    try:
        read(*arguments)
    except UsageError as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize(
    ("arguments", "policy", "reviewer", "mode"),
    [
        ([], "never", "user", "read-only"),
        (["--approve-for-me"], "on-request", "auto_review", "workspace-write"),
        (["--approve-for-me", "-s", "read-only"], "on-request", "auto_review", "read-only"),
        (["-c", 'approval_policy="on-request"'], "never", "user", "read-only"),
    ],
)
def test_exec_asks_only_a_reviewer_that_was_wished_for(
    arguments: list[str], policy: str, reviewer: str, mode: str, tmp_path: Path
) -> None:
    program = """if True:
        import sys
        from codex.cli.exec import configure
        from codex.cli.options import read_exec
        config = configure(read_exec(sys.argv[1:]))
        print(config.approval_policy, config.approvals_reviewer, config.sandbox_policy.mode)
    """
    command = [sys.executable, "-c", program, *arguments, "-C", str(tmp_path), "x"]
    environ = os.environ | {"CODEX_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [policy, reviewer, mode]
