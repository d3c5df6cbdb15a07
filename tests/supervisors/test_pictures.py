"""What one sees of a tree from outside."""

from __future__ import annotations

import json
from typing import Any

import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, export_spans, open_runtime
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


class Span:
    """What a tracer would make."""

    def __init__(self, name: str, above: Span | None) -> None:
        self.name, self.above = name, above
        self.attributes: dict[str, object] = {}
        self.errors: list[BaseException] = []
        self.ended = False

    def set_attribute(self, name: str, value: object) -> None:
        self.attributes[name] = value

    def record_exception(self, error: BaseException) -> None:
        self.errors.append(error)

    def end(self) -> None:
        self.ended = True


class Spans:
    """A tracer that remembers."""

    def __init__(self) -> None:
        self.all: list[Span] = []

    def start_span(self, name: str, context: Any = None, *, attributes: Any = None) -> Span:
        self.all.append(Span(name, context))
        self.all[-1].attributes.update(attributes)
        return self.all[-1]


async def test_each_incarnation_is_a_span_below_its_owners() -> None:
    spans, child = Spans(), CuedChild("worker")
    async with open_runtime(name="app") as runtime:
        with export_spans(runtime, spans, context_of=lambda span: span):
            supervisor = await start_supervisor(runtime, SupervisorSpec(children=[child.spec()]), name="top")
            await child.crash()
            await wait_all_tasks_blocked()
            await supervisor.stop()
    top, first, second = spans.all
    assert [(span.name, span.above, span.ended) for span in spans.all] == [
        ("top", None, True),
        ("worker", top, True),
        ("worker", top, True),
    ]
    assert [len(span.errors) for span in spans.all] == [0, 1, 0]
    assert (first.attributes, second.attributes) == (
        {"actor.path": "app/top/worker", "actor.incarnation": 1, "actor.exit": "crash"},
        {"actor.path": "app/top/worker", "actor.incarnation": 2, "actor.exit": "shutdown"},
    )
