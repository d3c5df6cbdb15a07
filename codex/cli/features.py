"""`codex features`: which features there are, and switching them in config.toml."""

import os
import sys
from typing import TYPE_CHECKING

from codex.base.errors import UserError
from codex.cli._arguments import Option, Parsed, Parser
from codex.cli._help import print_help
from codex.cli.options import ConfigFlags, config_options

if TYPE_CHECKING:
    from codex.config import Config

features_parser = Parser("codex features", [*config_options, Option("help", "Print this", short="h")])
PARSERS = {f"features {name}": features_parser for name in ("list", "enable", "disable")}

_USAGE = [
    "Which features there are, and switching them in config.toml.",
    "",
    "Usage: codex features list",
    "       codex features enable FEATURE [-p PROFILE]",
    "       codex features disable FEATURE [-p PROFILE]",
]


def run_features(arguments: list[str], before: Parsed) -> int:
    """The command; returns the exit code.

    Raises:
      UserError: there is no such feature, or the file cannot be changed.
    """
    line = features_parser.parse(arguments)
    flags = ConfigFlags(before, line)
    match line.positionals:
        case _ if line.has("help"):
            return print_help(_USAGE, features_parser)
        case [] | ["help"]:
            return print_help(_USAGE, features_parser)
        case ["list"]:
            return _list(_load(flags, profile=flags.profile))
        case ["enable" | "disable" as verb, feature]:
            return _switch(feature, flags, on=verb == "enable")
        case words:
            raise features_parser.fail(
                f"'features {' '.join(words)}' is none of: list, enable FEATURE, disable FEATURE"
            )


def _load(flags: ConfigFlags, profile: str | None) -> "Config":
    from codex.config import load_config

    return load_config(
        cwd=os.getcwd(),
        overrides=flags.overrides,
        flags={"enable": flags.enable, "disable": flags.disable},
        profile=profile,
        environ=os.environ,
    )


def _list(config: "Config") -> int:
    from codex.config.feature_list import EFFECTIVE, list_features

    rows = list_features(config)
    names, stages = max(len(name) for name, _, _ in rows), max(len(stage) for _, stage, _ in rows)
    for name, stage, on in rows:
        state = "true " if on else "false"
        note = "" if name in EFFECTIVE else "  no effect here"
        sys.stdout.write(f"{name:<{names}}  {stage:<{stages}}  {state}{note}".rstrip() + "\n")
    return 0


def _switch(feature: str, flags: ConfigFlags, *, on: bool) -> int:
    from codex.config import find_codex_home
    from codex.config.edit import switch_feature
    from codex.config.feature_list import feature_names

    if feature not in (known := feature_names()):
        from codex.base.suggest import did_you_mean

        raise UserError(f"there is no feature {feature!r}{did_you_mean(feature, known)}")
    name = f"{flags.profile}.config.toml" if flags.profile else "config.toml"
    path = os.path.join(find_codex_home(os.environ), name)
    switch_feature(path, feature, on=on, home=os.path.expanduser("~"))
    sys.stdout.write(f"{'Enabled' if on else 'Disabled'} feature `{feature}` in {name}.\n")
    return 0
