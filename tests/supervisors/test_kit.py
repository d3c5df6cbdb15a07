"""The test kit of `supervisors`, used as its users do."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import open_runtime
from supervisors import SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild


async def test_a_cued_child_does_as_it_is_told() -> None:
    child = CuedChild("writer")
    with pytest.raises(RuntimeError, match="never been started"):
        await child.crash()
    async with open_runtime() as runtime:
        await start_supervisor(runtime, SupervisorSpec(children=[child.spec()], max_restarts=5))
        child.fail_starts = 1
        await child.crash()
        await wait_all_tasks_blocked()
        assert child.log == ["start", "crash", "failed start", "start"]
        await child.end()
        await wait_all_tasks_blocked()
    assert child.log[4:] == ["normal", "start", "shutdown"]


async def test_cued_children_may_share_a_log_and_be_stubborn(autojump_clock: trio.testing.MockClock) -> None:
    log: list[str] = []
    children = [CuedChild(id, log=log, stubborn=id == "b").spec(shutdown=2) for id in "ab"]
    async with open_runtime() as runtime:
        await start_supervisor(runtime, SupervisorSpec(children=children))
    assert (log, trio.current_time()) == (["start a", "start b", "killed b", "shutdown a"], 2)
