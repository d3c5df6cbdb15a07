"""OpenAI's SDKs, installed lean into a place of their own, which later runs use again.

Without a registry in reach the tests that need them are skipped, with that reason.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

TYPESCRIPT = "@openai/codex-sdk@0.163.0"
PYTHON = "openai-codex==0.163.0"
_WITHIN = 120  # seconds; a registry that is slower counts as out of reach


def typescript_sdk() -> Path:
    """A directory whose `node_modules` have the SDK, without any platform's binary of Codex."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("the TypeScript SDK needs node and npm")
    options = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    return _place(TYPESCRIPT, lambda place: [["npm", "install", *options, "--prefix", str(place), TYPESCRIPT]])


def python_sdk() -> Path:
    """A directory for PYTHONPATH with the SDK and pydantic, without the package that has the binary of Codex."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    return _place(
        PYTHON,
        lambda place: [
            [*pip, str(place), "pydantic>=2.12", "packaging>=26.2"],
            [*pip, str(place), "--no-deps", PYTHON],
        ],
    )


def _place(package: str, commands) -> Path:
    name = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in package)
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    cache = Path(tempfile.gettempdir()) / f"codex-actors-sdks-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        pytest.skip(f"{cache} belongs to somebody else")
    place = cache / f"{name}-{version}"
    if not place.exists():
        made = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
        try:
            for command in commands(made):
                _run(package, command)
            made.rename(place)
        except OSError:  # Another run was faster.
            assert place.exists()
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return place


def _run(package: str, command: Sequence[str]) -> None:
    # The user's own home: there stands which registry is used. The tests' home is an empty one.
    environ = {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{package} cannot be installed here: no answer within {_WITHIN} s")
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        pytest.skip(f"{package} cannot be installed here: {' '.join(why)[:200]}")
