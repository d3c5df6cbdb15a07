"""Lives of actors as OpenTelemetry spans: one for each incarnation, below the span of its owner's."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol

from ._actor import Runtime
from ._cell import Cell
from ._exit import Exit
from ._info import cells_below
from ._ref import Ref


class Tracer(Protocol):
    """What is used of `opentelemetry.trace.Tracer`."""

    def start_span(self, name: str, context: Any = None, *, attributes: Any = None) -> Any:
        """Begin a span."""
        ...


@contextmanager
def export_spans(runtime: Runtime, tracer: Tracer) -> Generator[None]:
    """Within the block every incarnation is a span, ended with how it ended: `actor.exit`, and the error of a crash.

    A span's parent is its owner's; the topmost are below the span that is current where the block is entered. Those
    that live already get a span at once; those that live at the end of the block end there. One block at a time.

    Needs the package `opentelemetry-api`: the extra `otel`.
    """
    exporter = _Exporter(tracer)
    for cell in cells_below(runtime.machinery.root):
        if cell.scope is not None and cell.owner is not None:
            exporter.started(Ref(cell), Ref(cell.owner), cell.incarnation)
    runtime.observe(exporter)
    try:
        yield
    finally:
        runtime.observe(None)
        exporter.close()


class _Exporter:
    def __init__(self, tracer: Tracer) -> None:
        # Here: programs that export nothing need not have it. Any: so it has no types.
        trace: Any = import_module("opentelemetry.trace")
        self.trace = trace
        self.tracer = tracer
        self.above = trace.set_span_in_context(trace.get_current_span())
        self.spans: dict[Cell, Any] = {}  # Any: spans are the tracer's

    def started(self, ref: Ref[Any], owner: Ref[Any] | None, incarnation: int) -> None:
        above = self.spans.get(owner._cell) if owner is not None else None
        self.spans[ref._cell] = self.tracer.start_span(
            ref.name,
            self.above if above is None else self.trace.set_span_in_context(above),
            attributes={"actor.path": ref.path, "actor.incarnation": incarnation},
        )

    def ended(self, ref: Ref[Any], exit: Exit) -> None:
        span = self.spans.pop(ref._cell, None)
        if span is not None:
            span.set_attribute("actor.exit", exit.kind)
            if exit.reason:
                span.set_attribute("actor.reason", exit.reason)
            if exit.error is not None:
                span.record_exception(exit.error)
            if exit.kind == "crash":
                span.set_status(self.trace.StatusCode.ERROR, str(exit.error))
            span.end()

    def close(self) -> None:
        for span in self.spans.values():
            span.end()
        self.spans.clear()
