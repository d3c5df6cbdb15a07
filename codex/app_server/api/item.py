"""The items a turn is made of."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.item_parts import (
    AgentMessageModeration,
    AsyncUserInputQuestion,
    CollabAgentState,
    CommandAction,
    DynamicToolCallOutputContentItem,
    FileUpdateChange,
    FunctionCallOutputBody,
    HookPromptFragment,
    ImageGenerationFailure,
    ImageGenerationInputImage,
    McpAppUi,
    McpToolCallAppContext,
    McpToolCallError,
    McpToolCallResult,
    MemoryCitation,
    WebSearchAction,
)
from codex.app_server.api.user_input import UserInput
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json

AgentMessageDelivery: TypeAlias = Literal["async"]

MessagePhase: TypeAlias = Literal["commentary", "partial_answer", "final_answer"]


@frozen(kw_only=True)
class AgentMessageItem:
    """What the model says to the user."""

    type: ClassVar[Literal["agentMessage"]] = "agentMessage"
    moderation: AgentMessageModeration | None = null()
    id: str
    text: str
    phase: MessagePhase | None = null()
    memory_citation: MemoryCitation | None = null()
    delivery: AgentMessageDelivery | None = null()
    questions: tuple[AsyncUserInputQuestion, ...] | None = null()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


CollabAgentTool: TypeAlias = Literal[
    "spawnAgent",
    "sendInput",
    "resumeAgent",
    "wait",
    "closeAgent",
    "sendMessage",
    "followupTask",
    "interruptAgent",
    "listAgents",
]

CollabAgentToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed", "interrupted"]


@frozen(kw_only=True)
class CollabAgentToolCallItem:
    """A call that deals with other agents."""

    type: ClassVar[Literal["collabAgentToolCall"]] = "collabAgentToolCall"
    id: str
    tool: CollabAgentTool
    status: CollabAgentToolCallStatus
    sender_thread_id: str
    receiver_thread_ids: tuple[str, ...]
    prompt: str | None = null()
    model: str | None = null()
    reasoning_effort: str | None = null()
    agents_states: dict[str, CollabAgentState]
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


CommandExecutionSource: TypeAlias = Literal["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"]

CommandExecutionStatus: TypeAlias = Literal["inProgress", "completed", "failed", "declined"]


@frozen(kw_only=True)
class CommandExecutionItem:
    """A command and what came of it."""

    type: ClassVar[Literal["commandExecution"]] = "commandExecution"
    id: str
    plugin_id: str | None = null()
    script_path: str | None = null()
    command: str
    cwd: str
    process_id: str | None = null()
    source: CommandExecutionSource = "agent"
    status: CommandExecutionStatus
    command_actions: tuple[CommandAction, ...]
    aggregated_output: str | None = null()
    exit_code: int | None = null()
    duration_ms: int | None = null()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class ContextCompactionItem:
    """The history was compacted here."""

    type: ClassVar[Literal["contextCompaction"]] = "contextCompaction"
    id: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


DynamicToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed"]


@frozen(kw_only=True)
class DynamicToolCallItem:
    """A call of a tool that the client runs."""

    type: ClassVar[Literal["dynamicToolCall"]] = "dynamicToolCall"
    id: str
    namespace: str | None = null()
    tool: str
    arguments: Json
    status: DynamicToolCallStatus
    content_items: tuple[DynamicToolCallOutputContentItem, ...] | None = null()
    success: bool | None = null()
    duration_ms: int | None = null()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class EnteredReviewModeItem:
    """A review began here."""

    type: ClassVar[Literal["enteredReviewMode"]] = "enteredReviewMode"
    id: str
    review: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class ExitedReviewModeItem:
    """A review ended here, with this result."""

    type: ClassVar[Literal["exitedReviewMode"]] = "exitedReviewMode"
    id: str
    review: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


PatchApplyStatus: TypeAlias = Literal["inProgress", "completed", "failed", "declined"]


@frozen(kw_only=True)
class FileChangeItem:
    """A patch and what came of it."""

    type: ClassVar[Literal["fileChange"]] = "fileChange"
    id: str
    changes: tuple[FileUpdateChange, ...]
    status: PatchApplyStatus
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class FunctionCallOutputItem:
    """The output of a call that the client answered with a turn."""

    type: ClassVar[Literal["functionCallOutput"]] = "functionCallOutput"
    id: str
    name: str
    namespace: str | None = null()
    output: FunctionCallOutputBody
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class HookPromptItem:
    """What hooks told the model."""

    type: ClassVar[Literal["hookPrompt"]] = "hookPrompt"
    id: str
    fragments: tuple[HookPromptFragment, ...]
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class ImageGenerationItem:
    """An image that was made."""

    type: ClassVar[Literal["imageGeneration"]] = "imageGeneration"
    id: str
    status: str
    revised_prompt: str | None = null()
    transparent_background: bool | None = None
    failure: ImageGenerationFailure | None = null()
    saved_path: str | None = None
    input_images: tuple[ImageGenerationInputImage, ...] = ()
    generation_id: str | None = null()
    file_id: str | None = None
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()
    result: str | None = None


@frozen(kw_only=True)
class ImageViewItem:
    """An image that the model looked at."""

    type: ClassVar[Literal["imageView"]] = "imageView"
    id: str
    path: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


McpToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed"]


@frozen(kw_only=True)
class McpToolCallItem:
    """A call of an MCP server's tool."""

    type: ClassVar[Literal["mcpToolCall"]] = "mcpToolCall"
    id: str
    server: str
    tool: str
    status: McpToolCallStatus
    arguments: Json
    app_context: McpToolCallAppContext | None = null()
    mcp_app_resource_uri: str | None = None
    mcp_app_ui: McpAppUi | None = null()
    plugin_id: str | None = null()
    read_only_hint: bool | None = null()
    result: McpToolCallResult | None = null()
    error: McpToolCallError | None = null()
    duration_ms: int | None = null()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class PlanItem:
    """A plan that the model proposes."""

    type: ClassVar[Literal["plan"]] = "plan"
    id: str
    text: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class ReasoningItem:
    """What the model thought, as far as it is shown."""

    type: ClassVar[Literal["reasoning"]] = "reasoning"
    id: str
    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class SleepItem:
    """The model waited."""

    type: ClassVar[Literal["sleep"]] = "sleep"
    id: str
    duration_ms: Unsigned
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


SubAgentActivityKind: TypeAlias = Literal["started", "interacted", "interrupted", "completed"]


@frozen(kw_only=True)
class SubAgentActivityItem:
    """Something happened to a sub-agent."""

    type: ClassVar[Literal["subAgentActivity"]] = "subAgentActivity"
    model: str | None = null()
    reasoning_effort: str | None = null()
    id: str
    kind: SubAgentActivityKind
    agent_thread_id: str
    agent_path: str
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class UserMessageItem:
    """What the user said."""

    type: ClassVar[Literal["userMessage"]] = "userMessage"
    id: str
    client_id: str | None = null()
    content: tuple[UserInput, ...]
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


@frozen(kw_only=True)
class WebSearchItem:
    """A web search."""

    type: ClassVar[Literal["webSearch"]] = "webSearch"
    id: str
    query: str
    action: WebSearchAction | None = null()
    results: tuple[Json, ...] | None = null()
    started_at_ms: int | None = null()
    completed_at_ms: int | None = null()


ThreadItem: TypeAlias = (
    UserMessageItem
    | HookPromptItem
    | AgentMessageItem
    | FunctionCallOutputItem
    | PlanItem
    | ReasoningItem
    | CommandExecutionItem
    | FileChangeItem
    | McpToolCallItem
    | DynamicToolCallItem
    | CollabAgentToolCallItem
    | SubAgentActivityItem
    | WebSearchItem
    | ImageViewItem
    | SleepItem
    | ImageGenerationItem
    | EnteredReviewModeItem
    | ExitedReviewModeItem
    | ContextCompactionItem
)
