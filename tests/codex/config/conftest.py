"""The place that the tests of this room load from."""

from pathlib import Path

import pytest

from tests.codex.config.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    home, cwd = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    # A repository, so that what lies above it is never looked at.
    (cwd / ".git").mkdir(parents=True)
    return Place(home, cwd, tmp_path / "system")
