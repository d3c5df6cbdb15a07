"""Items of a turn as `item_completed` lines show them."""

from collections.abc import Sequence
from typing import assert_never

from codex.base.jsontext import Json, JsonObject, get_str
from codex.protocol.blobs import image_note, is_inline_image
from codex.protocol.item import (
    AgentMessage,
    AgentState,
    CollabToolCall,
    CommandExecution,
    ContextCompaction,
    DynamicToolCall,
    FileChange,
    FileUpdate,
    ImageView,
    Reasoning,
    SubAgentActivity,
    ThreadItem,
    UserMessage,
    WebSearch,
)
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput, UserInput

_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,:;=@")


def item_payload(item: ThreadItem) -> JsonObject | None:
    """The item as Codex writes it; None for kinds that Codex does not keep."""
    match item:
        case UserMessage(id=item_id, content=content, client_id=client_id):
            called: JsonObject = {} if client_id is None else {"client_id": client_id}
            return {"type": "UserMessage", "id": item_id, **called, "content": [_input(part) for part in content]}
        case AgentMessage(id=item_id, text=text, phase=phase):
            body: JsonObject = {"type": "AgentMessage", "id": item_id, "content": [{"type": "Text", "text": text}]}
            return body if phase is None else {**body, "phase": phase}
        case Reasoning(id=item_id, summary=summary, content=content):
            return {"type": "Reasoning", "id": item_id, "summary_text": [*summary], "raw_content": [*content]}
        case CommandExecution():
            return _command(item)
        case FileChange(id=item_id, changes=changes, status=status, stdout=stdout, stderr=stderr):
            return {
                "type": "FileChange",
                "id": item_id,
                "changes": {change.path: _change(change) for change in changes},
                "status": status,
                "stdout": stdout,
                "stderr": stderr,
            }
        case CollabToolCall():
            return _collab(item)
        case SubAgentActivity(letter=letter):
            activity: JsonObject = {
                "type": "SubAgentActivity",
                "model": item.model,
                "reasoning_effort": item.reasoning_effort,
                "id": item.id,
                "kind": item.kind,
                "agent_thread_id": item.agent_thread_id,
                "agent_path": item.agent_path,
            }
            return activity if letter is None else {**activity, "letter": letter.json()}
        case DynamicToolCall():
            return _dynamic(item)
        case ImageView(id=item_id, path=path):
            return {"type": "ImageView", "id": item_id, "path": file_uri(path)}
        case WebSearch(id=item_id, query=query, action=action):
            return {"type": "WebSearch", "id": item_id, "query": query, "action": action}
        case ContextCompaction(id=item_id):
            return {"type": "ContextCompaction", "id": item_id}
        case _:
            return None


def file_uri(path: str) -> str:
    """An absolute path as a `file:` URI."""
    data = path.encode("utf-8", "surrogateescape")
    return "file://" + "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in data)


def _input(part: UserInput) -> JsonObject:
    match part:
        case TextInput(text=text):
            return {"type": "text", "text": text, "text_elements": []}
        case LocalImageInput(path=path):
            return {"type": "local_image", "path": path}
        case ImageInput(image_url=image_url):
            if is_inline_image({"image_url": image_url}):  # its bytes stand in the history's item, once
                return {"type": "text", "text": get_str(image_note(image_url), "text"), "text_elements": []}
            return {"type": "image", "image_url": image_url}


def _command(item: CommandExecution) -> JsonObject:
    return {
        "type": "CommandExecution",
        "id": item.id,
        "process_id": item.process_id,
        "command": [*item.command],
        "cwd": file_uri(item.cwd),
        "parsed_cmd": _parsed(item.command),
        "source": item.source,
        "status": item.status,
        "aggregated_output": item.aggregated_output,
        "exit_code": item.exit_code,
        "duration": _duration(item.duration),
    }


def _parsed(command: Sequence[str]) -> list[Json]:
    from codex.base.parsed_command import ListFiles, Other, ReadFile, Search, parse_command

    steps: list[Json] = []
    for step in parse_command(command):
        match step:
            case ReadFile(name=name, path=path):
                steps.append({"type": "read", "cmd": step.command, "name": name, "path": path})
            case ListFiles(path=path):
                steps.append({"type": "list_files", "cmd": step.command, "path": path})
            case Search(query=query, path=path):
                steps.append({"type": "search", "cmd": step.command, "query": query, "path": path})
            case Other():
                steps.append({"type": "unknown", "cmd": step.command})
            case _ as never:
                assert_never(never)
    return steps


def _dynamic(item: DynamicToolCall) -> JsonObject:
    namespace: JsonObject = {} if item.namespace is None else {"namespace": item.namespace}
    return {
        "type": "DynamicToolCall",
        "id": item.id,
        **namespace,
        "tool": item.tool,
        "arguments": item.arguments,
        "status": item.status,
        "content_items": [*item.content_items],
        "success": item.success,
        "duration": _duration(item.duration),
    }


def _duration(seconds: float | None) -> Json:
    if seconds is None:
        return None
    nanos = int(seconds * 1_000_000_000)
    return {"secs": nanos // 1_000_000_000, "nanos": nanos % 1_000_000_000}


def _change(change: FileUpdate) -> JsonObject:
    if change.kind == "update":
        return {"type": "update", "unified_diff": change.unified_diff, "move_path": change.move_path}
    return {"type": change.kind, "content": change.content}


def _collab(item: CollabToolCall) -> JsonObject:
    receivers: list[Json] = [{"thread_id": thread_id} for thread_id in item.receiver_thread_ids]
    body: JsonObject = {
        "type": "CollabAgentToolCall",
        "id": item.id,
        "tool": item.tool,
        "status": item.status,
        "sender_thread_id": item.sender_thread_id,
        "receiver_thread_ids": [*item.receiver_thread_ids],
        "receiver_agents": receivers,
    }
    if item.prompt is not None:
        body["prompt"] = item.prompt
    body["agents_states"] = {thread_id: _state(state) for thread_id, state in item.agents_states.items()}
    return body


def _state(state: AgentState) -> Json:
    return {state.status: state.message} if state.status in ("completed", "errored") else state.status
