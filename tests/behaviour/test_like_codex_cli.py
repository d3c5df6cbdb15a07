"""The command line of `codex exec`, where scripts and SDKs would notice a difference from Codex 0.169."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.typed_codex import DEADLINE, Place, Typed, make_place

SCRIPT = {"turns": [[{"type": "text", "text": "I look."}, {"type": "text", "text": "Done."}]], "loop": True}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = make_place(tmp_path)
    made.play(SCRIPT)
    return made


def prompts(place: Place) -> list[str]:
    """The texts of the user's messages in the only rollout there is, without what tells the surroundings."""
    (rollout,) = place.codex_home.glob("sessions/*/*/*/*.jsonl")
    payloads: list[dict[str, Any]] = [json.loads(line)["payload"] for line in rollout.read_text().splitlines()]
    texts = [part.get("text", "(image)") for item in payloads if item.get("role") == "user" for part in item["content"]]
    return [text for text in texts if not text.startswith("<environment_context>")]


def thread_id(run: Typed) -> str:
    return run.events[0]["thread_id"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "prompt"),
    [
        (["hello"], b"", "hello"),
        (["hello"], b"more\n", "hello\n\n<stdin>\nmore\n</stdin>"),
        (["hello"], b" \n", "hello"),
        ([], b"from stdin\n", "from stdin\n"),
        (["-"], b"from stdin\n", "from stdin\n"),
        ([""], b"only stdin", "\n\n<stdin>\nonly stdin\n</stdin>"),
        (["--", "resume"], b"", "resume"),
        (["--", "--json"], b"", "--json"),
    ],
)
def test_a_prompt_comes_from_the_argument_or_from_stdin_or_from_both(
    place: Place, arguments: list[str], stdin: bytes, prompt: str
) -> None:
    done = place.run("exec", *arguments, stdin=stdin)
    assert (done.code, done.stdout) == (0, "Done.\n")
    assert prompts(place) == [prompt]


def test_only_a_prompt_that_is_asked_for_without_a_word_is_announced(place: Place) -> None:
    assert "Reading" not in place.run("exec", "-", stdin=b"hi").stderr
    assert place.run("exec", stdin=b"hi").stderr.startswith("Reading prompt from stdin...\n")
    assert place.run("exec", "hi").stderr.startswith("Reading additional input from stdin...\n")


def test_a_resumed_thread_with_a_prompt_leaves_stdin_to_others(place: Place) -> None:
    first = place.run("exec", "--json", "one")
    resume = f"{' '.join(place.command())} exec resume {thread_id(first)} two >/dev/null 2>&1; cat"
    left = subprocess.run(
        ["sh", "-c", resume],
        cwd=place.repo,
        env=place.environ,
        input=b"next line\n",
        capture_output=True,
        timeout=DEADLINE,
        check=True,
    )
    assert left.stdout == b"next line\n"
    assert prompts(place) == ["one", "two"]


def test_an_option_may_stand_before_and_behind_resume(place: Place) -> None:
    first = place.run("exec", "--json", "one")
    again = place.run("exec", "--json", "-o", "old.txt", "resume", thread_id(first), "--json", "-o", "new.txt", "two")
    assert (again.code, thread_id(again)) == (0, thread_id(first))
    assert (place.repo / "new.txt").read_text() == "Done."
    assert not (place.repo / "old.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "--json", "hi"], "error: the argument '--json' cannot be used multiple times"),
        (["--ephemeral", "--ephemeral", "hi"], "error: the argument '--ephemeral' cannot be used multiple times"),
        (["-C", "", "hi"], "error: a value is required for '--cd <DIR>' but none was supplied"),
        (["--add-dir=", "hi"], "error: a value is required for '--add-dir <DIR>' but none was supplied"),
        (["-i", "", "--", "hi"], "error: a value is required for '--image <FILE>' but none was supplied"),
        (["--cyber-access-program", "x", "hi"], "error: invalid value 'x' for '--cyber-access-program <PROGRAM>'"),
        (["--color", "blue", "hi"], "error: invalid value 'blue' for '--color <WHEN>'"),
        (["one", "two"], "error: unexpected argument 'two' found"),
    ],
)
def test_a_line_that_codex_does_not_understand_ends_with_2(place: Place, arguments: list[str], said: str) -> None:
    done = place.run("exec", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_options_before_the_command_are_taken_as_codex_takes_them(place: Place) -> None:
    assert place.run("-a", "never", "exec", "hi").code == 0
    assert place.run("-a", "always", "exec", "hi").code == 2


def test_the_word_help_behind_exec_prints_the_help(place: Place) -> None:
    done = place.run("exec", "--json", "help")
    assert (done.code, done.stdout.splitlines()[0]) == (0, "Run an agent on a task and end.")


def test_a_feature_nobody_knows_cannot_be_enabled(place: Place) -> None:
    done = place.run("exec", "--enable", "hoks", "hi")
    assert (done.code, done.stdout) == (1, "")
    assert "no feature of that name, did you mean 'hooks'?" in done.stderr


def test_the_file_for_the_last_message_is_made_before_the_model_is_asked(place: Place) -> None:
    done = place.run("exec", "--json", "-o", "missing/last.txt", "hi")
    assert (done.code, done.stdout) == (1, "")
    place.play({"turns": [{"http_status": 400}]})
    assert place.run("exec", "-o", "last.txt", "hi").code == 1
    assert (place.repo / "last.txt").read_text() == ""
    (place.repo / "last.txt").write_text("of an earlier run")
    assert place.run("exec", "-o", "last.txt", "hi").code == 1
    assert (place.repo / "last.txt").read_text() == "of an earlier run"


@pytest.mark.parametrize(("originator", "last"), [("codex_sdk_ts", "turn.started"), ("other", "turn.failed")])
def test_an_abort_by_the_typescript_sdk_is_not_told_as_a_failure(place: Place, originator: str, last: str) -> None:
    place.play({"turns": [[{"type": "sleep", "seconds": 60}]]})
    process = subprocess.Popen(
        place.command("exec", "--experimental-json", "hi"),
        cwd=place.repo,
        env=place.environ | {"CODEX_INTERNAL_ORIGINATOR_OVERRIDE": originator},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process:
        lines = [process.stdout.readline() for _ in range(2)]
        os.kill(process.pid, signal.SIGTERM)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGTERM
    assert json.loads(lines[-1])["type"] == last
