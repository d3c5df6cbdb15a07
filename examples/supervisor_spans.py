"""A supervision tree as OpenTelemetry's spans: one for each incarnation. Needs the extra `otel`."""

from typing import Any

import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actors import Mailbox, export_spans, open_runtime
from supervisors import ChildSpec, SupervisorSpec, start_supervisor


async def worker(mailbox: Mailbox[str]) -> None:
    """Ends after one message; its supervisor starts it again."""
    await mailbox.receive()


TREE = SupervisorSpec(
    children=[
        ChildSpec(id="writer", start=worker),
        ChildSpec(id="readers", start=SupervisorSpec(children=[ChildSpec(id="reader", start=worker)])),
    ]
)


def show(spans: tuple[ReadableSpan, ...], above: Any = None, indent: str = "") -> None:
    """Print each span below its parent."""
    for span in spans:
        if (span.parent and span.parent.span_id) == above:
            life = dict(span.attributes or {})
            print(f"{indent}{span.name} {life['actor.incarnation']}: {life['actor.exit']}")
            show(spans, span.context.span_id, indent + "  ")


async def main() -> None:
    provider, memory = TracerProvider(), InMemorySpanExporter()  # yours sends them to a collector
    provider.add_span_processor(SimpleSpanProcessor(memory))
    async with open_runtime(name="app") as runtime:
        with export_spans(runtime, provider.get_tracer("app")):
            supervisor = await start_supervisor(runtime, TREE, name="top")
            writer = (await supervisor.which_children())[0].ref
            with supervisor.events.open_subscription() as events:
                await writer.send("work")
                while (await events.receive()).kind != "restart":
                    pass
            await supervisor.stop()
    show(memory.get_finished_spans())


if __name__ == "__main__":
    trio.run(main)
