"""Permission profiles, kept for real: what cannot be read, what is read-only, what is writable."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.processes import SpawnFailed
from codex.protocol.permission import Access, FileSystemEntry, Place, SandboxPolicy
from tests.processes.machines import Machine, open_machine, require_namespaces


@pytest.fixture
def place() -> Iterator[Path]:
    """A workspace `work` with secrets, and what is around it."""
    with tempfile.TemporaryDirectory(prefix="profile-", dir="/var/tmp") as directory:
        base = Path(directory)
        for name in ("work/sub/deep", "vault", "other"):
            (base / name).mkdir(parents=True)
        for name in ("work/.env", "work/sub/a.env", "work/sub/deep/b.env", "vault/key", "work/file", "other/file"):
            (base / name).write_text(f"content of {name}")
        yield base


def entry(place: Place, access: Access, path: Path | str = "") -> FileSystemEntry:
    return FileSystemEntry(place, access, str(path))


def profile(*entries: FileSystemEntry, **options: object) -> SandboxPolicy:
    return SandboxPolicy("workspace-write", profile="mine", entries=entries, **options)  # type: ignore[arg-type]


READ = entry("root", "read")
WORK = entry("workspace_roots", "write")
NO_ENV = entry("workspace_roots", "deny", "**/*.env")


async def output_of(machine: Machine, script: str, cwd: Path, policy: SandboxPolicy) -> str:
    await require_namespaces(machine)
    return (await machine.shell(script, cwd=cwd, policy=policy))[1]


async def test_what_a_pattern_denies_cannot_be_read_by_any_of_its_names(place: Path) -> None:
    work = place / "work"
    (work / "link.env").symlink_to(place / "vault/key")
    script = """
        cat .env sub/a.env sub/deep/b.env link.env ../vault/key /proc/self/root$PWD/.env /proc/self/cwd/.env
        ln .env hard; cat hard; ln -s .env soft; cat soft; cp .env copy; cat copy
        mv .env moved; cat moved; mv sub sub2; cat sub2/a.env; cat sub2/deep/b.env; mv sub2 sub
        (exec 3< .env; cat <&3); chmod 644 .env; cat .env; rm -f .env; mv link.env other-name; cat other-name
        cat file
    """
    async with open_machine() as machine:
        output = await output_of(machine, script, work, profile(READ, WORK, NO_ENV))
        again = await output_of(machine, "cat * .env sub*/*.env sub*/deep/*.env", work, profile(READ, WORK, NO_ENV))
    assert output.count("content of") == 1
    assert output.endswith("content of work/file")
    assert again.count("content of") == 1
    assert (work / ".env").read_text() == "content of work/.env"


async def test_files_that_a_command_makes_itself_are_its_own(place: Path) -> None:
    async with open_machine() as machine:
        script = "echo mine > new.env; cat new.env"
        assert await output_of(machine, script, place / "work", profile(READ, WORK, NO_ENV)) == "mine\n"


async def test_a_denied_directory_is_closed_and_a_nearer_rule_opens_a_part_of_it(place: Path) -> None:
    policy = profile(READ, WORK, entry("workspace_roots", "deny", "sub"), entry("workspace_roots", "read", "sub/deep"))
    async with open_machine() as machine:
        script = "ls sub; cat sub/a.env; cat sub/deep/b.env; echo x > sub/deep/new; mv sub sub2"
        output = await output_of(machine, script, place / "work", policy)
    assert output.count("content of") == 1
    assert output.startswith("deep\n")
    assert "Read-only file system" in output
    assert "Device or resource busy" in output


async def test_a_denied_place_cannot_be_moved_away_for_the_next_command(place: Path) -> None:
    work = place / "work"
    policies = [
        profile(READ, WORK, entry("path", "deny", work / "sub/deep/b.env")),
        profile(READ, WORK, entry("workspace_roots", "deny", "sub/deep/*.env")),
        profile(READ, WORK, entry("workspace_roots", "deny", "**/deep/*.env")),
    ]
    async with open_machine() as machine:
        for policy in policies:
            script = "mv sub sub2; mv sub/deep sub/deep2; mv sub/deep deep3; true"
            await output_of(machine, script, work, policy)
            output = await output_of(machine, "cat sub*/deep*/b.env deep3/b.env", work, policy)
            assert "content of" not in output


async def test_a_link_in_a_denied_place_does_not_lead_around_it(place: Path) -> None:
    work = place / "work"
    (work / "secret").symlink_to(place / "vault")
    policy = profile(READ, WORK, entry("path", "deny", work / "secret"))
    async with open_machine() as machine:
        script = f"cat secret/key {place}/vault/key; ln -sfn /tmp secret; mv secret x; readlink secret"
        output = await output_of(machine, script, work, policy)
    assert "content of" not in output
    assert os.readlink(work / "secret") == str(place / "vault")


async def test_a_place_in_the_workspace_can_be_read_only_also_where_it_is_missing(place: Path) -> None:
    policy = profile(
        READ, WORK, entry("workspace_roots", "read", "sub"), entry("workspace_roots", "read", "made/later")
    )
    async with open_machine() as machine:
        script = "echo x > new; cat sub/a.env; echo x > sub/new; mkdir -p made/later; echo x > .git/config; ls"
        output = await output_of(machine, script, place / "work", policy)
    assert "content of work/sub/a.env" in output
    assert output.count("Read-only file system") >= 2
    assert not (place / "work/sub/new").exists()
    assert not (place / "work/made").exists()
    assert (place / "work/new").exists()


async def test_only_what_is_named_can_be_seen_where_the_root_is_not(place: Path) -> None:
    policy = profile(entry("minimal", "read"), WORK, entry("path", "read", place / "other"))
    async with open_machine() as machine:
        script = f"""
            cat file; cat {place}/other/file; cat {place}/vault/key; ls {place}; ls /; ls /root /home
            echo x > new; echo x > {place}/other/new; echo x > /new; echo x > /dev/null; echo $$ > /dev/shm/x
            test -e /proc/self/status && echo proc; echo x > /proc/sys/kernel/hostname; python3 -c 'print(6*7)'
        """
        output = await output_of(machine, script, place / "work", policy)
    assert output.count("content of") == 2
    assert "vault\n" not in output
    assert "proc\n" in output
    assert "42\n" in output
    assert output.count("Read-only file system") == 3
    assert sorted(os.listdir(place / "other")) == ["file"]
    assert (place / "work/new").exists()


async def test_a_single_file_can_be_writable(place: Path) -> None:
    policy = profile(READ, entry("path", "write", place / "other/file"))
    async with open_machine() as machine:
        output = await output_of(machine, "echo new > file; echo x > x; cat file", place / "other", policy)
    assert "new\n" in output
    assert "Read-only file system" in output


async def test_what_must_not_be_read_stays_so_for_a_command_that_may_leave_the_sandbox(place: Path) -> None:
    policy = profile(READ, WORK, NO_ENV, entry("path", "deny", place / "vault")).outside()
    async with open_machine() as machine:
        script = f"cat .env ../vault/key; echo x > ../other/file && cat ../other/file; echo x > .git && echo {'git'}"
        output = await output_of(machine, script, place / "work", policy)
    assert "content of" not in output
    assert output.endswith("x\ngit\n")


async def test_a_tree_that_is_deeper_than_the_search_is_refused_not_read(place: Path) -> None:
    policy = profile(READ, WORK, NO_ENV, glob_scan_max_depth=2)
    async with open_machine() as machine:
        await require_namespaces(machine)
        with pytest.raises(SpawnFailed, match=r"sub/deep' lies deeper than.*raise filesystem.glob_scan_max_depth"):
            await machine.shell("true", cwd=place / "work", policy=policy)
        bounded = profile(READ, WORK, entry("workspace_roots", "deny", "*/*.env"), glob_scan_max_depth=2)
        script = "cat .env sub/a.env sub/deep/b.env"
        output = await output_of(machine, script, place / "work", bounded)
    assert output.count("content of") == 2


async def test_a_file_that_is_swapped_while_the_sandbox_is_built_is_never_read(place: Path) -> None:
    work = place / "work"
    policy = profile(READ, WORK, NO_ENV)
    swap = "while :; do mv sub sub2; mkdir sub; echo decoy > sub/a.env; rm -r sub; mv sub2 sub; done 2>/dev/null"
    refused = 0
    async with open_machine() as machine, open_machine() as other:
        await require_namespaces(machine)
        await other.start("sh", "-c", swap, cwd=work, policy=policy)
        for _ in range(40):
            try:
                code, output = await machine.shell("cat sub/a.env sub2/a.env", cwd=work, policy=policy)
                assert "content of" not in output, code
            except SpawnFailed:
                refused += 1
    assert refused < 40


async def test_sockets_of_other_programs_are_hidden_when_the_network_is_on(place: Path) -> None:
    script = """
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(chr(0) + path[1:] if path[0] == "@" else path)
        print("connected", path)
    except OSError as error:
        print("refused", path)
listener = socket.socket(socket.AF_UNIX)
listener.bind("own"); listener.listen()
socket.socket(socket.AF_UNIX).connect("own")
socket.create_connection(("127.0.0.1", int(open("port").read()))).close()
print("own")
"""
    work = place / "work"
    paths = [work / "inside", place / "outside", place / "allowed"]
    (work / "script.py").write_text(script)
    abstract = f"hidden-{os.getpid()}"
    policy = profile(READ, WORK, network_access=True, unix_sockets=(str(place / "allowed"),))
    with socket.create_server(("127.0.0.1", 0)) as server:
        (work / "port").write_text(str(server.getsockname()[1]))
        listeners = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for listener, address in zip(listeners, [*map(str, paths), f"\0{abstract}"], strict=True):
            listener.bind(address)
            listener.listen()
        async with open_machine() as machine:
            command = f"python3 script.py {' '.join(map(str, paths))} @{abstract}; ls /run | head -3"
            output = await output_of(machine, command, work, policy)
            with_tmp = SandboxPolicy("workspace-write", network_access=True)
            agent = f"/tmp/agent-{os.getpid()}"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(agent)
                listener.listen()
                command = f"rm -f own; python3 script.py {agent}"
                in_tmp = await output_of(machine, command, work, with_tmp)
                os.unlink(agent)
        for listener in listeners:
            listener.close()
    assert output.splitlines()[:5] == [
        f"connected {paths[0]}",
        f"refused {paths[1]}",
        f"connected {paths[2]}",
        f"refused @{abstract}",
        "own",
    ]
    assert in_tmp.splitlines() == [f"refused {agent}", "own"]
