"""The permission profile in force, with all it extends, as a policy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, cast

from codex.config._faults import Table
from codex.config._permissions import SPECIAL
from codex.protocol.permission import FileSystemEntry, SandboxPolicy, is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex.config._faults import Faults, Path
    from codex.protocol.permission import Access

BUILT_IN: "Mapping[str, Table]" = {
    ":read-only": {"filesystem": {":root": {".": "read"}}},
    ":workspace": {
        "filesystem": {
            ":root": {".": "read"},
            ":workspace_roots": {".": "write"},
            ":slash_tmp": {".": "write"},
            ":tmpdir": {".": "write"},
        }
    },
    ":danger-full-access": {},
}
_MODES: "Mapping[str, Literal['read-only', 'workspace-write', 'danger-full-access']]" = {
    ":read-only": "read-only",
    ":workspace": "workspace-write",
    ":danger-full-access": "danger-full-access",
}
# What narrows the network in ways that nothing here keeps.
_NARROWING = ("domains", "mode", "mitm")


class Profiles:
    """The profiles of all layers; `where` tells the place of a key, for a fault."""

    def __init__(self, tables: "Mapping[str, Table]", faults: "Faults", where: "Callable[[Path], str]") -> None:
        self._tables, self._faults, self._where = tables, faults, where

    def policy(self, name: str, asked: str, add_dirs: "Sequence[str]") -> SandboxPolicy:
        """The policy of the profile; `asked` is where it was asked for. Faults are added, and the result is void."""
        if name in BUILT_IN:
            roots = tuple(dict.fromkeys(add_dirs))
            return SandboxPolicy(_MODES[name], roots if name == ":workspace" else (), profile=name)
        if name not in self._tables:
            from codex.base.suggest import did_you_mean

            known = [*BUILT_IN, *self._tables]
            close = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            self._faults.add_at(asked, ("default_permissions",), f"there is no permission profile {name!r}{close}")
            return SandboxPolicy()
        table = self._joined(name, ())
        network = cast("Table", table.get("network", {}))
        self._refuse_narrow(name, network)
        filesystem = {**cast("Table", table.get("filesystem", {}))}
        depth = cast("int | None", filesystem.pop("glob_scan_max_depth", None))
        entries = tuple(_entries(cast("dict[str, dict[str, Access]]", filesystem)))
        extra = [path for path, on in cast("dict[str, bool]", table.get("workspace_roots", {})).items() if on]
        sockets = cast("dict[str, str]", network.get("unix_sockets", {}))
        return SandboxPolicy(
            "workspace-write" if any(entry.access == "write" for entry in entries) else "read-only",
            tuple(dict.fromkeys([*extra, *add_dirs])),
            network_access=network.get("enabled") is True,
            profile=name,
            entries=entries,
            glob_scan_max_depth=depth,
            unix_sockets=tuple(path for path, allowed in sockets.items() if allowed == "allow"),
        )

    def _joined(self, name: str, children: tuple[str, ...]) -> Table:
        """The profile with all it extends."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        own = self._tables[name]
        parent = cast("str | None", own.get("extends"))
        key = ("permissions", name, "extends")
        known = [other for other in (":read-only", ":workspace", *self._tables) if other not in (*children, name)]
        if parent is None:
            return own
        if parent in (*children, name):
            circle = " -> ".join((*children, name, parent))
            self._faults.add_at(self._where(key), key, f"extends itself: {circle}; take one of them out")
            return own
        if parent == ":danger-full-access":
            problem = (
                "':danger-full-access' has no limits to build on; extend ':workspace', or write \":root\" = \"write\""
            )
            self._faults.add_at(self._where(key), key, problem)
            return own
        if parent not in known:
            from codex.base.suggest import did_you_mean

            close = did_you_mean(parent, known) or f"; there are {', '.join(known)}"
            self._faults.add_at(self._where(key), key, f"there is no permission profile {parent!r}{close}")
            return own
        return _join(self._joined(parent, (*children, name)), own)

    def _refuse_narrow(self, name: str, network: Table) -> None:
        """What would let commands reach more than the profile says is an error."""
        if network.get("enabled") is not True:
            return
        for key in _NARROWING:
            if key in network and not (key == "mode" and network[key] == "full"):
                path = ("permissions", name, "network", key)
                problem = "the network cannot be narrowed here, so commands would reach every host"
                way_out = "remove it to allow that, or set network.enabled = false"
                self._faults.add_at(self._where(path), path, f"{problem}; {way_out}")


def _join(below: Table, above: Table) -> Table:
    joined = {**below}
    for key, value in above.items():
        known = joined.get(key)
        joined[key] = _join(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return joined


def _entries(filesystem: "Mapping[str, Mapping[str, Access]]") -> "list[FileSystemEntry]":
    """The entries in the order of their keys, as Codex tells them."""
    found: list[FileSystemEntry] = []
    for key, below in sorted(filesystem.items()):
        for name, access in sorted(below.items()):
            if key in SPECIAL:
                found.append(FileSystemEntry(SPECIAL[key], access, "" if name == "." else name))
            else:
                path = key if name == "." else f"{key.rstrip('/')}/{name}"
                found.append(FileSystemEntry("glob" if is_glob(path) else "path", access, path))
    return found
