"""What is in force: files, profiles, `-c` and options become one frozen `Config`, or one error that names every fault.

`load_config` reads and checks; nothing else in the program reads config.toml or decides a default.
"""

from codex.config.load import find_codex_home, load_config
from codex.config.schema import Config, ProviderInfo, ShellEnvironmentPolicy, WireApi

__all__ = ["Config", "ProviderInfo", "ShellEnvironmentPolicy", "WireApi", "find_codex_home", "load_config"]
