"""`codex hooks`: which hooks there are, and trusting them."""

import os
import sys
from typing import TYPE_CHECKING

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.failure import say
from codex.cli.options import ConfigFlags, config_options

if TYPE_CHECKING:
    from codex.hooks import Hook

hooks_parser = Parser("codex hooks", [*config_options, Option("help", "Print this", short="h")])
PARSERS = {f"hooks {name}": hooks_parser for name in ("list", "trust")}
_USAGE = [
    "Which commands run when something happens in a thread, and trusting them.",
    "",
    "Usage: codex hooks list",
    "       codex hooks trust [KEY]...",
    "",
    "Without a KEY all hooks of 'codex hooks list' are trusted, as they are now.",
]


def run_hooks(arguments: list[str], before: Parsed) -> int:
    """The command; returns the exit code.

    Raises:
      UserError: there is no such hook, or config.toml cannot be changed.
    """
    line = hooks_parser.parse(arguments)
    match line.positionals:
        case _ if line.has("help"):
            return print_help(_USAGE, hooks_parser)
        case [] | ["help"]:
            return print_help(_USAGE, hooks_parser)
        case ["list"]:
            for hook in _find(line, before):
                matcher = f" {hook.matcher}" if hook.matcher else ""
                sys.stdout.write(f"{hook.key}\n    {hook.event}{matcher}: {hook.command}\n")
                sys.stdout.write(f"    {'trusted' if hook.trusted else 'not trusted'}, {hook.timeout:g} s\n")
            return 0
        case ["trust", *keys]:
            return _trust(_find(line, before), keys)
        case words:
            raise hooks_parser.fail(f"'hooks {' '.join(words)}' is none of: list, trust")


def _find(line: Parsed, before: Parsed) -> "tuple[Hook, ...]":
    from codex.config import load_config
    from codex.config.folders import hook_sources
    from codex.hooks import find_hooks

    flags = ConfigFlags(before, line)
    config = load_config(cwd=os.getcwd(), overrides=flags.overrides, profile=flags.profile, environ=os.environ)
    found = find_hooks(hook_sources(config))
    for warning in found.warnings:
        say(f"warning: {warning}")
    return found.hooks


def _trust(hooks: "tuple[Hook, ...]", keys: list[str]) -> int:
    from codex.config import find_codex_home
    from codex.config.edit import Edit, edit_config

    known = {hook.key: hook for hook in hooks}
    for key in keys:
        if key not in known:
            raise UserError(f"there is no hook {key!r}; 'codex hooks list' names them")
    chosen = [hook for hook in hooks if (not keys or hook.key in keys) and not hook.trusted]
    edits = [Edit(("hooks", "state", hook.key, "trusted_hash"), hook.hash) for hook in chosen]
    if edits:
        path = os.path.join(find_codex_home(os.environ), "config.toml")
        edit_config(path, edits, home=os.path.expanduser("~"))
    for hook in chosen:
        sys.stdout.write(f"Trusted {hook.event}: {hook.command}\n")
    return 0
