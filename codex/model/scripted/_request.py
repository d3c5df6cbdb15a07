"""A request as a script looks at it: prompts, tool outputs, who asks, and for which thread."""

import hashlib
from collections.abc import Mapping
from functools import cached_property

from codex.base.jsontext import Json, JsonObject, decode_object, encode, encode_bytes, get_list, get_str
from codex.protocol.response_item import is_output, message_text

_KEY_HEADERS = ("x-mock-key", "thread-id")
_SESSION_HEADERS = ("session-id", "session_id", "x-session-id")
_COMPACTION_PROMPT = "CONTEXT CHECKPOINT COMPACTION"
_FIRST_ITEMS = 3


def output_text(item: JsonObject) -> str:
    """The text of a tool output item, parts joined by line ends."""
    output = item.get("output")
    if isinstance(output, str):
        return output
    if isinstance(output, list):
        return "\n".join(get_str(part, "text") for part in output if isinstance(part, dict))
    return encode(output)


class ScriptedRequest:
    """One request for a script; the wire's dialect is forgotten here. What is costly is worked out on first use."""

    def __init__(
        self,
        body: JsonObject,
        headers: Mapping[str, str],
        *,
        size: int | None = None,
        may_have_markers: bool = True,
    ) -> None:
        """`may_have_markers` False: whoever knows the body as text has seen that no prompt has one."""
        self.body = body
        self.may_have_markers = may_have_markers
        self.headers = {name.lower(): value for name, value in headers.items()}
        self._size = size

    @cached_property
    def size(self) -> int:
        """Bytes of the body."""
        return len(encode_bytes(self.body)) if self._size is None else self._size

    @cached_property
    def items(self) -> list[JsonObject]:
        """The input items; a plain text is one user message, chat messages are translated."""
        given = self.body.get("input")
        if isinstance(given, str):
            return [_message("user", given)]
        if isinstance(given, list):
            return [item for item in given if isinstance(item, dict)]
        return [_from_chat(message) for message in get_list(self.body, "messages") if isinstance(message, dict)]

    @cached_property
    def prompts(self) -> list[str]:
        """Texts of what was said to the model: user and developer messages, and letters of other agents."""
        return [_prompt_text(item) for item in self.items if _is_prompt(item)]

    @cached_property
    def outputs(self) -> list[tuple[str, str]]:
        """Tool outputs as (call id, text), oldest first."""
        return [(get_str(item, "call_id"), output_text(item)) for item in self.items if is_output(item)]

    @cached_property
    def _metadata(self) -> JsonObject:
        try:
            return decode_object(self.headers.get("x-codex-turn-metadata", "{}").encode())
        except ValueError:
            return {}

    @property
    def agent(self) -> str:
        """Path of the agent that asks; a client that names none is taken for the root."""
        return get_str(self._metadata, "agent_name") or "/root"

    @property
    def is_compaction(self) -> bool:
        """Whether a summary of the history is asked for."""
        kind = get_str(self._metadata, "request_kind")
        return kind == "compaction" or (not kind and bool(self.prompts) and _COMPACTION_PROMPT in self.prompts[-1])

    @property
    def model(self) -> str:
        """The model's name as the client gave it."""
        return get_str(self.body, "model")

    @cached_property
    def thread_key(self) -> str:
        """What tells this thread from others: a header, the cache key, a session header, else the first items."""
        for name in _KEY_HEADERS:
            if self.headers.get(name):
                return self.headers[name]
        if key := get_str(self.body, "prompt_cache_key"):
            return key
        for name in _SESSION_HEADERS:
            if self.headers.get(name):
                return self.headers[name]
        first: list[Json] = [*self.items[:_FIRST_ITEMS]]
        return hashlib.sha256(encode_bytes(first)).hexdigest()

    def text(self, place: str) -> str:
        """What a rule looks at (a `RulePlace`)."""
        match place:
            case "all":
                return "\n".join(self.prompts)
            case "instructions":
                system = [message_text(item) for item in self.items if get_str(item, "role") in ("developer", "system")]
                return "\n".join([get_str(self.body, "instructions"), *system])
            case "body":
                return encode(self.body)
            case _:
                return self.prompts[-1] if self.prompts else ""


def _is_prompt(item: JsonObject) -> bool:
    kind = get_str(item, "type", "message")
    return kind == "agent_message" or (kind == "message" and get_str(item, "role") in ("user", "developer"))


def _prompt_text(item: JsonObject) -> str:
    """The item's texts; what a letter calls encrypted is plain when no server encrypted it."""
    parts = (part for part in get_list(item, "content") if isinstance(part, dict))
    texts = [get_str(part, "text") or get_str(part, "encrypted_content") for part in parts]
    content = item.get("content")
    return content if isinstance(content, str) else "\n".join(texts)


def _message(role: str, text: str) -> JsonObject:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def _from_chat(message: JsonObject) -> JsonObject:
    content = message.get("content")
    text = content if isinstance(content, str) else message_text(message)
    if get_str(message, "role") == "tool":
        return {"type": "function_call_output", "call_id": get_str(message, "tool_call_id"), "output": text}
    role = get_str(message, "role")
    return _message("developer" if role == "system" else role, text)
