"""A snapshot of the user's shell: start-up files run once, and every later command sees what they did."""

import os
import shlex
import stat
import sys
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from codex.config.schema import ShellEnvironmentPolicy
from codex.processes import user_shell
from codex.processes.snapshot import Snapshot, SnapshotFailed, can_snapshot, replayed, take_snapshot
from codex.protocol.event import Warning
from codex.protocol.permission import SandboxMode, SandboxPolicy
from codex.testing import TestCodex as Kit
from codex.testing import call, open_test_codex, text
from tests.processes.machines import open_machine, wait_nobody_with, wait_true
from tests.processes.test_trees import mark

SHELL = user_shell({"SHELL": "/bin/bash"})
pytestmark = pytest.mark.skipif(not can_snapshot(SHELL), reason="only a user of bash gets a snapshot")

PROFILE = "echo run >>~/profile-runs\n. ~/.bashrc\n"
BASHRC = """
echo noise
export GREETING="it's
two lines" SECRET_TOKEN=hidden CODEX_THREAD_ID=stolen PAGER=less
export PATH="$HOME/bin:$PATH"
unexported=lost
greet() { echo "greet $1 $GREETING"; }
alias hail='greet alias'
shopt -s extglob
set -o pipefail
"""
SHOWN = (
    (
        "hail; greet function; echo ${PATH%%:*} $PAGER $CODEX_THREAD_ID <$SECRET_TOKEN> <$unexported>"
        "; shopt -q extglob && echo extglob; set -o | grep pipefail"
    )
    .replace("<", "'['")
    .replace(">", "']'")
)


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    home = tmp_path / "user"
    home.mkdir()
    (home / ".bash_profile").write_text(PROFILE)
    (home / ".bashrc").write_text(BASHRC)
    return home


def environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "SHELL": "/bin/bash", "PATH": os.environ["PATH"]}


def snapshots(codex: Kit) -> list[Path]:
    return sorted((codex.home / "shell_snapshots").glob("*"))


async def wait_taken(codex: Kit) -> Path:
    assert await wait_true(lambda: [path.suffix for path in snapshots(codex)] == [".sh"], within=60)
    return snapshots(codex)[0]


@pytest.mark.parametrize("sandbox", ["danger-full-access", "workspace-write"])
async def test_later_commands_see_what_the_start_up_files_did_without_running_them(
    home: Path, sandbox: SandboxMode
) -> None:
    turns = [[call("exec_command", cmd=SHOWN)], [text("done")]]
    policy = ShellEnvironmentPolicy(exclude=("*TOKEN*",))
    async with open_test_codex(
        turns,
        sandbox_policy=SandboxPolicy(sandbox, exclude_slash_tmp=True),
        environ=environment(home),
        features={"shell_snapshot": True},
        shell_environment_policy=policy,
    ) as codex:
        path = await wait_taken(codex)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        runs = (home / "profile-runs").read_text()
        await codex.run_turn("go")
        output = codex.requests[-1].output_of("call_1")
        assert output.partition("Output:\n")[2].splitlines() == [
            "greet alias it's",
            "two lines",
            "greet function it's",
            "two lines",
            f"{home}/bin cat {codex.thread.thread_id} [] []",
            "extglob",
            "pipefail       \ton",
        ]
        assert (home / "profile-runs").read_text() == runs == "run\n"
    assert not path.exists()


async def test_without_the_feature_no_snapshot_is_taken(home: Path) -> None:
    turns = [[call("exec_command", cmd="true")], [text("done")]]
    async with open_test_codex(turns, environ=environment(home)) as codex:
        await codex.run_turn("go")
        assert not snapshots(codex)
    assert (home / "profile-runs").read_text() == "run\n"


async def test_start_up_files_that_fail_are_a_warning_and_commands_run_without(home: Path) -> None:
    (home / ".bash_profile").write_text('[ -n "$CODEX_SNAPSHOT" ] && exit 7\n')
    turns = [[call("exec_command", cmd="echo ran")], [text("done")]]
    async with open_test_codex(turns, environ=environment(home), features={"shell_snapshot": True}) as codex:
        events = codex.thread.outbox.subscribe()
        with trio.fail_after(60):
            while not isinstance(warning := (await anext(events)).msg, Warning):
                pass
        assert warning == Warning(
            "no snapshot of the shell's start-up files: the shell that reads them ended with code 7; "
            "commands run without one"
        )
        await codex.run_turn("go")
        assert codex.requests[-1].output_of("call_1").endswith("Output:\nran\n")
        assert not snapshots(codex)


async def test_a_snapshot_that_commands_could_change_is_not_taken(home: Path) -> None:
    policy = SandboxPolicy("workspace-write", writable_roots=(str(home.parent),))
    features = {"shell_snapshot": True}
    async with open_test_codex(
        [], home=home.parent / "codex", environ=environment(home), sandbox_policy=policy, features=features
    ) as codex:
        events = codex.thread.outbox.subscribe()
        with trio.fail_after(60):
            while not isinstance(warning := (await anext(events)).msg, Warning):
                pass
        assert f"commands may write {home.parent}/codex/shell_snapshots, and could change it" in warning.message
    assert not (home / "profile-runs").exists()


async def test_start_up_files_that_hang_are_ended(home: Path, tmp_path: Path) -> None:
    sleeper = mark()
    (home / ".bashrc").write_text(f"sleep {sleeper}\n")
    path = tmp_path / "snapshots/one.sh"
    async with open_machine() as machine:
        with pytest.raises(SnapshotFailed, match=r"they took longer than 0\.2 seconds"):
            await take_snapshot(
                machine.manager,
                SHELL,
                str(path),
                cwd=str(tmp_path),
                env={**environment(home), "CODEX_PYTHON": sys.executable},
                policy=ShellEnvironmentPolicy(),
                thread_id="thread",
                owner=None,
                within=0.2,
            )
        assert machine.manager.list("thread") == []
        assert await wait_nobody_with(sleeper, within=60) == []
    assert list(path.parent.iterdir()) == []


def test_only_the_login_shells_own_commands_are_replayed() -> None:
    snapshot = Snapshot("/bin/bash", "/a b/c.sh")
    replayed_one = "[ -r '/a b/c.sh' ] && . '/a b/c.sh' 2>/dev/null\nls -l"
    assert snapshot.replay(("/bin/bash", "-lc", "ls -l")) == ("/bin/bash", "-c", replayed_one)
    for argv in [("/bin/bash", "-c", "ls"), ("/bin/sh", "-lc", "ls"), ("ls", "-l"), ("/bin/bash",)]:
        assert snapshot.replay(argv) == argv


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(codec="utf-8"), max_size=20),
        max_size=5,
    )
)
def test_every_value_of_a_variable_is_quoted_as_the_shell_reads_it(found: dict[str, str]) -> None:
    found = {f"X{name}": value.replace("\0", "") for name, value in found.items()}
    variables = "\0".join(f"{name}={value}" for name, value in found.items()).encode()
    text = replayed(variables, b"", {}, ShellEnvironmentPolicy()).decode()
    words = [word for word in shlex.split(text.removesuffix("shopt -s expand_aliases\n")) if word != "export"]
    assert dict(word.split("=", 1) for word in words) == found
