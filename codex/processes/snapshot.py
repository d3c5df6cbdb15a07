"""What the user's start-up files do to a shell: found out once, and replayed before each command instead of run again.

Only for bash. Variables, functions, aliases and options are kept in a file; a login shell's command then runs in a
shell that is none, behind that file. The variables that every command gets are not in it, nor what the policy hides.
"""

import os
import re
import shlex
from collections.abc import Mapping

import attrs
import trio

from actors import Ref
from codex.base.errors import CodexError
from codex.config.schema import ShellEnvironmentPolicy
from codex.processes.env import NORMALIZED, apply_policy
from codex.processes.manager import ProcessManager
from codex.processes.process import Process
from codex.processes.request import ProcessRequest
from codex.protocol.permission import SandboxPolicy

MAX_BYTES = 4_000_000
"""A longer snapshot is refused."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_OWN = frozenset(("PWD", "OLDPWD", "SHLVL", "_", "BASHOPTS", "SHELLOPTS"))
_VARIABLES = "import os,sys; sys.stdout.buffer.write(b'\\0'.join(k+b'='+v for k,v in os.environb.items()))"
# A login shell has read its profile when this runs; what the files say is nobody's output. Aliases come last, so that
# they change no function, and an option like errexit comes after all that might fail.
_TAKE = f"""
if [ -r ~/.bashrc ]; then . ~/.bashrc; fi >/dev/null 2>&1 </dev/null
"$CODEX_PYTHON" -I -S -c {shlex.quote(_VARIABLES)} >"$CODEX_SNAPSHOT.variables" || exit
{{ shopt -p; declare -f; alias -p; set +o; }} >"$CODEX_SNAPSHOT.shell"
"""


class SnapshotFailed(CodexError):
    """There is no snapshot; commands run as they would without one."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"no snapshot of the shell's start-up files: {problem}; commands run without one")


@attrs.frozen
class Snapshot:
    """The file at `path` does to `shell` what the start-up files did."""

    shell: str
    path: str

    def replay(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """A login shell's command behind the snapshot; every other command as it is."""
        if len(argv) != 3 or argv[:2] != (self.shell, "-lc"):
            return argv
        path = shlex.quote(self.path)
        # On a line of its own: bash expands an alias in the lines after the one that makes it.
        return (self.shell, "-c", f"[ -r {path} ] && . {path} 2>/dev/null\n{argv[2]}")


def can_snapshot(shell: str) -> bool:
    """Whether it is a shell whose state can be told and replayed."""
    return shell.rpartition("/")[2] == "bash"


async def take_snapshot(
    manager: ProcessManager,
    shell: str,
    path: str,
    *,
    cwd: str,
    env: Mapping[str, str],
    policy: ShellEnvironmentPolicy,
    thread_id: str,
    owner: Ref[None] | None,
    within: float,
) -> Snapshot:
    """Run the start-up files once, as the user would, and write the snapshot to `path`.

    Cancelled: nothing of it is left, but for the file where it was whole.

    Raises:
      SnapshotFailed: they failed, took longer than `within` seconds, or the file cannot be written.
    """
    request = ProcessRequest(
        argv=(shell, "-lc", _TAKE),
        cwd=cwd,
        env={**env, "CODEX_SNAPSHOT": path},
        sandbox=SandboxPolicy("danger-full-access"),
    )
    parts = f"{path}.variables", f"{path}.shell"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        process = await manager.start(request, thread_id=thread_id, owner=owner)
        await _wait_done(manager, process, within)
        await trio.to_thread.run_sync(_join, parts, path, dict(env), policy)
    except OSError as error:
        raise SnapshotFailed(f"{error.filename or path}: {error.strerror}") from error
    finally:
        for part in parts:
            remove(part)
    return Snapshot(shell, path)


def remove(path: str) -> None:
    """Remove a file that may not be there. Blocking, short."""
    try:
        os.unlink(path)
    except OSError:
        return


def replayed(variables: bytes, shell: bytes, env: Mapping[str, str], policy: ShellEnvironmentPolicy) -> bytes:
    """The text of a snapshot: the variables that differ from `env` and that the policy lets pass, then the rest."""
    entries = [os.fsdecode(entry).partition("=") for entry in variables.split(b"\0")]
    found = {name: value for name, _, value in entries}
    changed = {name: value for name, value in found.items() if env.get(name) != value and _is_users(name, policy)}
    passed = apply_policy(attrs.evolve(policy, inherit="all", set={}), changed)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(passed.items())]
    return os.fsencode("".join(lines)) + b"shopt -s expand_aliases\n" + shell.replace(b"shopt -u expand_aliases\n", b"")


def _is_users(name: str, policy: ShellEnvironmentPolicy) -> bool:
    """Whether start-up files may set it: every command gets its own of the others."""
    ours = name in NORMALIZED or name.startswith("CODEX_") or name in policy.set
    return not ours and name not in _SHELLS_OWN and _NAME.fullmatch(name) is not None


async def _wait_done(manager: ProcessManager, process: Process, within: float) -> None:
    try:
        with trio.move_on_after(within):
            await process.wait()
    finally:
        manager.remove(process)
        code = process.exit_code
        with trio.move_on_after(3, shield=True):
            await process.terminate()
    if code is None:
        raise SnapshotFailed(f"they took longer than {within:g} seconds")
    if code != 0:
        raise SnapshotFailed(f"the shell that reads them ended with code {code}")


def _join(parts: tuple[str, str], path: str, env: Mapping[str, str], policy: ShellEnvironmentPolicy) -> None:
    """Blocking, short."""
    read: list[bytes] = []
    for part in parts:
        with open(part, "rb") as file:
            read.append(file.read(MAX_BYTES + 1))
    if sum(map(len, read)) > MAX_BYTES:
        raise SnapshotFailed(f"they define more than {MAX_BYTES:,} bytes")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(replayed(read[0], read[1], env, policy))
