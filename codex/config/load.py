"""Where a configuration comes from, low to high:

defaults < system < config.toml < profile < project, root to working directory < environment < `-c` < options < managed
"""

import os
from collections.abc import Mapping, Sequence
from typing import cast

from codex.config._build import Builder
from codex.config._check import Checker, absolute_path
from codex.config._faults import Faults, Layer, Table
from codex.config._files import SYSTEM_DIR, read_files, read_managed, read_system
from codex.config._projects import Project
from codex.config._providers import environment_providers
from codex.config._requirements import TYPED, Requirements
from codex.config._sources import parse_override
from codex.config.schema import Config

# Options that set a key: name in `flags` -> (key, what the user typed).
_FLAG_KEYS: Mapping[str, tuple[str, str]] = {
    "model": ("model", "--model"),
    "model_provider": ("model_provider", "--model-provider"),
    "sandbox_mode": ("sandbox_mode", "--sandbox"),
    "approval_policy": ("approval_policy", "--ask-for-approval"),
    "permission_profile": ("default_permissions", "--permission-profile"),
    "developer_instructions": ("developer_instructions", "developer instructions"),
}
_NOBODY = "nobody can be asked"
_OTHER_FLAGS = frozenset(
    (
        *("add_dirs", "bypass", "bypass_hook_trust", "disable", "enable", "ephemeral", "exec_defaults"),
        *("local_provider", "never_asks", "oss", "search"),
    )
)


class Resolution:
    """A configuration with where it comes from: the checked layers, lowest first, and the project."""

    __slots__ = ("config", "layers", "project")

    def __init__(self, config: Config, layers: Sequence[Layer], project: Project) -> None:
        self.config, self.layers, self.project = config, layers, project


def find_codex_home(environ: Mapping[str, str]) -> str:
    """The directory of our files: $CODEX_HOME, which must exist, or else ~/.codex, which may be missing.

    Raises:
      ConfigError: $CODEX_HOME is not there or not a directory, or there is no home.
    """
    faults = Faults()
    home = environ.get("CODEX_HOME", "")
    if home:
        home = os.path.abspath(home)
        _check_directory("CODEX_HOME", home, faults, f"make it (mkdir -p {home}), or unset CODEX_HOME")
    elif _user_home(environ):
        home = os.path.join(_user_home(environ), ".codex")
    else:
        faults.add_at("HOME", (), "not set; set HOME, or set CODEX_HOME to a directory")
    faults.raise_if_any()
    return home


def load_config(
    *,
    codex_home: str | None = None,
    cwd: str,
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    environ: Mapping[str, str],
    ignore_user_config: bool = False,
    strict: bool = False,
    system_dir: str = SYSTEM_DIR,
) -> Config:
    """The configuration in force. `overrides` are the texts of `-c`; `codex_home` None asks the environment.

    `flags` hold what options said, None, False or an empty list where not given: model, model_provider, sandbox_mode,
    approval_policy, permission_profile, developer_instructions (strings); oss, local_provider, add_dirs, enable,
    disable, search, ephemeral; bypass (no sandbox, no questions); bypass_hook_trust; exec_defaults (read-only and never
    asking where nothing else is said); never_asks (nobody is there to be asked, whatever is said).
    With `strict` an unknown key is an error instead of a warning. `system_dir` holds the files of the machine's owner.

    Raises:
      ConfigError: with everything that is wrong, not only the first.
    """
    return resolve_config(
        codex_home=codex_home,
        cwd=cwd,
        overrides=overrides,
        flags=flags,
        profile=profile,
        environ=environ,
        ignore_user_config=ignore_user_config,
        strict=strict,
        system_dir=system_dir,
    ).config


def resolve_config(
    *,
    codex_home: str | None = None,
    cwd: str,
    overrides: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    environ: Mapping[str, str],
    ignore_user_config: bool = False,
    strict: bool = False,
    system_dir: str = SYSTEM_DIR,
) -> Resolution:
    """The same as `load_config`, with the layers that it comes from."""
    given = {name: value for name, value in (flags or {}).items() if value not in (None, False, (), [])}
    unknown = given.keys() - _FLAG_KEYS.keys() - _OTHER_FLAGS
    assert not unknown, f"no such flags: {sorted(unknown)}"
    if codex_home is None:
        codex_home = find_codex_home(environ)
    faults, home = Faults(), _user_home(environ)
    checker = Checker(faults, strict=strict, home=home)
    warnings = checker.warnings
    codex_home, cwd = os.path.abspath(codex_home), os.path.abspath(cwd)
    _check_directory("--cd", cwd, faults, "name an existing directory")
    if os.path.exists(codex_home):
        _check_directory("CODEX_HOME", codex_home, faults, "name a directory")

    overriding = [layer for text in overrides if (layer := parse_override(text, cwd, faults)) is not None]
    profile = profile or _profile_in(overriding)
    below = read_system(system_dir, faults)
    users, profile = read_files(codex_home, profile, faults, ignore_user_config=ignore_user_config)
    below += users
    above = [*_environment(environ, cwd, faults), *overriding, *_options(given, cwd), *read_managed(system_dir, faults)]
    project = Project(cwd, [*below, *above])
    layers = [*below, *project.read_layers(codex_home, faults, warnings), *above]
    for layer in layers:
        checker.check(layer)
    requirements = Requirements(system_dir, faults, warnings)
    _tell_overridden(layers, warnings)
    builder = Builder(layers, faults, requirements, project, codex_home=codex_home)
    roles = builder.roles(checker.check_role, of_user=not ignore_user_config)
    if checker.ignored:
        warnings.append(f"ignored, since nothing here uses them yet: {', '.join(checker.ignored)}")
    add_dirs = cast("Sequence[str]", given.get("add_dirs", ()))
    # Values that are wrong are missing from the tables: what depends on them is not looked into.
    faults.raise_if_any(warnings)
    config = builder.build(
        oss="oss" in given or "local_provider" in given,
        local_provider=cast("str | None", given.get("local_provider")),
        add_dirs=[absolute_path(path, cwd, home) for path in add_dirs],
        ephemeral="ephemeral" in given,
        bypass_hook_trust="bypass_hook_trust" in given,
        exec_defaults="exec_defaults" in given,
        roles=roles,
        profile=profile,
        warnings=warnings,
        ignored=checker.ignored,
    )
    faults.raise_if_any(warnings)
    return Resolution(config, layers, project)


def _profile_in(layers: Sequence[Layer]) -> str | None:
    names = [layer.table["profile"] for layer in layers if "profile" in layer.table]
    return names[-1] if names and isinstance(names[-1], str) else None


def _environment(environ: Mapping[str, str], cwd: str, faults: Faults) -> list[Layer]:
    found = environment_providers(environ, faults)
    if level := environ.get("CODEX_LOG"):
        found.append(("CODEX_LOG", {"log_level": level}))
    return [Layer("environment", name, table, cwd) for name, table in found]


def _options(given: Mapping[str, object], cwd: str) -> list[Layer]:
    """A layer for each option that sets a key."""
    found: list[tuple[str, Table]] = []
    for name, (key, option) in _FLAG_KEYS.items():
        if name in given:
            found.append((option, {key: cast("str", given[name])}))
    if "local_provider" in given:
        found.append(("--local-provider", {"oss_provider": cast("str", given["local_provider"])}))
    if "search" in given:
        found.append(("--search", {"web_search": "live"}))
    for name, on in (("enable", True), ("disable", False)):
        for feature in cast("Sequence[str]", given.get(name, ())):
            found.append((f"--{name} {feature}", {"features": {feature: on}}))
    if "bypass" in given:
        option = "--dangerously-bypass-approvals-and-sandbox"
        found.append((option, {"approval_policy": "never", "sandbox_mode": "danger-full-access"}))
    if "never_asks" in given:
        found.append((_NOBODY, {"approval_policy": "never"}))
    return [Layer("program" if origin == _NOBODY else "option", origin, table, cwd) for origin, table in found]


def _tell_overridden(layers: Sequence[Layer], warnings: list[str]) -> None:
    """Tell what was typed in vain, since the owner of the machine has decided it."""
    for managed in layers:
        if managed.kind == "managed":
            for layer in layers:
                for key in layer.table.keys() & managed.table.keys() if layer.kind in TYPED else ():
                    warnings.append(f"{layer.origin}: {key}: without effect, since {managed.where((key,))} decides it")


def _check_directory(where: str, path: str, faults: Faults, way_out: str) -> None:
    if not os.path.isdir(path):
        what = "is not a directory" if os.path.exists(path) else "does not exist"
        faults.add_at(where, (), f"{path!r} {what}; {way_out}")


def _user_home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or os.path.expanduser("~")
    return home if os.path.isabs(home) else ""
