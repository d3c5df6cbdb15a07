"""The commands of `codex`: which exist, which are Codex's but not here, and what to do then."""

import sys

from codex import CODEX_VERSION, __version__
from codex.cli._arguments import Parsed, UsageError
from codex.cli._help import print_help

OFFERED = {
    "exec": "Run an agent on a task, without a conversation [alias: e]",
    "resume": "Go on with a session, without a conversation: 'codex resume ID PROMPT'",
    "fork": "Go on from a turn of a session in a new one: 'codex fork ID PROMPT'",
    "sessions": "List, show, name and revert stored sessions",
    "agents": "Show trees of agents: what each does, has used and has not read",
    "archive": "Put a session away",
    "unarchive": "Bring an archived session back",
    "delete": "Remove a session for ever",
    "demo": "Watch an agent repair a small project; needs no model and no key",
    "sandbox": "Run any command in the sandbox of an agent's commands",
    "doctor": "Check whether agents can work here: configuration, key, sandbox",
    "apply-patch": "Apply a patch in the format of the apply_patch tool",
    "config": "Show what is in force and why, and change config.toml",
    "features": "Show what can be switched, and switch it",
    "hooks": "Show the commands that run when something happens, and trust them",
    "completion": "Print a script that completes commands in your shell",
    "login": "Keep an API key, or show what is kept",
    "logout": "Forget the API key",
    "app-server": "Serve agents to editors, SDKs and services over JSON-RPC",
    "execpolicy": "Ask rules files about a command: 'execpolicy check --rules FILE -- COMMAND'",
    "debug": "Tools for developers: 'debug model-server' serves a scripted model",
}

# Commands of Codex that are not here, with the way out.
NOT_OFFERED = {
    "review": "'codex exec \"Review the uncommitted changes\"' asks for one",
    "apply": "'git apply FILE' applies a diff, 'codex apply-patch' a patch of the model",
    "mcp": "MCP servers are not supported yet",
    "mcp-server": "MCP is not supported yet; 'codex exec --json' can be driven by programs",
    "plugin": "plugins are not supported",
    "remote-control": "'codex exec --json' can be driven by programs",
    "exec-server": "'codex exec --json' can be driven by programs",
    "update": "'pip install --upgrade codex-actors' updates it",
    "cloud": "it belongs to a service of OpenAI; use Codex itself",
    "queue": "start one 'codex exec' for each task",
    "migrate-rollouts": "rollouts of Codex are read as they are",
    "migrate-nfs-db": "there is no database here that could be moved",
}
ALIASES = {"e": "exec", "a": "apply", "apply_patch": "apply-patch", "applypatch": "apply-patch"}


def dispatch(arguments: list[str]) -> int:
    """Run the command that the arguments name.

    Raises:
      UsageError: there is no such command, or its options are wrong.
    """
    from codex.cli.options import root_parser

    if not arguments:
        return _say_what_there_is()
    before = root_parser.parse(arguments, stop_at_positional=True)
    if before.has("help"):
        return say_help()
    if before.has("version"):
        return say_version()
    if not before.rest:
        return _say_what_there_is()
    name, *rest = before.rest
    name = ALIASES.get(name, name)
    if name == "help":
        return dispatch([*rest[:1], "--help"])
    command = _COMMANDS.get(name)
    if command is None:
        raise _unknown_command(name)
    return command(rest, before)


def _unknown_command(name: str) -> UsageError:
    if name in NOT_OFFERED:
        return UsageError(f"'codex {name}' is not offered by this version: {NOT_OFFERED[name]}")
    if any(space in name for space in " \n\t"):
        return UsageError("conversations at the terminal are not there yet; run a prompt with: codex exec 'PROMPT'")
    from codex.base.suggest import did_you_mean

    hint = did_you_mean(name, [*OFFERED, *NOT_OFFERED]) or f"; there are: {', '.join(OFFERED)}"
    return UsageError(f"unrecognized command {name!r}{hint}")


def _say_what_there_is() -> int:
    sys.stderr.write(
        "Conversations at the terminal are not there yet. What you can do:\n\n"
        "  codex demo             watch an agent repair a small project; needs no model and no key\n"
        "  codex exec 'PROMPT'    run an agent on the repository you are in\n"
        "  codex --help           all commands\n"
    )
    return 2


def say_version() -> int:
    """`codex --version` beside other options."""
    sys.stdout.write(f"codex-actors {__version__} (follows Codex {CODEX_VERSION})\n")
    sys.stdout.flush()
    return 0


def say_help() -> int:
    """`codex --help`."""
    from codex.cli.options import root_parser

    width = max(map(len, OFFERED)) + 2
    lines = ["codex: agents that work on a repository, under supervision", "", "Usage: codex [OPTIONS] COMMAND", ""]
    lines += ["Commands:", *(f"  {name:<{width}}{purpose}" for name, purpose in OFFERED.items())]
    return print_help(lines, root_parser)


def _exec(arguments: list[str], before: Parsed) -> int:
    from codex.cli.options import read_exec

    if _asks_for_help(arguments):
        return _say_exec_help()
    options = read_exec(arguments, before)
    if options.help:
        return _say_exec_help()
    if options.version:
        return say_version()
    try:
        from codex.cli.exec import run_exec

        return run_exec(options)
    except KeyboardInterrupt:  # before `exec` has taken the signal over
        return 1


def _resume(arguments: list[str], before: Parsed) -> int:
    return _go_on("resume", arguments, before)


def _fork(arguments: list[str], before: Parsed) -> int:
    return _go_on("fork", arguments, before)


def _go_on(name: str, arguments: list[str], before: Parsed) -> int:
    """`codex resume` and `codex fork`: conversations in Codex, one turn here."""
    from codex.cli.options import read_exec

    if not _asks_for_help(arguments):
        options = read_exec([name, *arguments], before)
        if options.prompt is None and not options.images and not (options.help or options.version):
            which = options.stored_id or "--last"
            raise UsageError(
                f"conversations at the terminal are not there yet; give a prompt: codex {name} {which} 'PROMPT'"
            )
    return _exec([name, *arguments], before)


def _sessions(arguments: list[str], before: Parsed) -> int:
    from codex.cli.sessions import run_sessions

    return run_sessions(arguments, before)


def _agents(arguments: list[str], before: Parsed) -> int:
    from codex.cli.agents import run_agents

    return run_agents(arguments, before)


def _archive(arguments: list[str], before: Parsed) -> int:
    from codex.cli.stored import run_archive

    return run_archive("archive", arguments)


def _unarchive(arguments: list[str], before: Parsed) -> int:
    from codex.cli.stored import run_archive

    return run_archive("unarchive", arguments)


def _delete(arguments: list[str], before: Parsed) -> int:
    from codex.cli.stored import run_delete

    return run_delete(arguments)


def _say_exec_help() -> int:
    from codex.cli.options import exec_parser

    usage = ["Usage: codex exec [OPTIONS] [PROMPT]", "       codex exec [OPTIONS] resume [ID | NAME | --last] [PROMPT]"]
    usage.append("       codex exec [OPTIONS] fork [ID | NAME | --last] [--turn TURN | --before TURN] [PROMPT]")
    stdin = "Without PROMPT, or with '-', it is read from stdin."
    return print_help(["Run an agent on a task and end.", "", *usage, "", stdin], exec_parser)


def _asks_for_help(arguments: list[str]) -> bool:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--help" in options or "-h" in options


def _demo(arguments: list[str], before: Parsed) -> int:
    from codex.cli.demo import run_demo

    return run_demo(arguments)


def _sandbox(arguments: list[str], before: Parsed) -> int:
    from codex.cli.sandbox import run_sandbox

    return run_sandbox(arguments, before)


def _doctor(arguments: list[str], before: Parsed) -> int:
    from codex.cli.doctor import run_doctor

    return run_doctor(arguments, before)


def _apply_patch(arguments: list[str], before: Parsed) -> int:
    return run_apply_patch(arguments)


def run_apply_patch(arguments: list[str]) -> int:
    """Act as the program `apply_patch`; its own name is not among the arguments."""
    import os

    from codex.patch.standalone import run_standalone

    stdin = sys.stdin.buffer if sys.stdin is not None else None  # pyright: ignore[reportUnnecessaryComparison]
    return run_standalone(arguments, stdin, os.getcwd())


def _config(arguments: list[str], before: Parsed) -> int:
    from codex.cli.config_command import run_config

    return run_config(arguments, before)


def _features(arguments: list[str], before: Parsed) -> int:
    from codex.cli.features import run_features

    return run_features(arguments, before)


def _hooks(arguments: list[str], before: Parsed) -> int:
    from codex.cli.hooks import run_hooks

    return run_hooks(arguments, before)


def _completion(arguments: list[str], before: Parsed) -> int:
    from codex.cli.completion import run_completion

    return run_completion(arguments, OFFERED, ALIASES)


def _login(arguments: list[str], before: Parsed) -> int:
    from codex.cli.login import run_login

    return run_login(arguments, before)


def _logout(arguments: list[str], before: Parsed) -> int:
    from codex.cli.login import run_logout

    return run_logout(arguments, before)


def _execpolicy(arguments: list[str], before: Parsed) -> int:
    from codex.cli.execpolicy import run_execpolicy

    return run_execpolicy(arguments, before)


def _app_server(arguments: list[str], before: Parsed) -> int:
    from codex.cli.app_server import run_app_server

    return run_app_server(arguments, before)


def _debug(arguments: list[str], before: Parsed) -> int:
    if arguments and arguments[0] == "model-server":
        from codex.model.scripted.server import run_model_server

        return run_model_server(arguments[1:])
    if not arguments or arguments[0] in ("--help", "-h"):
        sys.stdout.write("Usage: codex debug model-server --script FILE [--port N]\n")
        return 0
    raise UsageError(f"'codex debug {arguments[0]}' is not offered by this version; there is 'debug model-server'")


_COMMANDS = {
    "exec": _exec,
    "resume": _resume,
    "fork": _fork,
    "sessions": _sessions,
    "agents": _agents,
    "archive": _archive,
    "unarchive": _unarchive,
    "delete": _delete,
    "demo": _demo,
    "sandbox": _sandbox,
    "doctor": _doctor,
    "apply-patch": _apply_patch,
    "config": _config,
    "features": _features,
    "hooks": _hooks,
    "completion": _completion,
    "login": _login,
    "logout": _logout,
    "app-server": _app_server,
    "execpolicy": _execpolicy,
    "debug": _debug,
}
