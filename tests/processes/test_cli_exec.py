"""`codex exec` as it is typed, with the scripted model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "codex/cli/demo_models.json"
SCRIPT = {
    "rules": [
        {"match": "sleep", "in": "last", "script": "sleep"},
        {"match": "wrong", "in": "last", "script": "wrong"},
        {"match": "echo", "in": "last", "script": "echo"},
        {"match": "silent", "in": "last", "script": "silent"},
    ],
    "default": "hello",
    "scripts": {
        "hello": {"turns": [[{"type": "text", "text": "Hello."}]], "loop": True},
        "echo": {"turns": [[{"type": "text", "text": "${prompt_re:(?s)echo.*}"}]], "loop": True},
        "silent": {"turns": [[]], "loop": True},
        "wrong": [{"items": [], "http_status": 400, "message": "wrong thing"}],
        "sleep": [
            [{"type": "function_call", "name": "exec_command", "call_id": "c",
              "arguments": {"cmd": "sleep 4242 & sleep 4242", "login": False, "yield_time_ms": 30000}}]
        ],
    },
}  # fmt: skip


@attrs.frozen
class Place:
    """A repository, a home, and the command in them."""

    path: Path

    def command(self, *arguments: str) -> list[str]:
        settings = {
            "model_provider": '"scripted"',
            "model_script": json.dumps(str(self.path / "script.json")),
            "model_catalog_json": json.dumps(str(MODELS)),
        }
        config = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [sys.executable, "-m", "codex.cli.main", *config, "exec", *arguments]

    @property
    def environ(self) -> dict[str, str]:
        home = str(self.path / "home")
        return os.environ | {"PYTHONPATH": str(ROOT), "CODEX_HOME": home, "HOME": home}

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.path / "repo",
            env=self.environ,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.path / "repo",
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()
            with process:  # closes the pipes and waits
                pass


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "home").mkdir()
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/.git/HEAD").touch()
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    return Place(tmp_path)


def types_of(output: bytes) -> list[str]:
    return [json.loads(line)["type"] for line in output.splitlines()]


def test_the_answer_alone_is_on_stdout(place: Place) -> None:
    done = place.run("hi", "-o", "last.txt")
    assert (done.returncode, done.stdout) == (0, b"Hello.\n")
    assert b"session id: " in done.stderr
    assert b"tokens used: " in done.stderr
    assert (place.path / "repo/last.txt").read_text() == "Hello."


def test_json_lines_alone_are_on_stdout(place: Place) -> None:
    done = place.run("--json", "hi")
    assert done.returncode == 0
    assert types_of(done.stdout) == ["thread.started", "turn.started", "item.completed", "turn.completed"]
    assert done.stderr == b"Reading additional input from stdin...\n"


def test_a_failed_turn_ends_with_1(place: Place) -> None:
    done = place.run("--json", "wrong")
    assert (done.returncode, types_of(done.stdout)[-2:]) == (1, ["error", "turn.failed"])
    human = place.run("wrong")
    assert (human.returncode, human.stdout) == (1, b"")
    assert b"ERROR: " in human.stderr


def test_what_is_wrong_with_the_configuration_is_told_before_the_failure_it_caused(place: Place) -> None:
    environ = place.environ | {"OPENAI_API_KEY": "", "CODEX_API_KEY": ""}
    command = [sys.executable, "-m", "codex.cli.main", "exec", "-c", "modle_provider='scripted'", "hi"]
    done = subprocess.run(
        command, cwd=place.path / "repo", env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")
    warning, _, error = done.stderr.decode().splitlines()
    assert warning.startswith("warning: -c modle_provider='scripted'")
    assert all(way_out in error for way_out in ("OPENAI_API_KEY", "--oss", "codex demo"))


def test_stdin_goes_into_a_block_behind_the_prompt(place: Place) -> None:
    assert place.run("echo this", stdin=b"data").stdout == b"echo this\n\n<stdin>\ndata\n</stdin>\n"


def test_a_thread_goes_on_with_its_id_and_its_count(place: Place) -> None:
    first = place.run("--json", "hi")
    thread_id = json.loads(first.stdout.splitlines()[0])["thread_id"]
    for again in (place.run("--json", "resume", "--last", "hi"), place.run("--json", "resume", thread_id, stdin=b"hi")):
        lines = [json.loads(line) for line in again.stdout.splitlines()]
        assert (again.returncode, lines[0]["thread_id"]) == (0, thread_id)
    usages = [json.loads(done.stdout.splitlines()[-1])["usage"]["output_tokens"] for done in (first, again)]
    assert usages[1] == 3 * usages[0]
    unknown = place.run("resume", "00000000-0000-7000-8000-000000000000", "hi")
    assert (unknown.returncode, unknown.stdout) == (1, b"")
    assert b"no rollout found for thread id 00000000-0000-7000-8000-000000000000" in unknown.stderr


def test_no_answer_makes_an_empty_file_and_a_warning(place: Place) -> None:
    done = place.run("silent", "-o", "last.txt")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"Warning: the agent said nothing" in done.stderr


def test_a_file_that_cannot_be_written_is_told_before_the_model_is_asked(place: Place) -> None:
    done = place.run("hi", "-o", "none/last.txt")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"--output-last-message: cannot write 'none/last.txt': No such file or directory" in done.stderr


def test_a_prompt_of_two_megabytes_is_refused_in_one_line(place: Place) -> None:
    done = place.run("--json", stdin=b"x" * (2 << 20))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Error: the prompt has 2,097,152 characters, the limit is 1,048,576 (1 MiB)" in done.stderr


def test_a_silent_pipe_beside_a_prompt_does_not_hang(place: Place) -> None:
    with place.start("hi") as process:
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert b"stdin stayed open and silent" in process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_turn_and_every_process_of_it(place: Place, number: signal.Signals) -> None:
    with place.start("--json", "sleep") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        while b"command_execution" not in process.stdout.readline():
            pass
        while len(sleepers(place)) < 2:
            assert process.poll() is None
        process.send_signal(number)
        started = time.monotonic()
        while sleepers(place):
            assert time.monotonic() - started < 20
        assert process.wait(timeout=20) == (1 if number == signal.SIGINT else -signal.SIGTERM)
        last = json.loads(process.stdout.read().splitlines()[-1])
    assert (last["type"], last["error"]) == ("turn.failed", {"message": "the turn was interrupted"})
    assert last["usage"]["output_tokens"] > 0


def sleepers(place: Place) -> list[int]:
    """The processes that this test's command has started: they work in its repository."""
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{name}/cmdline").read_bytes()
            if command == b"sleep\x004242\x00" and os.readlink(f"/proc/{name}/cwd") == str(place.path / "repo"):
                found.append(int(name))
        except OSError:
            continue
    return found


def test_a_reader_that_leaves_ends_the_run(place: Place) -> None:
    with place.start("--json", "sleep") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
