"""Roles come from the tables `[agents.<name>]`, the files they name, and the files of the folders `agents`."""

import os
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from codex.config._faults import Faults, Layer, Table
from codex.config._keys import ROLE_SETTINGS
from codex.config._sources import read_layer
from codex.config.role import Isolation, Role
from codex.ports.placement import Placement
from codex.protocol.permission import ApprovalPolicy, Granular, SandboxMode


class Check(Protocol):
    """Replaces the table of a role's file by its checked form."""

    def __call__(self, layer: Layer) -> None: ...


def read_roles(tables: Mapping[str, Table], folders: Sequence[str], faults: Faults, check: Check) -> dict[str, Role]:
    """All roles by their names.

    Args:
      tables: the checked tables `[agents.<name>]`; what they say wins over files.
      folders: those that hold roles as `*.toml`, lowest first.
    """
    found: dict[str, Table] = {}
    for folder in folders:
        here: dict[str, str] = {}
        for path in _files(folder):
            table = _read(path, faults, check)
            name = str(table.get("name") or os.path.basename(path).removesuffix(".toml"))
            if name in here:
                faults.add_at(path, ("name",), f"there is a role {name!r} in {here[name]!r} already; take another name")
            here[name] = path
            found[name] = {**found.get(name, {}), **table}
    for name, table in tables.items():
        file = table.get("config_file")
        below = _read(file, faults, check) if isinstance(file, str) else {}
        found[name] = {**found.get(name, {}), **below, **table}
    return {name: _role(name, table) for name, table in found.items()}


def _files(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".toml") and not name.startswith(".")]


def _read(path: str, faults: Faults, check: Check) -> Table:
    layer = read_layer("role", path, faults)
    if layer is None:
        return {}
    check(layer)
    return layer.table


def _role(name: str, table: Table) -> Role:
    approval = table.get("approval_policy")
    if isinstance(approval, dict):
        approval = Granular(**cast("dict[str, bool]", approval["granular"]))
    tools = cast("list[str] | None", table.get("allowed_tools"))
    isolation = table.get("isolation")
    return Role(
        name,
        str(table.get("description", "")),
        tuple(cast("list[str]", table.get("nickname_candidates", []))),
        {key: str(table[key]) for key in ROLE_SETTINGS if key in table},
        cast("SandboxMode | None", table.get("sandbox_mode")),
        cast("ApprovalPolicy | None", approval),
        None if tools is None else frozenset(tools),
        cast("int | None", table.get("deadline_seconds")),
        cast("int | None", table.get("stall_seconds")),
        "on_crash" if table.get("restart") == "on_crash" else "never",
        table.get("restart_history") is not False,
        cast("Isolation", isolation) if isolation in ("worktree", "lease") else "share",
        cast("Placement | None", table.get("placement")),
    )
