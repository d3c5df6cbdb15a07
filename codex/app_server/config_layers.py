"""The layers of a configuration in the words of the API.  Pure, but for the versions of files."""

import hashlib
import os
from collections.abc import Iterable

from codex.app_server.api.config import (
    ConfigLayer,
    ConfigLayerMetadata,
    ConfigLayerSource,
    LegacyManagedFileLayer,
    ProjectLayer,
    SessionFlagsLayer,
    SystemLayer,
    UserLayer,
)
from codex.base.jsontext import Json, JsonObject, encode_bytes
from codex.config.edit import file_version
from codex.config.load import Resolution
from codex.config.origins import Origin, Setting, find_origins


class Layers:
    """Where the values of a configuration come from. Reads the files once more, for their versions: blocks."""

    def __init__(self, resolution: Resolution) -> None:
        self.origins = find_origins(resolution)
        self._files = {(layer.kind, layer.origin): None for layer in resolution.layers}
        self._versions: dict[str, str] = {}

    def tree(self) -> JsonObject:
        """The values in force as nested tables."""
        return _tree((origin.path, origin.value) for origin in self.origins)

    def decided(self) -> dict[str, ConfigLayerMetadata]:
        """The layer that decided each value; without defaults and what follows from others."""
        return {origin.key: self.metadata(origin) for origin in self.origins if origin.where}

    def metadata(self, origin: Origin | Setting) -> ConfigLayerMetadata:
        """The layer that a value comes from."""
        file = self._file_of(origin)
        return ConfigLayerMetadata(name=_source(origin.layer, file), version=self._version(origin.layer, file))

    def all(self) -> tuple[ConfigLayer, ...]:
        """Each layer by itself, the one that wins first."""
        found: list[ConfigLayer] = []
        for kind, file in reversed(self._files):
            values: list[tuple[tuple[str, ...], Json]] = []
            for origin in self.origins:
                for setting in (origin, *origin.overridden):
                    if (setting.layer, self._file_of(setting)) == (kind, file):
                        values.append((origin.path, setting.value))
            name, version = _source(kind, file), self._version(kind, file)
            found.append(ConfigLayer(name=name, version=version, config=_tree(values)))
        return tuple(found)

    def _file_of(self, setting: Origin | Setting) -> str:
        for kind, file in self._files:
            if kind == setting.layer and (setting.where == file or setting.where.startswith(f"{file}:")):
                return file
        return ""

    def _version(self, kind: str, file: str) -> str:
        if os.path.isabs(file):
            if file not in self._versions:
                self._versions[file] = file_version(file)
            return self._versions[file]
        said = [[origin.key, origin.value] for origin in self.origins if origin.layer == kind]
        return f"sha256:{hashlib.sha256(encode_bytes(said)).hexdigest()}"


def _source(kind: str, file: str) -> ConfigLayerSource:
    match kind:
        case "user":
            return UserLayer(file=file)
        case "profile":
            return UserLayer(file=file, profile=os.path.basename(file).removesuffix(".config.toml"))
        case "project":
            return ProjectLayer(dot_codex_folder=os.path.dirname(file))
        case "system":
            return SystemLayer(file=file)
        case "managed":
            return LegacyManagedFileLayer(file=file)
        case _:
            return SessionFlagsLayer()


def _tree(values: Iterable[tuple[tuple[str, ...], Json]]) -> JsonObject:
    tree: JsonObject = {}
    for path, value in values:
        place: Json = tree
        for part in path[:-1]:
            if isinstance(place, dict):
                place = place.setdefault(part, {})
        if isinstance(place, dict):
            place[path[-1]] = value
    return tree
