"""What one sees of a tree from outside."""

from __future__ import annotations

import json
from typing import Any

import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild


async def test_a_tree_is_seen_as_text_and_as_json(autojump_clock: trio.testing.MockClock) -> None:
    worker, stopped = CuedChild("worker"), CuedChild("stopped")
    inner = SupervisorSpec(children=[worker.spec()])
    async with open_runtime(name="app") as runtime:
        supervisor = await start_supervisor(
            runtime, SupervisorSpec(children=[ChildSpec(id="inner", start=inner), stopped.spec()]), name="top"
        )
        await trio.sleep(5)
        await worker.crash()
        await wait_all_tasks_blocked()
        await supervisor.terminate_child("stopped")
        await trio.sleep(2)
        assert supervisor.picture().splitlines() == [
            "top: running, 0/256 queued, up 7.0 s",
            "  inner: running, 0/256 queued, up 7.0 s",
            "    worker: running, 0/256 queued, up 2.0 s, restarted 1 times",
            "  stopped: vacant, 0/256 queued, up 7.0 s",
        ]
        assert runtime.picture() == supervisor.picture()
        tree = json.loads(json.dumps(supervisor.tree()))
        assert (tree["name"], [child["name"] for child in tree["children"]]) == ("top", ["inner", "stopped"])
        assert tree["children"][0]["children"] == [
            {
                "path": "app/top/inner/worker",
                "state": "running",
                "queued": 0,
                "capacity": 256,
                "restarts": 1,
                "uptime": 2.0,
                "waits_for": None,
                "name": "worker",
                "children": [],
            }
        ]


async def test_a_picture_shows_who_waits_for_whom() -> None:
    async def deaf(mailbox: Mailbox[Any]) -> None:
        await trio.sleep_forever()

    async def ask(mailbox: Mailbox[Any]) -> None:
        await target.ask(lambda reply: reply)

    async with open_runtime(name="app") as runtime:
        target = runtime.spawn(deaf, name="deaf", shutdown=0)
        runtime.spawn(ask, name="asker", shutdown=0)
        await wait_all_tasks_blocked()
        assert "asker: running, 0/256 queued, up 0.0 s, waits for app/deaf" in runtime.picture()
