"""A model script of your own: it reads what the tools said, and answers differently to each."""

import trio

from codex.testing import call, open_test_codex, patch, text

SCRIPT = [
    [call("exec_command", "check", cmd="grep -c TODO notes.txt || true", login=False)],
    {
        "choose": [
            {"if": {"out": "check", "matches": "Output:\\n0"}, "items": [text("Nothing is left to do.")]},
            {"items": [patch("*** Update File: notes.txt\n@@\n-TODO: buy milk\n+DONE: buy milk", "fix")]},
        ]
    },
    # Only asked for when the patch was made: a text without a call ends the turn.
    [text("Done: ${re:(M [a-z.]+)}")],
]


async def main() -> None:
    for notes in ("TODO: buy milk\n", "All is well.\n"):
        async with open_test_codex(SCRIPT) as codex:
            (codex.cwd / "notes.txt").write_text(notes)
            answer = await codex.thread.ask("Work through my notes.")
            print(repr(notes), "->", answer, f"({len(codex.requests)} requests)")
            print("   the file:", (codex.cwd / "notes.txt").read_text().strip())


trio.run(main)
