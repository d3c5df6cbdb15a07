"""What holds for every test.

A deadline of ten minutes around async ones: a hang ends in TooSlowError, showing the line it hung on. Hypothesis tries
the same examples in every run, so a change is judged by the change; `--hypothesis-profile=search` looks for new ones.

HOME is an empty directory: login shells read no profile of the machine's user, which may be slow, or take locks that a
killed shell leaves behind.
"""

from __future__ import annotations

import functools
import inspect
import os
import tempfile

import pytest
import trio
import trio.testing
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    home = tempfile.TemporaryDirectory(prefix="codex-tests-home-")
    os.chmod(home.name, 0o755)  # tests run commands as other users
    os.environ["HOME"] = home.name
    config.add_cleanup(home.cleanup)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        function = getattr(item, "obj", None)
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(function):
            item.obj = _with_deadline(function)


def _with_deadline(function):
    @functools.wraps(function)
    async def run(**fixtures: object) -> None:
        # In virtual time minutes pass at once; a test that needs more than a simulated year has another problem.
        virtual = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
        with trio.fail_after(366 * 86_400 if virtual else 600):
            await function(**fixtures)

    return run
