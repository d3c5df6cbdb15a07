"""Somewhere to load a configuration: a CODEX_HOME and a working directory."""

from collections.abc import Mapping
from pathlib import Path

import attrs

from codex.config import Config, load_config


@attrs.frozen
class Place:
    """A CODEX_HOME and a directory to work in."""

    home: Path
    cwd: Path

    def write(self, text: str, name: str = "config.toml") -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def load(
        self,
        *overrides: str,
        flags: Mapping[str, object] | None = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        strict: bool = False,
        ignore_user_config: bool = False,
    ) -> Config:
        return load_config(
            codex_home=str(self.home),
            cwd=str(self.cwd),
            overrides=overrides,
            flags=flags or {},
            profile=profile,
            environ={"HOME": str(self.home), **(environ or {})},
            strict=strict,
            ignore_user_config=ignore_user_config,
        )
