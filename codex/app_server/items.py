"""Items and input as the engine has them, in the words of the API, and back.  Pure."""

from collections.abc import Mapping, Sequence
from typing import assert_never, cast

import attrs

from codex.app_server.api import item as api
from codex.app_server.api import item_parts as parts
from codex.app_server.api.user_input import ImageUserInput, LocalImageUserInput, TextUserInput, UserInput
from codex.app_server.wire import decode_any
from codex.base.jsontext import JsonObject
from codex.base.quoting import command_line
from codex.protocol import item as engine
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput
from codex.protocol.user_input import UserInput as EngineInput

_COMMAND_SOURCES: Mapping[engine.CommandSource, api.CommandExecutionSource] = {
    "agent": "agent",
    "user_shell": "userShell",
    "unified_exec_startup": "unifiedExecStartup",
    "unified_exec_interaction": "unifiedExecInteraction",
}
_COMMAND_STATES: Mapping[engine.CommandStatus, api.CommandExecutionStatus] = {
    "in_progress": "inProgress",
    "completed": "completed",
    "failed": "failed",
    "declined": "declined",
}
_DYNAMIC_STATES: Mapping[engine.CallStatus, api.DynamicToolCallStatus] = {
    "in_progress": "inProgress",
    "completed": "completed",
    "failed": "failed",
}
_CALL_STATES: Mapping[engine.CallStatus, api.CollabAgentToolCallStatus] = {
    "in_progress": "inProgress",
    "completed": "completed",
    "failed": "failed",
}
_COLLAB_TOOLS: Mapping[engine.CollabTool, api.CollabAgentTool] = {
    "spawn_agent": "spawnAgent",
    "send_input": "sendInput",
    "wait": "wait",
    "close_agent": "closeAgent",
    "resume_agent": "resumeAgent",
}
_AGENT_STATES: Mapping[engine.AgentStatusKind, parts.CollabAgentStatus] = {
    "pending_init": "pendingInit",
    "running": "running",
    "interrupted": "interrupted",
    "completed": "completed",
    "errored": "errored",
    "shutdown": "shutdown",
    "not_found": "notFound",
}
_PHASES: Mapping[str, api.MessagePhase] = {
    "commentary": "commentary",
    "partial_answer": "partial_answer",
    "final_answer": "final_answer",
}


def shown_item(item: engine.ThreadItem) -> api.ThreadItem | None:
    """An item of the engine as clients see it; None for what is told in another way."""
    match item:
        case engine.UserMessage(id=id, content=content, client_id=client_id):
            return api.UserMessageItem(id=id, content=shown_input(content), client_id=client_id)
        case engine.AgentMessage(id=id, text=text, phase=phase):
            return api.AgentMessageItem(id=id, text=text, phase=_PHASES.get(phase or ""))
        case engine.Reasoning(id=id, summary=summary, content=content):
            return api.ReasoningItem(id=id, summary=summary, content=content)
        case engine.CommandExecution(stopped_at_once=True):
            return None
        case engine.CommandExecution():
            return shown_command(item)
        case engine.FileChange(id=id, changes=changes, status=status):
            return api.FileChangeItem(id=id, changes=shown_changes(changes), status=_COMMAND_STATES[status])
        case engine.CollabToolCall():
            return _shown_collab(item)
        case engine.SubAgentActivity():
            return api.SubAgentActivityItem(
                id=item.id,
                kind=item.kind,
                agent_thread_id=item.agent_thread_id,
                agent_path=item.agent_path,
                model=item.model,
                reasoning_effort=item.reasoning_effort,
            )
        case engine.DynamicToolCall():
            return _shown_dynamic(item)
        case engine.ImageView(id=id, path=path):
            return api.ImageViewItem(id=id, path=path)
        case engine.WebSearch(id=id, query=query):
            return api.WebSearchItem(id=id, query=query, action=_shown_search(item))
        case engine.ContextCompaction(id=id):
            return api.ContextCompactionItem(id=id)
        case engine.TodoList() | engine.ErrorNote():
            return None
        case _ as never:
            assert_never(never)


def shown_command(item: engine.CommandExecution) -> api.CommandExecutionItem:
    """A command; its output is there once it has ended."""
    from codex.app_server.command_actions import actions_of

    ended = item.status != "in_progress"
    return api.CommandExecutionItem(
        id=item.id,
        command=command_line(item.command),
        cwd=item.cwd,
        process_id=None if item.source == "user_shell" else item.process_id,
        source=_COMMAND_SOURCES[item.source],
        status=_COMMAND_STATES[item.status],
        command_actions=actions_of(item.command, item.cwd),
        aggregated_output=item.aggregated_output or None if ended else None,
        exit_code=item.exit_code,
        duration_ms=None if item.duration is None else int(item.duration * 1000),
    )


def shown_changes(changes: Sequence[engine.FileUpdate]) -> tuple[parts.FileUpdateChange, ...]:
    """The files of a patch: a diff where one was changed, the whole content where it is new or gone."""
    return tuple(_shown_change(change) for change in changes)


def _shown_change(change: engine.FileUpdate) -> parts.FileUpdateChange:
    match change.kind:
        case "add":
            return parts.FileUpdateChange(path=change.path, kind=parts.AddChange(), diff=change.content)
        case "delete":
            return parts.FileUpdateChange(path=change.path, kind=parts.DeleteChange(), diff=change.content)
        case "update":
            moved = f"\n\nMoved to: {change.move_path}" if change.move_path else ""
            kind = parts.UpdateChange(move_path=change.move_path)
            return parts.FileUpdateChange(path=change.path, kind=kind, diff=change.unified_diff + moved)


def _shown_collab(item: engine.CollabToolCall) -> api.CollabAgentToolCallItem:
    states = {
        thread_id: parts.CollabAgentState(status=_AGENT_STATES[state.status], message=state.message)
        for thread_id, state in item.agents_states.items()
    }
    return api.CollabAgentToolCallItem(
        id=item.id,
        tool=_COLLAB_TOOLS[item.tool],
        status=_CALL_STATES[item.status],
        sender_thread_id=item.sender_thread_id,
        receiver_thread_ids=item.receiver_thread_ids,
        prompt=item.prompt,
        agents_states=states,
    )


def _shown_dynamic(item: engine.DynamicToolCall) -> api.DynamicToolCallItem:
    ended = item.status != "in_progress"
    return api.DynamicToolCallItem(
        id=item.id,
        namespace=item.namespace,
        tool=item.tool,
        arguments=item.arguments,
        status=_DYNAMIC_STATES[item.status],
        content_items=tuple(map(_shown_output, item.content_items)) if ended else None,
        success=item.success,
        duration_ms=None if item.duration is None else int(item.duration * 1000),
    )


def _shown_output(part: JsonObject) -> api.DynamicToolCallOutputContentItem:
    return cast("api.DynamicToolCallOutputContentItem", decode_any(api.DynamicToolCallOutputContentItem, part))


def _shown_search(item: engine.WebSearch) -> api.WebSearchAction:
    action = item.action
    url, pattern, query = action.get("url"), action.get("pattern"), action.get("query")
    match action.get("type"):
        case "search":
            queries = action.get("queries")
            texts = tuple(text for text in queries if isinstance(text, str)) if isinstance(queries, list) else None
            return parts.WebSearch(query=query if isinstance(query, str) else None, queries=texts)
        case "open_page":
            return parts.OpenPage(url=url if isinstance(url, str) else None)
        case "find_in_page":
            return parts.FindInPage(
                url=url if isinstance(url, str) else None, pattern=pattern if isinstance(pattern, str) else None
            )
        case _:
            return parts.OtherSearch()


def shown_input(content: Sequence[EngineInput]) -> tuple[UserInput, ...]:
    """What the user said, as clients see it."""
    return tuple(_shown_part(part) for part in content)


def _shown_part(part: EngineInput) -> UserInput:
    match part:
        case TextInput(text=text):
            return TextUserInput(text=text)
        case ImageInput(image_url=url):
            return ImageUserInput(url=url)
        case LocalImageInput(path=path):
            return LocalImageUserInput(path=path)
        case _ as never:
            assert_never(never)


class NotUnderstood(Exception):
    """A part of the input is of a kind that is not offered; `kind` is its name on the wire."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"input of type `{kind}` is not supported by this server; send text, image or localImage")
        self.kind = kind


def engine_input(parts: Sequence[UserInput]) -> tuple[EngineInput, ...]:
    """What a client sent, as the engine takes it. A skill or a mention becomes the words that name it.

    Raises:
      NotUnderstood: audio, or an image by the id of an upload.
    """
    return tuple(_engine_part(part) for part in parts)


def _engine_part(part: UserInput) -> EngineInput:
    match part.type:
        case "text":
            return TextInput(part.text)
        case "image" if part.url is not None:
            return ImageInput(part.url)
        case "localImage":
            return LocalImageInput(part.path)
        case "skill":
            return TextInput(f"${part.name}")
        case "mention":
            return TextInput(f"@{part.name}")
        case "image" | "audio" | "localAudio":
            raise NotUnderstood(part.type)


def with_times(item: api.ThreadItem, started_at_ms: int | None, completed_at_ms: int | None) -> api.ThreadItem:
    """The item with the times of its life, in milliseconds."""
    return attrs.evolve(item, started_at_ms=started_at_ms, completed_at_ms=completed_at_ms)
