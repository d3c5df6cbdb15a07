"""What the tests with real children share: helpers of either user, managers on them, traces of what is left."""

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio

from codex.processes import Process, ProcessManager, ProcessRequest, open_process_manager
from codex.protocol.permission import SandboxMode, SandboxPolicy
from codex.sandbox import Capabilities, ZygoteLauncher, start_zygote

NOBODY = 65534
HERE = Path(__file__).parent
PYTHON = next((path for path in ("/usr/bin/python3", shutil.which("python3") or "") if os.access(path, os.X_OK)), "")
MODES: tuple[SandboxMode, ...] = ("read-only", "workspace-write", "danger-full-access")
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}

if sys.platform != "linux":
    pytest.skip("the helper and its sandbox are for Linux", allow_module_level=True)


@attrs.frozen
class Machine:
    """A manager with the launcher below it."""

    launcher: ZygoteLauncher
    manager: ProcessManager

    def request(
        self,
        *argv: str,
        cwd: Path | str = "/tmp",
        workspace: Path | None = None,
        mode: SandboxMode = "danger-full-access",
        tty: bool = False,
        env: Mapping[str, str] = ENV,
        policy: SandboxPolicy | None = None,
        allow_unprotected_git: bool = False,
    ) -> ProcessRequest:
        return ProcessRequest(
            argv,
            str(cwd),
            env,
            policy or SandboxPolicy(mode, exclude_slash_tmp=True, exclude_tmpdir_env_var=True),
            workspace=None if workspace is None else str(workspace),
            tty=tty,
            allow_unprotected_git=allow_unprotected_git,
        )

    async def start(self, *argv: str, **options: object) -> Process:
        return await self.manager.start(self.request(*argv, **options), thread_id="thread")

    async def run(self, *argv: str, within: float = 20, **options: object) -> tuple[int | None, str]:
        """The exit code, None when it did not end in time, and the output."""
        process = await self.start(*argv, **options)
        output = await process.collect(within)
        return process.exit_code, output.decode(errors="replace")

    async def shell(self, script: str, **options: object) -> tuple[int | None, str]:
        return await self.run("sh", "-c", script, **options)


def zygote_of(uid: int) -> tuple[str, ...]:
    """The command that starts the helper as another user."""
    return (sys.executable, "-I", "-S", "-X", "utf8", str(HERE / "zygote_of.py"), str(uid))


@asynccontextmanager
async def open_machine(*, uid: int | None = None, pretend: Capabilities | None = None) -> AsyncGenerator[Machine]:
    command = ()
    if uid is not None and uid != os.getuid():
        command = zygote_of(uid)
    launcher = ZygoteLauncher(start_zygote(command), pretend=pretend)
    try:
        async with open_process_manager(zygote=launcher) as manager:
            yield Machine(launcher, manager)
    finally:
        await launcher.aclose()


async def require_namespaces(machine: Machine) -> None:
    refused = (await machine.launcher.capabilities()).namespaces_refused
    if refused:
        pytest.skip(f"user namespaces are refused here: {refused}")


async def require_landlock(machine: Machine) -> Capabilities:
    capabilities = await machine.launcher.capabilities()
    if capabilities.landlock_abi < 6:
        pytest.skip("Landlock is missing or too old here")
    return capabilities


def require_uid(uid: int) -> None:
    if uid != os.getuid() and os.getuid() != 0:
        pytest.skip("only root can try another user")


def processes_with(mark: str) -> list[int]:
    """The processes whose command line or environment contains the mark."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        for part in ("cmdline", "environ"):
            try:
                if mark.encode() in Path(f"/proc/{name}/{part}").read_bytes():
                    found.append(int(name))
                    break
            except OSError:
                continue
    return found


async def wait_nobody_with(mark: str, within: float = 3.0) -> list[int]:
    """Those that are still there at the end of the time; empty as soon as nobody is."""
    deadline = trio.current_time() + within
    while (found := processes_with(mark)) and trio.current_time() < deadline:
        await trio.sleep(0.005)
    return found


async def wait_true(condition: Callable[[], bool], within: float = 3.0) -> bool:
    """Whether it becomes true in time."""
    deadline = trio.current_time() + within
    while not (holds := condition()) and trio.current_time() < deadline:
        await trio.sleep(0.005)
    return holds


def zombies_of(pid: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) == pid:
                found.append(int(name))
    return found


def open_descriptors(pid: int | str = "self") -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
