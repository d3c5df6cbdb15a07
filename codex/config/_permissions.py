"""The permission profiles of a layer, `[permissions.<name>]`, checked.

A checked profile has one form: below `filesystem` each key holds a table from the place below it (`.` for itself) to
its access, and paths are absolute. So layers, and a profile and what it extends, are joined key by key.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from codex.config._faults import Table, Toml, dotted
from codex.protocol.permission import is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex.config._faults import Faults, Layer, Path
    from codex.protocol.permission import Place

ACCESS = ("read", "write", "deny", "none")
SPECIAL: "Mapping[str, Place]" = {
    ":root": "root",
    ":minimal": "minimal",
    ":workspace_roots": "workspace_roots",
    ":project_roots": "workspace_roots",
    ":tmpdir": "tmpdir",
    ":slash_tmp": "slash_tmp",
}
_FIELDS = ("extends", "description", "filesystem", "network", "workspace_roots")
_NETWORK_FIELDS = (
    "enabled domains unix_sockets mode proxy_url enable_socks5 socks_url enable_socks5_udp allow_upstream_proxy "
    "allow_local_binding mitm dangerously_allow_all_unix_sockets dangerously_allow_non_loopback_proxy"
).split()
_MAX_DEPTH = 1024


class ProfileChecker:
    """Checks the profiles of one layer; faults are collected, unknown keys handed to `unknown`."""

    def __init__(
        self, layer: "Layer", faults: "Faults", home: str, unknown: "Callable[[Path, Sequence[str]], None]"
    ) -> None:
        self._layer, self._faults, self._home, self._unknown = layer, faults, home, unknown

    def check(self, path: "Path", value: Toml) -> Table:
        """The profiles in their one form."""
        checked: Table = {}
        for name, profile in self._table(path, value, "a table of profiles, for example [permissions.mine]").items():
            here = (*path, name)
            if name.startswith(":"):
                self._fault(here, "names that begin with ':' belong to built-in profiles; choose another name")
                continue
            table = self._table(here, profile, f"a table, for example [{dotted(here)}]")
            checked[name] = self._profile(here, table)
        return checked

    def _profile(self, path: "Path", table: Table) -> Table:
        checked: Table = {}
        for key, value in table.items():
            here = (*path, key)
            if key in ("extends", "description"):
                if isinstance(value, str) and value:
                    checked[key] = value
                else:
                    self._fault(here, f"expected a string that is not empty; got {value!r}")
            elif key == "filesystem":
                checked[key] = self._filesystem(here, value)
            elif key == "network":
                checked[key] = self._network(here, value)
            elif key == "workspace_roots":
                checked[key] = self._workspace_roots(here, value)
            else:
                self._unknown(here, _FIELDS)
        return checked

    def _filesystem(self, path: "Path", value: Toml) -> Table:
        checked: Table = {}
        for key, access in self._table(path, value, 'a table such as { "/data" = "read" }').items():
            here = (*path, key)
            if key == "glob_scan_max_depth":
                if isinstance(access, int) and not isinstance(access, bool) and 1 <= access <= _MAX_DEPTH:
                    checked[key] = access
                else:
                    self._fault(here, f"expected a whole number from 1 to {_MAX_DEPTH}; got {access!r}")
                continue
            place = self._place(here, key)
            inner: Table = access if isinstance(access, dict) else {".": access}
            if place is None:
                continue
            if isinstance(access, dict) and (is_glob(place) or (place in SPECIAL and place != ":workspace_roots")):
                self._fault(here, f"has no places below it; give {key} itself an access: {_one_of(ACCESS)}")
                continue
            checked[place] = self._below(here, place, inner)
        return checked

    def _place(self, path: "Path", key: str) -> str | None:
        """The key in its one form: a special place, or an absolute path or pattern."""
        if key.startswith(":"):
            if key in SPECIAL:
                return ":workspace_roots" if key == ":project_roots" else key
            from codex.base.suggest import did_you_mean

            close = did_you_mean(key, SPECIAL) or f"; there are {', '.join(SPECIAL)}"
            self._fault(path, f"is no special place{close}")
            return None
        text = self._home + key[1:] if key == "~" or key.startswith("~/") else key
        if not text.startswith("/") or "\0" in text:
            self._fault(path, "is not absolute; begin it with '/', '~/', or a special place such as ':workspace_roots'")
            return None
        return _normal(text)

    def _below(self, path: "Path", place: str, table: Table) -> Table:
        checked: Table = {}
        for sub, access in table.items():
            here = path if sub == "." and len(table) == 1 else (*path, sub)
            parts = sub.split("/")
            if sub != "." and (not sub or sub.startswith("/") or any(part in (".", "..") for part in parts)):
                self._fault(here, "is no place below; write it without '.', '..' and a '/' in front")
                continue
            name = "." if sub in (".", "**") else sub.rstrip("/").removesuffix("/**").rstrip("/")
            whole = place if name == "." else name
            if not isinstance(access, str) or access not in ACCESS:
                from codex.base.suggest import did_you_mean

                close = did_you_mean(access, ACCESS) if isinstance(access, str) else ""
                self._fault(here, f"expected {_one_of(ACCESS)}; got {access!r}{close}")
            elif is_glob(whole) and access in ("read", "write"):
                way_out = f'name a path, or end it in "/**" for everything below, to {access}'
                self._fault(here, f'a pattern can only be "deny"; {way_out}')
            else:
                checked[name] = "deny" if access == "none" else access
        return checked

    def _network(self, path: "Path", value: Toml) -> Table:
        checked: Table = {}
        for key, setting in self._table(path, value, "a table such as { enabled = true }").items():
            here = (*path, key)
            if key not in _NETWORK_FIELDS:
                self._unknown(here, _NETWORK_FIELDS)
            elif key == "enabled" and not isinstance(setting, bool):
                self._fault(here, f"expected true or false; got {setting!r}")
            elif key == "unix_sockets":
                checked[key] = self._sockets(here, setting)
            else:
                checked[key] = setting
        return checked

    def _sockets(self, path: "Path", value: Toml) -> Table:
        checked: Table = {}
        for key, allowed in self._table(path, value, 'a table such as { "/run/x.sock" = "allow" }').items():
            here = (*path, key)
            if allowed not in ("allow", "deny"):
                self._fault(here, f'expected "allow" or "deny"; got {allowed!r}')
            elif key.startswith(":") or is_glob(key):
                self._fault(here, "is not the path of a socket; begin it with '/' or '~/', and without patterns")
            elif place := self._place(here, key):
                checked[place] = allowed
        return checked

    def _workspace_roots(self, path: "Path", value: Toml) -> Table:
        checked: Table = {}
        for key, on in self._table(path, value, 'a table such as { "~/other" = true }').items():
            if not isinstance(on, bool):
                self._fault((*path, key), f"expected true or false; got {on!r}")
            else:
                text = self._home + key[1:] if key == "~" or key.startswith("~/") else key
                checked[_normal(os.path.join(self._layer.base_dir, text))] = on
        return checked

    def _table(self, path: "Path", value: Toml, expected: str) -> Table:
        if isinstance(value, dict):
            return value
        self._fault(path, f"expected {expected}; got {value!r}")
        return {}

    def _fault(self, path: "Path", problem: str) -> None:
        self._faults.add(self._layer, path, problem)


def _normal(path: str) -> str:
    """Without doubled slashes, `.` and `..`; an end of `/**` means all that is below, which the path itself means."""
    path = "/" + os.path.normpath(path).lstrip("/")
    return path.removesuffix("/**") or "/"


def _one_of(words: "Sequence[str]") -> str:
    return "one of " + ", ".join(f'"{word}"' for word in words)
