"""Lives of actors as OpenTelemetry spans: one for each incarnation, below the span of its owner's."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from ._actor import Runtime
from ._exit import Exit
from ._ref import Ref


class Tracer(Protocol):
    """What is used of `opentelemetry.trace.Tracer`."""

    def start_span(self, name: str, context: Any = None, *, attributes: Any = None) -> Any:
        """Begin a span."""
        ...


@contextmanager
def export_spans(
    runtime: Runtime, tracer: Tracer, *, context_of: Callable[[Any], Any] | None = None
) -> Generator[None]:
    """Within the block every incarnation that starts gets a span, ended with how it ended: `actor.exit`, and the error.

    Needs the package `opentelemetry-api` (the extra `otel`), unless `context_of` makes a context of a parent's span
    otherwise.
    """
    if context_of is None:
        from importlib import import_module

        context_of = import_module("opentelemetry.trace").set_span_in_context
    exporter = _Exporter(tracer, cast("Callable[[Any], Any]", context_of))
    runtime.observe(exporter)
    try:
        yield
    finally:
        runtime.observe(None)
        exporter.close()


class _Exporter:
    def __init__(self, tracer: Tracer, context_of: Callable[[Any], Any]) -> None:
        self.tracer, self.context_of = tracer, context_of
        self.spans: dict[Ref[Any], Any] = {}  # Any: spans are the tracer's

    def started(self, ref: Ref[Any], owner: Ref[Any] | None, incarnation: int) -> None:
        above = self.spans.get(owner) if owner is not None else None
        self.spans[ref] = self.tracer.start_span(
            ref.name,
            None if above is None else self.context_of(above),
            attributes={"actor.path": ref.path, "actor.incarnation": incarnation},
        )

    def ended(self, ref: Ref[Any], exit: Exit) -> None:
        span = self.spans.pop(ref, None)
        if span is not None:
            span.set_attribute("actor.exit", exit.kind)
            if exit.error is not None:
                span.record_exception(exit.error)
            span.end()

    def close(self) -> None:
        for span in self.spans.values():
            span.end()
        self.spans.clear()
