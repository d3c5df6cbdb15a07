"""What is in force: files, profiles, `-c` and options become one frozen `Config`, or one error that names every fault.

`load_config` reads and checks; nothing else in the program reads config.toml or decides a default.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.config.load import find_codex_home, load_config
    from codex.config.schema import Config, ProviderInfo, ShellEnvironmentPolicy, WireApi

__all__ = ["Config", "ProviderInfo", "ShellEnvironmentPolicy", "WireApi", "find_codex_home", "load_config"]


def __getattr__(name: str) -> object:
    """Load what is asked for: the names of features are wanted without all the rest."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = "load" if name in ("find_codex_home", "load_config") else "schema"
    return getattr(import_module(f"{__name__}.{home}"), name)
