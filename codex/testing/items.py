"""Items of a model script, written short."""

from codex.base.jsontext import Json, JsonObject


def text(said: str, *, chunks: int = 1) -> JsonObject:
    """The model says this, in so many pieces."""
    return {"type": "text", "text": said, "chunks": chunks}


def call(name: str, call_id: str = "call_1", **arguments: Json) -> JsonObject:
    """The model calls a function."""
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": arguments}


def patch(body: str, call_id: str = "call_1") -> JsonObject:
    """The model calls apply_patch; `body` are the sections between the begin and end markers."""
    whole = f"*** Begin Patch\n{body.strip()}\n*** End Patch\n"
    return {"type": "custom_tool_call", "name": "apply_patch", "call_id": call_id, "input": whole}


def cut() -> JsonObject:
    """The connection breaks."""
    return {"type": "cut"}
