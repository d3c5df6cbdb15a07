"""Row D13: spans of agents, turns, requests and calls stand below what started them; with OpenTelemetry's own SDK."""

from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from codex.base.jsontext import JsonObject
from codex.testing import call, open_test_codex, text

AGENT = '${re:"agent_id":"([^"]+)"}'
SCRIPT: JsonObject = {
    "scripts": {
        "root": [
            [call("spawn_agent", "c1", message="go [[script:child]]")],
            [call("wait_agent", "c2", targets=[AGENT])],
            [text("done")],
        ],
        "child": [[call("update_plan", "d1", plan=[{"step": "look", "status": "completed"}])], [text("found")]],
    },
    "default": "root",
}


async def test_the_parents_of_spans_follow_the_tree_of_agents() -> None:
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    async with open_test_codex(SCRIPT) as codex:
        with codex.codex.export_spans(provider.get_tracer("test")):
            await codex.run_turn("delegate")
            (agent,) = codex.thread.agents
    root, child = f"thread-{codex.thread.thread_id}", f"thread-{agent.agent_id}"
    spans: dict[Any, Any] = {
        context.span_id: span for span in memory.get_finished_spans() if (context := span.context) is not None
    }

    def way(span: Any) -> tuple[str, ...]:
        above = spans.get(span.parent.span_id) if span.parent is not None else None
        return (*(way(above) if above is not None else ()), span.name)

    ways = {way(span)[1:] for span in spans.values()}
    turn, childs = (root, "session", "turn"), (root, "session", child, "session", "turn")
    wanted = {(*turn, name) for name in ("sampling", "spawn_agent", "wait_agent")}
    wanted |= {(*childs, name) for name in ("sampling", "update_plan")}
    beside = ("rollout", "session", "liveness", "turn", root, child)
    assert {one for one in ways if one and one[-1] not in beside} == wanted
