"""Structured output: give a JSON Schema with the prompt, get an answer that a program can read."""

import json

import trio

from codex.base.jsontext import JsonObject
from codex.protocol.event import TaskComplete
from codex.testing import open_test_codex, text

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"risk": {"type": "string", "enum": ["low", "high"]}, "files": {"type": "integer"}},
    "required": ["risk", "files"],
    "additionalProperties": False,
}


async def main() -> None:
    async with open_test_codex([[text('{"risk": "low", "files": 3}')]]) as codex:
        async for event in codex.thread.run("How risky is this change?", output_schema=SCHEMA):
            match event.msg:
                case TaskComplete(last_agent_message=str(answer)):
                    report = json.loads(answer)
                    print("risk:", report["risk"], "in", report["files"], "files")
                case _:
                    pass
        # The schema travels with the request; a server that knows it makes the model keep to it.
        asked = codex.requests[0].body["text"]
        print("the server was sent the schema:", isinstance(asked, dict) and asked["format"]["schema"] == SCHEMA)


trio.run(main)
