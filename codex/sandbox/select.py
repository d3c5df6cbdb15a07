"""Which level of confinement a command gets on this machine, or why it gets none and what to do about it.

namespaces   everything the policy promises
seatbelt     the same on macOS, by its own sandbox; this has not been seen to run there
landlock     where user namespaces are refused: paths and system calls are limited, but what lies in a writable
             root cannot be protected, so workspace-write needs the user's word
none         only for danger-full-access. Nothing falls back to it.
"""

from typing import Literal, TypeAlias

import attrs

from codex.ports.process import SandboxUnavailable
from codex.protocol.permission import SandboxMode

Level: TypeAlias = Literal["namespaces", "seatbelt", "landlock", "none"]

# Before version 3 the kernel does not limit truncation: any file could be emptied.
_LANDLOCK_ABI_NEEDED = 3
_MACHINES = ("x86_64", "aarch64")
_ALLOW_USER_NAMESPACES = (
    "allow user namespaces (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; in Docker: a seccomp "
    "profile that permits them, or --security-opt seccomp=unconfined)"
)


@attrs.frozen
class Capabilities:
    """What this machine can do. `namespaces_refused` is empty where they work, else says why they do not."""

    system: str
    machine: str = ""
    namespaces_refused: str = "not tried"
    fresh_proc: bool = False
    landlock_abi: int = 0
    seccomp: bool = False
    uid: int = 0
    seatbelt: bool = False

    @property
    def best_level(self) -> Level:
        """The highest level this machine gives."""
        if self.system == "darwin" and self.seatbelt:
            return "seatbelt"
        if self.system != "linux" or self.machine not in _MACHINES or not self.seccomp:
            return "none"
        if not self.namespaces_refused:
            return "namespaces"
        return "landlock" if self.landlock_abi >= _LANDLOCK_ABI_NEEDED else "none"


@attrs.frozen
class Description:
    """A level in words, for people: what holds, what does not, and what would make it better."""

    level: Level
    summary: str
    unprotected: tuple[str, ...] = ()
    remedy: str = ""


def select_level(
    mode: SandboxMode, capabilities: Capabilities, *, allow_unprotected_git: bool, limits_reading: bool = False
) -> Level:
    """The level for a command in this mode; `limits_reading`: there is something that it may not read.

    Raises:
      SandboxUnavailable: this machine cannot keep what the mode promises; the text names the ways out.
    """
    if mode == "danger-full-access":
        return "none"
    level = capabilities.best_level
    if level == "none":
        raise SandboxUnavailable(f"cannot run in the {mode} sandbox: {_why_none(capabilities)}")
    if level == "landlock" and limits_reading:
        raise SandboxUnavailable(
            f"cannot run in the {mode} sandbox: user namespaces are refused here ({capabilities.namespaces_refused}), "
            f"and without them nothing can be kept from being read. Either {_ALLOW_USER_NAMESPACES}; or choose a "
            'permission profile without "deny" whose ":root" is "read"'
        )
    if level == "landlock" and mode == "workspace-write" and not allow_unprotected_git:
        raise SandboxUnavailable(
            "cannot run in the workspace-write sandbox: user namespaces are refused here "
            f"({capabilities.namespaces_refused}), and without them .git, .codex and .agents in the workspace cannot "
            f"be kept read-only. Either {_ALLOW_USER_NAMESPACES}; or accept it with "
            "sandbox_linux.allow_unprotected_git = true in config.toml; or use read-only"
        )
    return level


def describe(capabilities: Capabilities) -> Description:
    """What the sandbox is worth on this machine."""
    level = capabilities.best_level
    if level == "none":
        return Description(
            level,
            "no sandbox: read-only and workspace-write refuse to run",
            ("everything: only danger-full-access runs, with all rights of this user",),
            _why_none(capabilities),
        )
    open_always = ("reading: a command can read every file that this user can read",)
    if level == "seatbelt":
        unseen = "that it holds: the profile was written without a Mac to try it on"
        left = "what leaves its process group, when a command is killed or this program dies"
        return Description(level, "macOS's Seatbelt with a profile of our own", (*open_always, unseen, left))
    if level == "namespaces":
        proc = () if capabilities.fresh_proc else ("a list of the other processes can be read in /proc",)
        abstract = () if capabilities.landlock_abi >= 6 else ("with network on: abstract sockets of other programs",)
        return Description(
            level,
            "own user, mount, PID, IPC and network namespaces, and a filter of system calls",
            (*open_always, "with network on: sockets made in unusual places while a command runs", *abstract, *proc),
        )
    old = capabilities.landlock_abi < 6
    signals = ("signals to other processes of this user, abstract sockets",) if old else ()
    return Description(
        level,
        f"Landlock (version {capabilities.landlock_abi}) and a filter of system calls",
        (
            *open_always,
            "workspace-write: .git, .codex and .agents in writable roots (refused unless you allow it)",
            "workspace-write: modes, owners and times of files outside of the writable roots",
            "private shared memory and terminals, and the view of other processes in /proc",
            *signals,
        ),
        f"for full protection, {_ALLOW_USER_NAMESPACES}",
    )


def _why_none(capabilities: Capabilities) -> str:
    if capabilities.system == "win32":
        return (
            "nobody has seen the sandbox for Windows hold, so nothing runs in it; use WSL, or, where you trust every "
            "command, --sandbox danger-full-access"
        )
    if capabilities.system != "linux":
        return (
            f"there is no sandbox for {capabilities.system} yet; run Codex on Linux, or, where you trust every "
            "command, with --sandbox danger-full-access"
        )
    if capabilities.machine not in _MACHINES:
        return (
            f"no filter of system calls is known for {capabilities.machine or 'this machine'} (known: "
            f"{', '.join(_MACHINES)}); where you trust every command, use --sandbox danger-full-access"
        )
    missing = (
        "seccomp is missing"
        if not capabilities.seccomp
        else (
            f"user namespaces are refused ({capabilities.namespaces_refused}) and Landlock is missing or too old "
            f"(version {capabilities.landlock_abi}, needed {_LANDLOCK_ABI_NEEDED}, Linux 6.2)"
        )
    )
    return (
        f"{missing}. Either {_ALLOW_USER_NAMESPACES}, or, where something else confines Codex and you trust every "
        "command, use --sandbox danger-full-access"
    )
