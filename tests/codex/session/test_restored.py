"""What a thread goes on with after a crash."""

from codex.base.jsontext import JsonObject
from codex.protocol.letter import Letter
from codex.protocol.usage import TokenUsage
from codex.rollout.restore import Restored, Settings
from codex.session import restored_from


def test_a_letter_that_was_written_down_twice_is_in_the_history_once() -> None:
    one, two = (Letter(f"amsg_{n}", "MESSAGE", "/root/a", "/root", "thread", f"letter {n}").item() for n in (1, 2))
    said: JsonObject = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    stored = Restored(
        "path", "thread", "thread", (one, said, one, two, said), TokenUsage(), TokenUsage(), Settings(), {}
    )
    assert restored_from(stored).items == (one, said, two, said)
