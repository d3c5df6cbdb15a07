"""The items a turn is made of, as front-ends see them."""

from typing import Literal, TypeAlias

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import Json, JsonObject
from codex.protocol.letter import Letter
from codex.protocol.user_input import UserInput

CommandStatus: TypeAlias = Literal["in_progress", "completed", "failed", "declined"]
PatchStatus: TypeAlias = Literal["in_progress", "completed", "failed", "declined"]
CommandSource: TypeAlias = Literal["agent", "user_shell", "unified_exec_startup", "unified_exec_interaction"]
CallStatus: TypeAlias = Literal["in_progress", "completed", "failed"]
StepStatus: TypeAlias = Literal["pending", "in_progress", "completed"]
ChangeKind: TypeAlias = Literal["add", "delete", "update"]
CollabTool: TypeAlias = Literal["spawn_agent", "send_input", "wait", "close_agent", "resume_agent"]
AgentStatusKind: TypeAlias = Literal[
    "pending_init", "running", "interrupted", "completed", "errored", "shutdown", "not_found"
]


@frozen
class UserMessage:
    """What the user said; `client_id` is what the front-end calls it."""

    id: str
    content: tuple[UserInput, ...]
    client_id: str | None = None


@frozen
class AgentMessage:
    """What the model said; `phase` is `commentary`, `final_answer` or unknown."""

    id: str
    text: str
    phase: str | None = None


@frozen
class Reasoning:
    """The summary of the model's reasoning, part by part, and its raw text where the server gives it."""

    id: str
    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()


@frozen
class CommandExecution:
    """A command that was run; `exit_code` is None while it runs, `duration` in seconds, `source` who wanted it.

    `stopped_at_once`: the sandbox stopped it within the time after which Codex shows a command, so its protocols and
    rollouts know nothing of it; only the model is told.
    """

    id: str
    command: tuple[str, ...]
    cwd: str
    status: CommandStatus = "in_progress"
    process_id: str | None = None
    aggregated_output: str = ""
    exit_code: int | None = None
    duration: float | None = None
    source: CommandSource = "unified_exec_startup"
    stopped_at_once: bool = False


@frozen
class FileUpdate:
    """One file of a patch: absolute path; the whole content for add and delete, a unified diff for update."""

    path: str
    kind: ChangeKind
    content: str = ""
    unified_diff: str = ""
    move_path: str | None = None


@frozen
class FileChange:
    """A patch that was verified and is being written, or was."""

    id: str
    changes: tuple[FileUpdate, ...]
    status: PatchStatus = "in_progress"
    stdout: str = ""
    stderr: str = ""


@frozen
class PlanStep:
    """A line of the model's plan."""

    step: str
    status: StepStatus


@frozen
class TodoList:
    """The model's plan as an item that lives as long as its turn."""

    id: str
    steps: tuple[PlanStep, ...]


@frozen
class AgentState:
    """Where a sub-agent stands, and its last words when it has ended."""

    status: AgentStatusKind
    message: str | None = None


@frozen
class CollabToolCall:
    """A call between agents, as the caller's thread shows it."""

    id: str
    tool: CollabTool
    sender_thread_id: str
    receiver_thread_ids: tuple[str, ...] = ()
    prompt: str | None = None
    agents_states: dict[str, AgentState] = attrs.field(factory=dict[str, AgentState])
    status: CallStatus = "in_progress"


@frozen
class SubAgentActivity:
    """What an agent did with another one, or that one ended (`completed`); `letter` is what it wrote to it.

    Not shown by `exec`.
    """

    id: str
    kind: Literal["started", "interacted", "interrupted", "completed"]
    agent_thread_id: str
    agent_path: str
    model: str | None = None
    reasoning_effort: str | None = None
    letter: Letter | None = None


@frozen
class DynamicToolCall:
    """A call of a tool that whoever started the thread brought along.

    `content_items` are the answer's parts as the wire has them; `success` is None until it came; `duration` in seconds.
    """

    id: str
    tool: str
    arguments: Json
    namespace: str | None = None
    status: CallStatus = "in_progress"
    content_items: tuple[JsonObject, ...] = ()
    success: bool | None = None
    duration: float | None = None


@frozen
class ImageView:
    """An image that the model looked at."""

    id: str
    path: str


@frozen
class WebSearch:
    """A search that the server did for the model; `action` is the server's own word for it."""

    id: str
    query: str
    action: JsonObject


@frozen
class ContextCompaction:
    """The history was replaced by a summary; started but never completed: it was not, and the old one holds."""

    id: str


@frozen
class ErrorNote:
    """Something went wrong or deserves a warning; the turn goes on."""

    id: str
    message: str


ThreadItem: TypeAlias = (
    UserMessage
    | AgentMessage
    | Reasoning
    | CommandExecution
    | FileChange
    | TodoList
    | CollabToolCall
    | SubAgentActivity
    | DynamicToolCall
    | ImageView
    | WebSearch
    | ContextCompaction
    | ErrorNote
)
