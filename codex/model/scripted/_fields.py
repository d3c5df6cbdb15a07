"""Which fields each kind of item and turn may have, and of what kind they are (see `_check.EXPECTED`)."""

from collections.abc import Mapping

_CONDITIONAL = {"type": "text", "if": "json", "unless": "json", "comment": "text"}
_STREAMED = {"chunks": "count", "delay": "seconds"}

ITEM_FIELDS: Mapping[str, Mapping[str, str]] = {
    name: fields | _CONDITIONAL
    for name, fields in {
        "text": _STREAMED
        | {
            "text": "text",
            "deltas": "strings",
            "repeat_delta": "repeated",
            "phase": "text",
            "cut_after": "number",
            "events_per_write": "count",
            "id": "text",
        },
        "reasoning": _STREAMED | {"summary": "texts", "content": "texts", "encrypted": "text", "id": "text"},
        "function_call": _STREAMED
        | {"name": "text", "arguments": "json", "call_id": "text", "namespace": "text", "id": "text"},
        "custom_tool_call": _STREAMED
        | {"name": "text", "input": "text", "call_id": "text", "namespace": "text", "id": "text"},
        "raw_item": {"item": "object"},
        "sleep": {"seconds": "seconds"},
        "cut": {},
        "eof": {},
        "failed": {"code": "text", "message": "text"},
        "incomplete": {"reason": "text"},
        "raw_event": {"event": "object", "data": "text"},
        "raw_bytes": {"data": "text"},
    }.items()
}

ITEM_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "function_call": ("name",),
    "custom_tool_call": ("name", "input"),
    "raw_item": ("item",),
    "sleep": ("seconds",),
    "raw_bytes": ("data",),
}

# Of these fields an item must have one and only one.
ITEM_ONE_OF: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "deltas", "repeat_delta"),
    "raw_event": ("event", "data"),
}

# Kinds of Responses items that are sent as they stand; others are too, unless they look like a misspelt kind of ours.
VERBATIM = frozenset(
    {
        "message",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
        "file_search_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "image_generation_call",
        "code_interpreter_call",
        "computer_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "compaction",
        "agent_message",
        "function_call_output",
        "custom_tool_call_output",
    }
)

TURN_FIELDS: Mapping[str, str] = {
    "items": "json",
    "if": "json",
    "unless": "json",
    "comment": "text",
    "usage": "object",
    "delay_before": "seconds",
    "http_status": "count",
    "message": "text",
    "error_type": "text",
    "error_code": "text",
    "http_body": "json",
    "http_headers": "object",
    "cut_before_headers": "flag",
    "end_turn": "flag",
    "events_per_write": "count",
}
ERROR_FIELDS = ("http_status", "message", "error_type", "error_code", "http_body", "http_headers")

REPEAT_FIELDS: Mapping[str, str] = {"repeat": "number", "turn": "json", "comment": "text"}
CHOICE_FIELDS: Mapping[str, str] = {"choose": "json", "if": "json", "unless": "json", "comment": "text"}
USAGE_FIELDS: Mapping[str, str] = {
    "input": "number",
    "output": "number",
    "cached": "number",
    "cache_write": "number",
    "reasoning": "number",
}
SCRIPT_FIELDS: Mapping[str, str] = {"turns": "json", "loop": "flag", "on_end": "json", "comment": "text"}
FILE_FIELDS: Mapping[str, str] = {
    "scripts": "object",
    "default": "text",
    "rules": "json",
    "models": "json",
    "comment": "text",
}
RULE_FIELDS: Mapping[str, str] = {
    "match": "json",
    "in": "text",
    "agent": "text",
    "script": "text",
    "comment": "text",
}
PLACES = ("last", "all", "instructions", "body")
CONDITION_FIELDS: Mapping[str, str] = {
    "out": "text",
    "matches": "json",
    "any_out_matches": "json",
    "last_out_matches": "json",
    "prompt_matches": "json",
    "agent": "text",
    "all": "json",
    "any": "json",
    "comment": "text",
}
