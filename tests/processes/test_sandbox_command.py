"""`codex sandbox` and `codex doctor` as they are typed, and what is said where the machine refuses."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from tests.processes.machines import PYTHON, processes_with
from tests.processes.test_trees import mark

ROOT = Path(__file__).parents[2]
CONFIG = """
[permissions.mine]
extends = ":workspace"
[permissions.mine.filesystem]
":slash_tmp" = "read"
":tmpdir" = "read"
":workspace_roots" = { "**/*.env" = "deny" }
"""


@attrs.frozen
class Place:
    """A workspace, a home and the command in them."""

    path: Path

    @property
    def environ(self) -> dict[str, str]:
        home = str(self.path / "home")
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        return kept | {"PYTHONPATH": str(ROOT), "CODEX_HOME": home, "HOME": home}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "codex.cli.main", *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = self.command(*arguments)
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=self.path / "work", env=self.environ, timeout=120
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*arguments), stdin=pipe, stdout=pipe, cwd=self.path / "work", env=self.environ
        )


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="sandbox-", dir="/var/tmp") as directory:
        base = Path(directory)
        for name in ("work", "home", "outside"):
            (base / name).mkdir()
        (base / "home/config.toml").write_text(CONFIG)
        (base / "work/.env").write_text("secret")
        yield Place(base)


@pytest.fixture
def confined(place: Place) -> Place:
    """The place, on a machine with the full sandbox."""
    level = json.loads(place.run("doctor", "--json").stdout)["checks"]["sandbox.level"]["summary"]
    if not level.startswith("namespaces"):
        pytest.skip(level)
    return place


def wait_for(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_input_output_errors_and_the_exit_code_are_the_commands(confined: Place) -> None:
    script = "cat; echo err >&2; cat .env; echo x > new; echo x > ../outside/new; exit 7"
    done = confined.run("sandbox", "-P", "mine", "--", "sh", "-c", script, stdin=b"typed\n")
    assert (done.returncode, done.stdout) == (7, b"typed\n")
    assert [line.rpartition(b": ")[2] for line in done.stderr.splitlines()] == [
        b"err",
        b"Permission denied",
        b"Read-only file system",
    ]
    assert sorted(os.listdir(confined.path / "work")) == [".env", "new"]
    assert os.listdir(confined.path / "outside") == []


def test_without_a_profile_it_only_reads_and_a_mode_or_another_directory_count(confined: Place) -> None:
    assert confined.run("sandbox", "touch", "x").returncode == 1
    assert confined.run("-s", "workspace-write", "sandbox", "touch", "x").returncode == 0
    other = str(confined.path / "outside")
    assert confined.run("sandbox", "-P", ":workspace", "-C", other, "--", "touch", "x").returncode == 0
    assert os.listdir(other) == ["x"]
    assert confined.run("sandbox", "-P", ":danger-full-access", "sh", "-c", "echo > ../outside/y").returncode == 0


def test_it_ends_as_the_command_ends(confined: Place) -> None:
    codes = [
        confined.run("sandbox", "-P", ":read-only", "--", *command).returncode
        for command in (["sh", "-c", "kill -TERM $$"], ["no-such-program"], ["/etc/passwd"], ["true"])
    ]
    assert codes == [143, 127, 126, 0]


def test_what_is_asked_wrongly_is_told(place: Place) -> None:
    nothing = place.run("sandbox")
    assert (nothing.returncode, nothing.stderr.startswith(b"error: a command is required")) == (2, True)
    unknown = place.run("sandbox", "-P", "mien", "true")
    assert unknown.returncode == 1
    assert b"there is no permission profile 'mien', did you mean 'mine'?" in unknown.stderr
    assert place.run("sandbox", "--help").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_the_first_time_and_nothing_survives(confined: Place, number: int) -> None:
    sleep = mark()
    # Not a shell: one that is interrupted before it has forked may wait all the same.
    script = (
        "import os, signal; signal.signal(2, signal.SIG_DFL); "
        f"os.spawnlp(os.P_NOWAIT, 'setsid', 'setsid', 'sleep', '{sleep}'); print('ready', flush=True); signal.pause()"
    )
    process = confined.start("sandbox", "-P", "mine", "--", PYTHON, "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert processes_with(sleep) == []
    process.communicate()


def test_a_command_that_does_not_mind_signals_is_killed_by_the_second(confined: Place) -> None:
    sleep = mark()
    script = f"trap '' INT TERM; echo ready; while :; do sleep {sleep}; done"
    process = confined.start("sandbox", "-P", "mine", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    wait_for(lambda: processes_with(sleep) and process.poll() is None)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 137
    assert processes_with(sleep) == []
    process.communicate()


def test_killed_with_9_it_takes_the_command_along(confined: Place) -> None:
    sleep = mark()
    process = confined.start("sandbox", "-P", "mine", "--", "sh", "-c", f"echo ready; setsid sleep {sleep}")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate()
    wait_for(lambda: not processes_with(sleep))


def test_at_a_terminal_the_command_has_one_of_its_own(confined: Place) -> None:
    ours, theirs = os.openpty()
    command = confined.command("sandbox", "-P", "mine", "--", "bash", "--norc", "-i")
    environ = confined.environ | {"PS1": "prompt>", "TERM": "dumb"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=confined.path / "work", env=environ, close_fds=True
    )
    os.close(theirs)
    shown = bytearray()

    def see(words: bytes) -> None:
        while words not in shown:
            ready, _, _ = select.select([ours], [], [], 30)
            assert ready, shown
            shown.extend(os.read(ours, 4096))

    def type_line(line: bytes, answer: bytes) -> None:
        shown.clear()
        os.write(ours, line + b"\r")
        see(answer)

    see(b"prompt>")
    assert b"no job control" not in shown
    type_line(b"tty; test -t 0 && echo is-$((40+2))", b"is-42")
    assert b"/dev/pts/0" in shown
    type_line(b"python3 -c 'import time; print(6 * 7, flush=True); time.sleep(4321)'", b"\n42")
    os.write(ours, b"\x03")
    type_line(b"echo back-$((1+1))", b"back-2")
    os.write(ours, b"exit 5\r")
    assert process.wait(20) == 5
    os.close(ours)


def test_the_doctor_tells_what_holds_and_shows_no_secret(confined: Place) -> None:
    command = confined.command("doctor", "--json")
    secret = "sk-very-secret"
    environ = confined.environ | {"OPENAI_API_KEY": secret}
    done = subprocess.run(command, capture_output=True, cwd=confined.path / "work", env=environ, timeout=120)
    report = json.loads(done.stdout)
    assert {check["id"]: check["status"] for check in report["checks"].values()} == {
        "runtime.python": "ok",
        "state.home": "ok",
        "config.load": "warning",
        "auth.credentials": "ok",
        "sandbox.level": "ok",
        "sandbox.probe": "ok",
        "git": "ok" if shutil.which("git") else "warning",
        "shell": "ok",
    }
    assert (done.returncode, report["overallStatus"], report["schemaVersion"]) == (0, "warning", 1)
    assert secret.encode() not in done.stdout + done.stderr


def test_the_doctor_ends_with_1_where_something_is_missing(place: Place) -> None:
    (place.path / "home/config.toml").write_text("model = 3\n")
    done = place.run("doctor")
    assert done.returncode == 1
    assert "✗ config.load" in done.stdout.decode()
    assert "home/config.toml:1: model: expected a string" in done.stdout.decode()


def without_namespaces(place: Place, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run it where user namespaces are refused, as in Docker: in one that allows none inside."""
    setup = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", setup, "sh", *place.command(*arguments)]
    done = subprocess.run(command, capture_output=True, cwd=place.path / "work", env=place.environ, timeout=120)
    if b"unshare: " in done.stderr or b"max_user_namespaces" in done.stderr:
        pytest.skip(done.stderr.decode())
    return done


def test_where_namespaces_are_refused_a_session_says_so_at_its_start(confined: Place) -> None:
    (confined.path / "home/script.json").write_text(json.dumps([[{"type": "text", "text": "done"}]]))
    settings = [
        *("-c", 'model_provider="scripted"'),
        *("-c", f"model_script={json.dumps(str(confined.path / 'home/script.json'))}"),
    ]
    arguments = [*settings, "exec", "--skip-git-repo-check", "-s", "workspace-write", "hi"]
    done = without_namespaces(confined, *arguments)
    assert b"warning: commands will be refused here, patches will not: cannot run in the workspace-write" in done.stderr
    assert b"sandbox_linux.allow_unprotected_git" in done.stderr
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert b"will be refused" not in confined.run(*arguments).stderr
    doctor = without_namespaces(confined, "doctor")
    assert "⚠ sandbox.level" in doctor.stdout.decode()
    refused = without_namespaces(confined, "sandbox", "-P", "mine", "true")
    assert refused.returncode == 1
    assert b"nothing can be kept from being read" in refused.stderr
