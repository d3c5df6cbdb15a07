"""Resume a thread: another engine, later, goes on with what the rollout remembers."""

import json
import tempfile
from pathlib import Path

import trio

from codex.testing import open_test_codex, text


async def main(place: Path) -> None:
    home, cwd = place / "home", place / "project"
    async with open_test_codex([[text("I will remember 1729.")]], home=home, cwd=cwd) as first:
        print("first:", await first.thread.ask("Remember the number 1729."))
        thread_id, path = first.thread.thread_id, first.thread.rollout_path
    assert path is not None
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    print("the rollout starts with", lines[0]["type"])

    script = [[text("It was ${prompt_re:number (\\d+)}.")]]
    async with open_test_codex(script, home=home, cwd=cwd) as second:
        thread = await second.codex.resume_thread(thread_id)
        print("second:", await thread.ask("Which number was it?"))
        said = second.requests[-1].texts("assistant")
        print("the model was sent its own words again:", said == ["I will remember 1729."])
        print("the same rollout goes on:", thread.rollout_path == path)


with tempfile.TemporaryDirectory() as scratch:
    trio.run(main, Path(scratch))
