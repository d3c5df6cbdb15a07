"""The layers that are files of the system and the user: `config.toml`, the profile in force, the managed one."""

import os

from codex.config._faults import Faults, Layer, Table
from codex.config._sources import read_layer

SYSTEM_DIR = "/etc/codex"
_CONFIG = "config.toml"


def read_system(system_dir: str, faults: Faults) -> list[Layer]:
    """The layer of the machine, below the user's."""
    layer = read_layer("system", os.path.join(system_dir, _CONFIG), faults)
    return [] if layer is None else [layer]


def read_managed(system_dir: str, faults: Faults) -> list[Layer]:
    """The layer of the machine's owner, above everything."""
    layer = read_layer("managed", os.path.join(system_dir, "managed_config.toml"), faults)
    return [] if layer is None else [layer]


def read_files(
    codex_home: str, profile: str | None, faults: Faults, *, ignore_user_config: bool
) -> tuple[list[Layer], str | None]:
    """The user's layers found, lowest first, and the name of the profile in force.

    A profile is a table `[profiles.<name>]` in config.toml, a file `<name>.config.toml`, or both (the file above).
    """
    path = os.path.join(codex_home, _CONFIG)
    user = None if ignore_user_config else read_layer("user", path, faults)
    where = "--profile"
    if profile is None and user is not None and isinstance(chosen := user.table.get("profile"), str):
        profile, where = chosen, user.where(("profile",))
    layers = [] if user is None else [user]
    if profile is None:
        return layers, None
    if not profile.replace("-", "").replace("_", "").isalnum():
        faults.add_at(where, (), f"{profile!r} is no name of a profile; use letters, digits, '-' and '_'")
        return layers, profile
    table = None if user is None else _take_profile(user, profile)
    if table is not None:
        layers.append(table)
    faults_before = len(faults.found)
    file = read_layer("profile", os.path.join(codex_home, f"{profile}.{_CONFIG}"), faults)
    if file is not None:
        layers.append(file)
    elif table is None and len(faults.found) == faults_before:
        _add_unknown(codex_home, user, profile, where, faults)
    return layers, profile


def _take_profile(user: Layer, profile: str) -> Layer | None:
    """The profile's table as a layer of its own; it leaves the user's layer, so that it is checked once."""
    profiles = user.table.get("profiles")
    if not isinstance(profiles, dict) or not isinstance(table := profiles.get(profile), dict):
        return None
    others: Table = {name: other for name, other in profiles.items() if name != profile}
    user.table = {**user.table, "profiles": others}
    prefix = ("profiles", profile)
    return Layer("profile", user.origin, table, user.base_dir, text=user.text, prefix=prefix)


def _add_unknown(codex_home: str, user: Layer | None, profile: str, where: str, faults: Faults) -> None:
    from codex.base.suggest import did_you_mean

    profiles = user.table.get("profiles") if user is not None else None
    known = set(profiles) if isinstance(profiles, dict) else set[str]()
    ending = f".{_CONFIG}"
    if os.path.isdir(codex_home):
        known |= {name.removesuffix(ending) for name in os.listdir(codex_home) if name.endswith(ending)}
    names = f"; known: {', '.join(sorted(known))}" if known else ""
    way_out = f"make {os.path.join(codex_home, profile + ending)}"
    faults.add_at(where, (), f"no profile {profile!r}{did_you_mean(profile, known)}{names}; {way_out}, or leave it out")
