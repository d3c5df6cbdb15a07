"""The command as a user types it, with a home and a project of its own."""

import os
import subprocess
import sys
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[3]


@attrs.frozen
class Machine:
    """A home, a project, and the command."""

    home: Path
    project: Path

    @classmethod
    def at(cls, place: Path) -> "Machine":
        home, project = place / "home", place / "project"
        home.mkdir()
        (project / ".git").mkdir(parents=True)
        return cls(home, project)

    def codex(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "CODEX_HOME": str(self.home)}
        return subprocess.run(
            [sys.executable, "-m", "codex.cli.main", *arguments],
            cwd=self.project,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
