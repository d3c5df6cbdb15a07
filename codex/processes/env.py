"""The environment of a command: which of our variables it sees, and what every command gets."""

import os
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from codex.config.schema import ShellEnvironmentPolicy

_CORE = frozenset(
    ("PATH", "SHELL", "TMPDIR", "TEMP", "TMP", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "USER"),
)
_SECRETS = ("*KEY*", "*SECRET*", "*TOKEN*")

NORMALIZED: Mapping[str, str] = {
    "NO_COLOR": "1",
    "TERM": "dumb",
    "LANG": "C.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "COLORTERM": "",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GH_PAGER": "cat",
    "CODEX_CI": "1",
}
"""What keeps programs from painting, paging and asking."""


def apply_policy(policy: ShellEnvironmentPolicy, environ: Mapping[str, str]) -> dict[str, str]:
    """What the user's policy leaves of our variables. Patterns are globs and do not mind the case."""
    if policy.inherit == "none":
        env: dict[str, str] = {}
    elif policy.inherit == "core":
        env = {name: value for name, value in environ.items() if name.upper() in _CORE}
    else:
        env = dict(environ)
    hidden = (*(() if policy.ignore_default_excludes else _SECRETS), *policy.exclude)
    env = {name: value for name, value in env.items() if not _matches(name, hidden)}
    env |= policy.set
    if policy.include_only:
        env = {name: value for name, value in env.items() if _matches(name, policy.include_only)}
    return env


def build_environment(
    policy: ShellEnvironmentPolicy,
    environ: Mapping[str, str],
    *,
    thread_id: str,
    session_id: str,
    call_id: str,
    network_disabled: bool,
    programs: str,
) -> dict[str, str]:
    """All variables of a command. What every command gets wins over the policy, as in Codex.

    Args:
      network_disabled: it runs in a sandbox without network; the command is told so.
      programs: a directory of programs of ours, which commands find before others; they run with our Python.
    """
    env = {**apply_policy(policy, environ), **NORMALIZED}
    if env.get("PATH"):
        env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    env["CODEX_PYTHON"] = sys.executable
    env["CODEX_SESSION_ID"] = session_id
    env["CODEX_TOOL_CALL_ID"] = call_id
    env["CODEX_THREAD_ID"] = thread_id
    if network_disabled:
        env["CODEX_SANDBOX_NETWORK_DISABLED"] = "1"
    return env


def _matches(name: str, patterns: Iterable[str]) -> bool:
    upper = name.upper()
    return any(fnmatchcase(upper, pattern.upper()) for pattern in patterns)
