"""Somewhere to load a configuration: a CODEX_HOME and a working directory."""

from collections.abc import Mapping
from pathlib import Path

import attrs

from codex.config import Config
from codex.config.load import Resolution, resolve_config


@attrs.frozen
class Place:
    """A CODEX_HOME and a directory to work in."""

    home: Path
    cwd: Path
    system: Path

    def write(self, text: str, name: str = "config.toml") -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def write_system(self, text: str, name: str = "config.toml") -> Path:
        self.system.mkdir(exist_ok=True)
        path = self.system / name
        path.write_text(text)
        return path

    def write_project(self, text: str, directory: Path | None = None) -> Path:
        path = (directory or self.cwd) / ".codex" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
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
        cwd: Path | None = None,
    ) -> Config:
        return self.resolve(
            *overrides,
            flags=flags,
            profile=profile,
            environ=environ,
            strict=strict,
            ignore_user_config=ignore_user_config,
            cwd=cwd,
        ).config

    def resolve(
        self,
        *overrides: str,
        flags: Mapping[str, object] | None = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        strict: bool = False,
        ignore_user_config: bool = False,
        cwd: Path | None = None,
    ) -> Resolution:
        return resolve_config(
            codex_home=str(self.home),
            cwd=str(cwd or self.cwd),
            overrides=overrides,
            flags=flags or {},
            profile=profile,
            environ={"HOME": str(self.home), **(environ or {})},
            strict=strict,
            ignore_user_config=ignore_user_config,
            system_dir=str(self.system),
        )
