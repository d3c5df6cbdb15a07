"""`codex sandbox`: run any command in the sandbox, as an agent's commands run, and end as it ends.

At a terminal the command gets one of its own, so that it can use it in full and yet not type into ours; what is typed
and shown is passed on. Elsewhere it has our input and output themselves, and our signals are passed on: the first
SIGINT or SIGTERM is the command's affair, the second one kills it. Nothing of it is left when we end.
"""

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING

from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.options import ConfigFlags, config_options

if TYPE_CHECKING:
    from codex.config import Config
    from codex.sandbox import Zygote

_STATE = "it belongs to Codex's own servers; name a profile with '-P'"
sandbox_parser = Parser(
    "codex sandbox",
    [
        *config_options,
        Option("permission-profile", "The permission profile to run it in", short="P", metavar="NAME"),
        Option("cd", "Where the command runs and the profile applies", short="C", metavar="DIR"),
        Option("add-dir", "A further directory that may be written", metavar="DIR", many=True),
        Option("include-managed-config", "Accepted; requirements of the machine always count", hidden=True),
        Option("sandbox-state-json", metavar="JSON", refusal=_STATE),
        Option("sandbox-state-readable-root", metavar="DIR", refusal=_STATE),
        Option("sandbox-state-disable-network", refusal=_STATE),
        Option("help", "Print this", short="h"),
    ],
)
PARSERS = {"sandbox": sandbox_parser}
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def run_sandbox(arguments: list[str], before: Parsed) -> int:
    """Run the command; returns its exit code, 128+n where signal n ended it, 126 or 127 where it could not be started.

    Raises:
      CodexError: the configuration is wrong, or this machine cannot keep what the profile promises.
    """
    line = sandbox_parser.parse(arguments, stop_at_positional=True)
    if line.has("help"):
        usage = ["Usage: codex sandbox [OPTIONS] [--] COMMAND [ARGUMENTS]", ""]
        return print_help(["Run a command in the sandbox, as an agent's commands run.", "", *usage], sandbox_parser)
    argv = line.positionals or line.rest
    if not argv:
        raise sandbox_parser.fail("a command is required: codex sandbox [OPTIONS] -- COMMAND [ARGUMENTS]")
    from codex.sandbox import start_zygote

    zygote = start_zygote()
    config = configure(line, before)
    for text in config.warnings:
        say(f"warning: {text}")
    return _run(config, argv, zygote)


def configure(line: Parsed, before: Parsed) -> "Config":
    """The configuration of the command: read-only where nothing else is said.

    Raises:
      UserError: files or options are wrong.
    """
    from codex.config import load_config

    flags = ConfigFlags(before, line)
    return load_config(
        cwd=os.path.abspath(line.one("cd") or before.one("cd") or os.getcwd()),
        overrides=flags.overrides,
        flags={
            "permission_profile": line.one("permission-profile"),
            "sandbox_mode": before.one("sandbox"),
            "bypass": before.has("dangerously-bypass-approvals-and-sandbox"),
            "add_dirs": [*before.all("add-dir"), *line.all("add-dir")],
            "enable": flags.enable,
            "disable": flags.disable,
            "exec_defaults": True,
        },
        profile=flags.profile,
        environ=os.environ,
    )


def _run(config: "Config", argv: list[str], zygote: "Zygote") -> int:
    import trio

    from codex.cli._passing import run_passing
    from codex.ports.process import Launch, SpawnFailed
    from codex.sandbox import open_launcher

    env = dict(os.environ)
    if not config.sandbox_policy.network:
        env["CODEX_SANDBOX_NETWORK_DISABLED"] = "1"
    tty = all(os.isatty(number) for number in (0, 1, 2))
    size = os.get_terminal_size(1) if tty else os.terminal_size((80, 24))
    launch = Launch(
        argv=tuple(argv),
        cwd=config.cwd,
        env=env,
        workspace=config.cwd,
        sandbox=config.sandbox_policy,
        tty=tty,
        size=(size.lines, size.columns),
        allow_unprotected_git=config.allow_unprotected_git,
    )

    async def run() -> int:
        async with open_launcher(zygote) as launcher:
            return await run_passing(launcher, launch, _PASSED_ON)

    try:
        return trio.run(run)
    except* SpawnFailed as group:
        failure = group.exceptions[0]
        while isinstance(failure, BaseExceptionGroup):
            failure = failure.exceptions[0]
        say(f"Error: {failure}")
        assert isinstance(failure, SpawnFailed)
        code = {errno.ENOENT: _NOT_FOUND, errno.EACCES: _NOT_EXECUTABLE, errno.ENOEXEC: _NOT_EXECUTABLE}
        status = code.get(failure.number, 1)
    sys.stdout.flush()
    return status
