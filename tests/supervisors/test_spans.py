"""Supervision as spans of the real OpenTelemetry SDK."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from actors import Mailbox, export_spans, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor
from supervisors.testing import CuedChild

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed: pip install '.[test]' brings it")

from opentelemetry.sdk.trace import IdGenerator, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer


class InOrder(IdGenerator):
    """Ids that tell in which order spans began; their times may be equal."""

    def __init__(self) -> None:
        self.ids = count(1)

    def generate_span_id(self) -> int:
        return next(self.ids)

    def generate_trace_id(self) -> int:
        return next(self.ids)


def open_tracer() -> tuple[Tracer, InMemorySpanExporter]:
    provider, exporter = TracerProvider(id_generator=InOrder()), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("tests"), exporter


def begun(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return sorted(exporter.get_finished_spans(), key=lambda span: span.context.span_id)


def seen(exporter: InMemorySpanExporter) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Name, name of the parent and attributes of each, in the order they began."""
    names = {span.context.span_id: span.name for span in begun(exporter)}
    return [
        (span.name, names[span.parent.span_id] if span.parent else None, dict(span.attributes or {}))
        for span in begun(exporter)
    ]


async def idle(mailbox: Mailbox[Any]) -> None:
    async for _ in mailbox:
        pass


async def test_parents_of_spans_follow_the_supervision_tree() -> None:
    tracer, exporter = open_tracer()
    worker, inner = CuedChild("worker"), CuedChild("leaf")
    below = SupervisorSpec(children=[inner.spec()])
    async with open_runtime(name="app") as runtime:
        with tracer.start_as_current_span("service"), export_spans(runtime, tracer):
            spec = SupervisorSpec(children=[worker.spec(), ChildSpec(id="below", start=below)])
            supervisor = await start_supervisor(runtime, spec, name="top")
            await worker.crash()
            await wait_all_tasks_blocked()
            with tracer.start_as_current_span("request"):  # who asked for it is not whose it is
                await supervisor.start_child(ChildSpec(id="late", start=idle))
            await supervisor.stop(reason="done")

    def life(path: str, incarnation: int, exit: str, **more: str) -> dict[str, object]:
        return {"actor.path": f"app/{path}", "actor.incarnation": incarnation, "actor.exit": exit, **more}

    assert seen(exporter) == [
        ("service", None, {}),
        ("top", "service", life("top", 1, "shutdown", **{"actor.reason": "done"})),
        ("worker", "top", life("top/worker", 1, "crash")),
        ("below", "top", life("top/below", 1, "shutdown")),
        ("leaf", "below", life("top/below/leaf", 1, "shutdown")),
        ("worker", "top", life("top/worker", 2, "shutdown")),
        ("request", "service", {}),
        ("late", "top", life("top/late", 1, "shutdown")),
    ]
    crashed, restarted = [span for span in begun(exporter) if span.name == "worker"]
    assert (crashed.status.status_code, restarted.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert [event.name for event in crashed.events] == ["exception"]


async def test_those_that_live_already_are_parents_too_and_all_end_with_the_block() -> None:
    tracer, exporter = open_tracer()
    async with open_runtime(name="app") as runtime:
        supervisor = await start_supervisor(runtime, SupervisorSpec(), name="top")
        with export_spans(runtime, tracer):
            await supervisor.start_child(ChildSpec(id="late", start=idle))
        assert [(name, above) for name, above, _ in seen(exporter)] == [("top", None), ("late", "top")]
        await supervisor.start_child(ChildSpec(id="after", start=idle))
    assert [span.name for span in begun(exporter)] == ["top", "late"]
