"""The demo's project: a copy of the files that come along, with a Git history where there is git, and its tests."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import attrs

from codex.base.errors import UserError

_TESTS_WITHIN = 60.0
_GIT_WITHIN = 20.0
_PLACEHOLDER = "{{TEST_COMMAND}}"


@attrs.frozen
class TestRun:
    """What a run of the project's tests came to; `output` is all they printed."""

    ok: bool
    summary: str
    output: str


def fill(project: str, source: str) -> None:
    """Copy the project from `source` and put its test command into AGENTS.md.

    Raises:
      UserError: there is no project at `source`.
    """
    notes = os.path.join(source, "AGENTS.md")
    if not os.path.isfile(notes):
        raise UserError(f"--project: {source!r} is no copy of the demo's project: it has no AGENTS.md")
    shutil.copytree(source, project, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".git"))
    # A package may be installed read-only; the copy is to be worked on.
    for directory, _, names in os.walk(project):
        os.chmod(directory, 0o755)
        for name in names:
            os.chmod(os.path.join(directory, name), 0o644)
    copied = os.path.join(project, "AGENTS.md")
    with open(copied, encoding="utf-8") as file:
        text = file.read()
    with open(copied, "w", encoding="utf-8") as file:
        file.write(text.replace(_PLACEHOLDER, shlex.join(test_command())))
    _make_repository(project)


def test_command() -> list[str]:
    """How the project's tests are run: by the interpreter that runs us."""
    return [sys.executable or "python3", "-m", "unittest"]


def run_tests(project: str) -> TestRun:
    """Run the project's tests, outside of any sandbox and without the model."""
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            test_command(),
            cwd=project,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TESTS_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return TestRun(ok=False, summary=f"could not be run: {error}", output=str(error))
    output = done.stdout.decode("utf-8", "replace")
    count = re.search(r"^Ran (\d+) tests?", output, re.MULTILINE)
    number = int(count[1]) if count else 0
    ok = done.returncode == 0 and number > 0
    failures = len(re.findall(r"^(?:FAIL|ERROR): ", output, re.MULTILINE))
    summary = f"{number} tests pass" if ok else f"{failures} of {number} fail" if failures else "they cannot be run"
    return TestRun(ok, summary, output)


def snapshot_tests(project: str) -> dict[str, bytes]:
    """The test files and what is in them, to see that nobody changes them."""
    found: dict[str, bytes] = {}
    for directory, _, names in os.walk(os.path.join(project, "tests")):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, project)] = file.read()
    return found


def _make_repository(project: str) -> None:
    """Give the project a history; without git it does without."""
    git = shutil.which("git")
    if git is None:
        return
    settings = {"user.name": "codex demo", "user.email": "demo@localhost", "init.defaultBranch": "main"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    steps = (["init", "-q"], ["add", "-A"], ["commit", "-q", "--no-gpg-sign", "-m", "Add up invoices"])
    for step in steps:
        command = [git, *options, *step]
        try:
            subprocess.run(
                command,
                cwd=project,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_GIT_WITHIN,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return
