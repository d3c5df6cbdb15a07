"""For tests of programs that embed the engine: an engine with a scripted model, real tools and a home of its own.

async with open_test_codex([[call("exec_command", cmd="echo hi")], [text("done")]]) as codex:
    events = await codex.run_turn("say hi")
    assert codex.requests[1].output_of("call_1")
"""

from codex.testing.items import call, cut, patch, text
from codex.testing.kit import SeenRequest, TestCodex, open_test_codex

__all__ = ["SeenRequest", "TestCodex", "call", "cut", "open_test_codex", "patch", "text"]
