"""Where the settings of new threads come from: files and options, read again for each directory."""

import json
from collections.abc import Mapping, Sequence

import attrs

from codex.base.jsontext import Json, JsonObject
from codex.config import load_config
from codex.config.load import Resolution, resolve_config
from codex.config.schema import Config


@attrs.frozen
class FileConfigs:
    """The files of a user and their projects, below the options that the server was started with."""

    cwd: str
    environ: Mapping[str, str]
    overrides: Sequence[str] = ()
    profile: str | None = None
    strict: bool = False

    def load(self, *, cwd: str | None, flags: Mapping[str, object], overrides: JsonObject) -> Config:
        """The configuration for a directory; blocks while files are read.

        Args:
          flags: as of `load_config`.
          overrides: values by key path, on top of all options.

        Raises:
          ConfigError: with everything that is wrong.
        """
        texts = [f"{key}={toml_text(value)}" for key, value in overrides.items() if value is not None]
        return load_config(
            cwd=cwd or self.cwd,
            overrides=[*self.overrides, *texts],
            flags=flags,
            profile=self.profile,
            environ=self.environ,
            strict=self.strict,
        )

    def resolve(self, *, cwd: str | None) -> Resolution:
        """The configuration for a directory with the layers that it comes from; blocks while files are read.

        Raises:
          ConfigError: with everything that is wrong.
        """
        return resolve_config(
            cwd=cwd or self.cwd,
            overrides=self.overrides,
            profile=self.profile,
            environ=self.environ,
            strict=self.strict,
        )


def toml_text(value: Json) -> str:
    """A JSON value as a TOML value; null is left out of what holds it, since TOML has none."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return json.dumps(value)
        case str() | None:
            return json.dumps(value or "")
        case list():
            return f"[{', '.join(toml_text(one) for one in value if one is not None)}]"
        case dict():
            pairs = (f"{json.dumps(key)} = {toml_text(one)}" for key, one in value.items() if one is not None)
            return f"{{{', '.join(pairs)}}}"
