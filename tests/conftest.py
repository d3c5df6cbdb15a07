"""What holds for every test.

A deadline of three minutes around async ones: a hang ends in TooSlowError, showing the line it hung on. What is beyond
its reach, blocking code and loops in virtual time, is ended a minute later by an alarm. Hypothesis tries the same
examples in every run, so a change is judged by the change; `--hypothesis-profile=search` looks for new ones.

The test that runs stands in the file that TEST_NOW names, so that whoever ends a run that hangs can say where.

HOME is an empty directory: login shells read no profile of the machine's user, which may be slow, or take locks that a
killed shell leaves behind.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("repeatable")

_AT_MOST = 240


def pytest_configure(config: pytest.Config) -> None:
    home = tempfile.TemporaryDirectory(prefix="codex-tests-home-")
    os.chmod(home.name, 0o755)  # tests run commands as other users
    os.environ["HOME"] = home.name
    config.add_cleanup(home.cleanup)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    def end(*_: object) -> None:
        raise TimeoutError(f"{item.nodeid} took more than {_AT_MOST} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_AT_MOST)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_runtest_logstart(nodeid: str) -> None:
    now = os.environ.get("TEST_NOW")
    if now:
        Path(now).write_text(nodeid + "\n")


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
        with trio.fail_after(366 * 86_400 if virtual else 180):
            await function(**fixtures)

    return run
