"""The layers of a project: `.codex/config.toml` of every directory from its root down to the working directory.

They are read where the user trusts the project, and may not set what decides who is asked, who is told, and who is
trusted: a cloned repository must not send a conversation elsewhere.
"""

import os
from collections.abc import Sequence

from codex.config._faults import Faults, Layer, Path, Table, dotted
from codex.config._sources import read_layer
from codex.config.trust import find_project_root, project_directories, trust_level

FOLDER = ".codex"
_FORBIDDEN: tuple[Path, ...] = (
    ("apps_mcp_product_sku",),
    ("chatgpt_base_url",),
    ("experimental_realtime_ws_base_url",),
    ("experimental_thread_config_endpoint",),
    ("features", "respect_system_proxy"),
    ("model_provider",),
    ("model_providers",),
    ("model_script",),
    ("notify",),
    ("openai_base_url",),
    ("otel",),
    ("profile",),
    ("profiles",),
    ("projects",),
    ("responses_api_metadata",),
)


def may_set(key: Path) -> bool:
    """Whether a project's config.toml may set the key."""
    return not any(key[: len(path)] == path for path in _FORBIDDEN)


class Project:
    """The project of a working directory: its root, and whether the user trusts it."""

    __slots__ = ("cwd", "root", "trust")

    def __init__(self, cwd: str, layers: Sequence[Layer]) -> None:
        """Look it up in layers that are no project's; they need not have been checked yet."""
        markers, levels = [".git"], dict[str, str]()
        for layer in layers:
            match layer.table.get("project_root_markers"):
                case list(found):
                    markers = [marker for marker in found if isinstance(marker, str)]
                case _:
                    pass
            levels |= _levels(layer.table)
        self.cwd = cwd
        self.root = find_project_root(cwd, markers) or cwd
        self.trust = trust_level(cwd, levels, markers)

    def read_layers(self, codex_home: str, faults: Faults, warnings: list[str]) -> list[Layer]:
        """The project's layers, lowest first; none of an untrusted one, which a warning tells."""
        paths = [
            path
            for directory in project_directories(self.cwd, self.root)
            if os.path.lexists(path := os.path.join(directory, FOLDER, "config.toml"))
            and not _is_same(os.path.join(directory, FOLDER), codex_home)
        ]
        if paths and self.trust != "trusted":
            warnings.append(
                f"{', '.join(paths)}: not read, since the project is not trusted; 'codex exec --trust' trusts it, or "
                f'trust_level = "trusted" under [projects."{self.root}"] in {os.path.join(codex_home, "config.toml")}'
            )
            return []
        layers = [layer for path in paths if (layer := read_layer("project", path, faults)) is not None]
        for layer in layers:
            _take_forbidden(layer, warnings)
        return layers

    def folders(self, name: str, codex_home: str) -> list[str]:
        """The folders of this name of a trusted project, the one of its root first."""
        if self.trust != "trusted":
            return []
        homes = [os.path.join(directory, FOLDER) for directory in project_directories(self.cwd, self.root)]
        return [os.path.join(home, name) for home in homes if not _is_same(home, codex_home)]


def _levels(table: Table) -> dict[str, str]:
    projects = table.get("projects")
    if not isinstance(projects, dict):
        return {}
    return {
        path: level
        for path, entry in projects.items()
        if isinstance(entry, dict) and isinstance(level := entry.get("trust_level"), str)
    }


def _take_forbidden(layer: Layer, warnings: list[str]) -> None:
    for path in _FORBIDDEN:
        table: object = layer.table
        for part in path[:-1]:
            table = table.get(part) if isinstance(table, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(table, dict) and path[-1] in table:
            del table[path[-1]]
            warnings.append(
                f"{layer.where(path)}: {dotted(path)}: ignored, since a project may not set it; "
                "set it in your own config.toml"
            )


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
