"""`codex` as one types it, in a repository and an empty home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
# Seconds; a run takes a quarter of one on an idle machine.
DEADLINE = 60.0


@attrs.frozen
class Typed:
    """What a command printed, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def told(self) -> list[str]:
        """The lines of stderr but for those that say what is being read."""
        return [line for line in self.stderr.splitlines() if not line.startswith("Reading ")]


@attrs.frozen
class Place:
    """A directory with a home, a repository and what else a test puts there."""

    path: Path

    @property
    def home(self) -> Path:
        """HOME; CODEX_HOME is not set."""
        return self.path / "home"

    @property
    def repo(self) -> Path:
        """The working directory."""
        return self.path / "repo"

    @property
    def codex_home(self) -> Path:
        """Where Codex keeps its files."""
        return self.home / ".codex"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing but what is needed."""
        # For its own temporary files, too: what a test leaves there is seen.
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.path / "tmp"),
            "PYTHONPATH": str(ROOT),
        }

    def configure(self, text: str | bytes) -> None:
        """Write config.toml."""
        self.codex_home.mkdir(exist_ok=True)
        (self.codex_home / "config.toml").write_bytes(text.encode() if isinstance(text, str) else text)

    def play(self, script: Any) -> None:
        """Have the scripted model play a script in the process itself."""
        path = self.path / "script.json"
        path.write_text(json.dumps(script))
        self.configure(f'model = "gpt-5.5"\nmodel_provider = "scripted"\nmodel_script = {json.dumps(str(path))}\n')

    def ask(self, url: str) -> None:
        """Have a model server asked."""
        self.configure(
            'model = "gpt-5.5"\nmodel_provider = "mock"\n\n[model_providers.mock]\nname = "Mock"\n'
            f'base_url = "{url}"\nrequest_max_retries = 0\n'
        )

    def command(self, *arguments: str, python: Sequence[str] = ()) -> list[str]:
        """The command line of `codex` with these arguments."""
        return [sys.executable, *python, "-m", "codex.cli.main", *arguments]

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environ: Mapping[str, str] | None = None,
        python: Sequence[str] = (),
        before: str = "",
    ) -> Typed:
        """Run it to its end.

        Args:
          before: shell commands that prepare the process, such as limits.
        """
        command = self.command(*arguments, python=python)
        if before:
            command = ["sh", "-c", f'{before}; exec "$@"', "sh", *command]
        done = subprocess.run(
            command,
            cwd=self.repo,
            env=self.environ | dict(environ or {}),
            input=stdin,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        return Typed(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def start(self, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
        """Start it in a session of its own with its stdout at hand; it is killed when the block is left."""
        with (self.path / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.repo,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.kill()
            with process:  # closes the pipe and waits
                pass


def make_place(path: Path) -> Place:
    """A place below an empty directory."""
    for name in ("home", "repo/.git", "tmp"):
        (path / name).mkdir(parents=True)
    (path / "repo/.git/HEAD").touch()
    return Place(path)
