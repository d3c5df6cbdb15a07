"""A layer's table becomes a checked one: right types, absolute paths, unknown keys left out and told."""

import os
from collections.abc import Mapping, Sequence
from typing import cast

from codex.config._faults import Faults, Layer, Path, Table, Toml, dotted, is_secret
from codex.config._keys import FEATURE_SETTINGS, KEYS, RENAMED, ROLE_TABLE, SATISFIED, Rule

_KINDS: Mapping[str, str] = {
    "string": "a string that is not empty",
    "url": "a URL that begins with http:// or https://",
    "path": "a path as a string",
    "file": "the path of a file as a string",
    "boolean": "true or false",
    "count": "a whole number from 0 on",
    "positive": "a whole number from 1 on",
    "amount": "a number from 0 on",
    "strings": "an array of strings",
    "paths": "an array of paths",
    "string map": "a table of strings",
    "feature": "true or false",
    "log level": 'a level such as "info", or "warning,model=debug"',
    "approval": 'one of "never", "on-request", "on-failure", "untrusted", "permissive"',
    "profiles": "a table of profiles",
    "hooks": "a table of events, for example [[hooks.Stop]]",
    "skill switches": 'tables with a name or a path, and "enabled"',
}
_APPROVALS = ("never", "on-request", "on-failure", "untrusted", "permissive")
# The keys of the policy `granular`, and whether each must be there.
_GRANULAR: Mapping[str, bool] = {
    "sandbox_approval": True,
    "rules": True,
    "mcp_elicitations": True,
    "request_permissions": False,
    "skill_approval": False,
}
_MAX_NUMBER = 2**53
_MAX_DEPTH = 64


class Checker:
    """Checks the layers of one configuration; collects faults, warnings and the names of keys without a room."""

    def __init__(self, faults: Faults, *, strict: bool, home: str) -> None:
        self._faults, self._strict, self._home = faults, strict, home
        self.warnings: list[str] = []
        self.ignored: dict[str, Toml] = {}
        # While a profile that is not in force is checked, nothing of it is told but faults.
        self._quiet = False

    def check(self, layer: Layer) -> None:
        """Replace the layer's table by its checked form."""
        layer.table = self._table(layer, layer.table, KEYS, ())
        for old, new in RENAMED.items():
            if old in layer.table:
                layer.table.setdefault(new, layer.table.pop(old))

    def check_role(self, layer: Layer) -> None:
        """The same for the file of a role, which may hold Codex's other keys: they are told and not used."""
        rules: dict[str, Rule] = {**dict.fromkeys(KEYS, "later"), "name": "string", **ROLE_TABLE}
        layer.table = self._table(layer, layer.table, rules, ())

    def _table(self, layer: Layer, table: Table, rules: Mapping[str, Rule], path: Path) -> Table:
        checked: Table = {}
        for name, value in table.items():
            here = (*path, name)
            rule = rules.get(name) if name != "*" else None
            # `agents.<role>` is any name beside fixed ones, but only a table can be meant by it.
            if (
                rule is None
                and (rules is not KEYS)
                and ("*" not in rules or len(rules) == 1 or isinstance(value, dict))
            ):
                rule = rules.get("*")
            if rule is None:
                self._unknown(layer, here, rules)
            elif rule == "feature" and not self._is_feature(layer, here):
                pass
            elif rule == "later":
                if _is_deep(value):
                    self._faults.add(layer, here, f"nested more than {_MAX_DEPTH} levels deep; make it flatter")
                else:
                    self._note_ignored(layer, here, value)
            elif isinstance(rule, Mapping):
                if isinstance(value, dict):
                    checked[name] = self._table(layer, value, rule, here)
                else:
                    self._wrong(layer, here, value, f"a table, for example {_example_table(here, rule)}")
            else:
                result = self._value(layer, here, rule, value)
                if result is not None:
                    checked[name] = result
        return checked

    def _value(self, layer: Layer, path: Path, rule: "str | tuple[str, ...]", value: Toml) -> "Toml | None":
        """The value in its checked form; None (and a fault) when it is wrong."""
        if not isinstance(rule, str):
            return self._choice(layer, path, rule, value)
        if rule == "profiles":
            return self._profiles(layer, path, value)
        if rule == "approval":
            return self._approval(layer, path, value)
        if rule == "permissions":
            return self._permissions(layer, path, value)
        if rule == "skill switches":
            return self._skill_switches(layer, path, value)
        if rule in ("path", "file", "paths"):
            return self._paths(layer, path, rule, value)
        if rule == "feature" and isinstance(value, dict):
            if path[-1] in FEATURE_SETTINGS:
                return self._table(layer, value, FEATURE_SETTINGS[path[-1]], path)
            # Some features have settings of their own; what counts here is whether they are on.
            path, value = (*path, "enabled"), value.get("enabled", True)
        if _fits(rule, value):
            return value
        self._wrong(layer, path, value, _KINDS[rule])
        return None

    def _choice(self, layer: Layer, path: Path, choices: Sequence[str], value: Toml) -> "Toml | None":
        if value not in choices:
            expected = "one of " + ", ".join(f'"{choice}"' for choice in choices)
            self._wrong(layer, path, value, expected, choices)
            return None
        if not self._quiet and path[-1] in SATISFIED and len(path) == 1 and value != SATISFIED[path[-1]]:
            self._note_ignored(layer, path, value)
        return value

    def _approval(self, layer: Layer, path: Path, value: Toml) -> "Toml | None":
        if isinstance(value, dict) and list(value) == ["granular"]:
            return self._granular(layer, (*path, "granular"), value["granular"])
        return self._choice(layer, path, _APPROVALS, value)

    def _granular(self, layer: Layer, path: Path, value: Toml) -> "Toml | None":
        """The table of the policy `granular`; as in Codex, three of its keys must be there."""
        table = self._table(layer, value, dict.fromkeys(_GRANULAR, "boolean"), path) if isinstance(value, dict) else {}
        missing = [name for name, needed in _GRANULAR.items() if needed and name not in table]
        if missing and not (isinstance(value, dict) and any(name in value for name in missing)):
            example = "granular = { sandbox_approval = true, rules = true, mcp_elicitations = true }"
            self._wrong(layer, path, value, f"a table with {', '.join(missing)}, for example {example}")
        return None if missing else {"granular": table}

    def _paths(self, layer: Layer, path: Path, rule: str, value: Toml) -> "Toml | None":
        several = rule == "paths"
        if not _fits("strings" if several else "string", value):
            self._wrong(layer, path, value, _KINDS[rule])
            return None
        values = cast("list[str]", value if several else [value])
        if any(not text or "\0" in text for text in values):
            self._wrong(layer, path, value, f"{_KINDS[rule]}, not empty and without NUL")
            return None
        absolute = [absolute_path(text, layer.base_dir, self._home) for text in values]
        if rule == "file" and not os.path.isfile(absolute[0]):
            self._faults.add(layer, path, f"there is no file {absolute[0]!r}; make it, or correct the path")
            return None
        return list[Toml](absolute) if several else absolute[0]

    def _permissions(self, layer: Layer, path: Path, value: Toml) -> Toml:
        from codex.config._permissions import ProfileChecker

        def unknown(where: Path, known: Sequence[str]) -> None:
            self._unknown(layer, where, dict.fromkeys(known, "later"))

        return ProfileChecker(layer, self._faults, self._home, unknown).check(path, value)

    def _skill_switches(self, layer: Layer, path: Path, value: Toml) -> "Toml | None":
        """An array of tables, each with a name or a path; paths become absolute."""
        checked: list[Toml] = []
        for entry in value if isinstance(value, list) else [value]:
            match entry:
                case {"enabled": bool(on), "path": str(text)} if text:
                    checked.append({"path": absolute_path(text, layer.base_dir, self._home), "enabled": on})
                case {"enabled": bool(on), "name": str(text)} if text:
                    checked.append({"name": text, "enabled": on})
                case _:
                    self._wrong(layer, path, entry, 'tables such as { name = "x", enabled = false }')
                    return None
        return checked

    def _profiles(self, layer: Layer, path: Path, value: Toml) -> "Toml | None":
        if not isinstance(value, dict):
            self._wrong(layer, path, value, "a table of profiles, for example [profiles.fast]")
            return None
        checked: Table = {}
        was_quiet, self._quiet = self._quiet, True
        for name, profile in value.items():
            here = (*path, name)
            if isinstance(profile, dict):
                inner = self._table(
                    layer, profile, {key: KEYS[key] for key in KEYS if key not in _NOT_IN_PROFILES}, here
                )
                checked[name] = inner
            else:
                self._wrong(layer, here, profile, f"a table, for example [{dotted(here)}]")
        self._quiet = was_quiet
        return checked

    def _unknown(self, layer: Layer, path: Path, rules: Mapping[str, Rule]) -> None:
        from codex.base.suggest import did_you_mean

        close = did_you_mean(path[-1], [name for name in rules if name != "*"])
        if self._strict:
            way_out = "correct or remove it, or leave out --strict-config"
            self._faults.add(layer, path, f"unknown key{close or '; nothing of that name is known'}; {way_out}")
        else:
            self._warn(f"{layer.where(path)}: {dotted(path)}: unknown key, ignored{close}")

    def _is_feature(self, layer: Layer, path: Path) -> bool:
        """Whether Codex has a feature of that name; `--enable` and `--disable` take no other."""
        from codex.config._features import FEATURES

        if path[-1] in FEATURES:
            return True
        if layer.kind == "option":
            from codex.base.suggest import did_you_mean

            close = did_you_mean(path[-1], FEATURES)
            self._faults.add(layer, path, f"there is no feature of that name{close}; correct it, or leave it out")
        else:
            self._unknown(layer, path, dict.fromkeys(FEATURES, "feature"))
        return False

    def _wrong(self, layer: Layer, path: Path, value: Toml, expected: str, choices: Sequence[str] = ()) -> None:
        close = ""
        if choices and isinstance(value, str):
            from codex.base.suggest import did_you_mean

            close = did_you_mean(value, choices)
        self._faults.add(layer, path, f"expected {expected}; got {describe(path, value)}{close}")

    def _note_ignored(self, layer: Layer, path: Path, value: Toml) -> None:
        if not self._quiet:
            layer.ignored[path] = value
        if not self._quiet and not (len(path) == 1 and path[0] in SATISFIED and SATISFIED[path[0]] == value):
            self.ignored[dotted(path)] = value

    def _warn(self, text: str) -> None:
        if not self._quiet and text not in self.warnings:
            self.warnings.append(text)


_NOT_IN_PROFILES = frozenset(("profile", "profiles", "projects"))


def _fits(kind: str, value: Toml) -> bool:
    if kind in ("boolean", "feature"):
        return isinstance(value, bool)
    if kind in ("count", "positive"):
        return isinstance(value, int) and not isinstance(value, bool) and (kind == "positive") <= value <= _MAX_NUMBER
    if kind == "amount":
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_NUMBER
    if kind == "hooks":
        return isinstance(value, dict) and not _is_deep(value)
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "string map":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if not isinstance(value, str):
        return False
    if kind == "url":
        return value.startswith(("http://", "https://")) and len(value.split("/", 3)[2]) > 0 and value.isprintable()
    if kind == "log level":
        from codex.base.log import is_level_spec

        return is_level_spec(value)
    return bool(value.strip())


def _is_deep(value: Toml) -> bool:
    level, depth = [value], 0
    while level and depth <= _MAX_DEPTH:
        level = [
            item
            for parent in level
            if isinstance(parent, dict | list)
            for item in (parent.values() if isinstance(parent, dict) else parent)
        ]
        depth += 1
    return bool(level)


def absolute_path(text: str, base_dir: str, home: str) -> str:
    """The path made absolute: `~` is the user's home, relative ones start at `base_dir`."""
    if text == "~" or text.startswith("~/"):
        text = home + text[1:]
    return os.path.normpath(os.path.join(base_dir, text))


def describe(path: Sequence[str], value: Toml) -> str:
    """The value and its type in words, for a message."""
    name = _TYPE_NAMES.get(type(value).__name__, "the date or time")
    if is_secret(path):
        return name.replace("the ", "a ", 1).replace("a array", "an array") + " (not shown)"
    if isinstance(value, list | dict) and not value:
        return name.replace("the ", "an empty ", 1)
    return f"{name} {_shown(value)}"


_TYPE_NAMES: Mapping[str, str] = {
    "bool": "the boolean",
    "int": "the number",
    "float": "the number",
    "str": "the string",
    "list": "the array",
    "dict": "the table",
}


def _shown(value: Toml) -> str:
    from codex.base.jsontext import encode
    from codex.base.redact import redact

    try:
        text = redact(encode(value))
    except TypeError:
        text = str(value)
    except (ValueError, RecursionError):
        # A number of more than 4,300 digits, which Python refuses to write, or a very deep nesting.
        return "too long to show"
    return text if len(text) <= 80 else text[:77] + "…"


def _example_table(path: Path, rules: Mapping[str, Rule]) -> str:
    return f"[{dotted((*path, '<name>') if '*' in rules and len(rules) == 1 else path)}]".replace('"', "")
