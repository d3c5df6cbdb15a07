"""What items are made of: actions, changes, outputs, searches."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.api.user_input import ImageDetail
from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import Json


@frozen(kw_only=True)
class ListFilesAction:
    """The command lists files."""

    type: ClassVar[Literal["listFiles"]] = "listFiles"
    command: str
    path: str | None = null()


@frozen(kw_only=True)
class ReadAction:
    """The command reads a file."""

    type: ClassVar[Literal["read"]] = "read"
    command: str
    name: str
    path: str


@frozen(kw_only=True)
class SearchAction:
    """The command searches."""

    type: ClassVar[Literal["search"]] = "search"
    command: str
    query: str | None = null()
    path: str | None = null()


@frozen(kw_only=True)
class UnknownAction:
    """The command does something else."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    command: str


CommandAction: TypeAlias = ReadAction | ListFilesAction | SearchAction | UnknownAction


@frozen(kw_only=True)
class AddChange:
    """The file is new."""

    type: ClassVar[Literal["add"]] = "add"


@frozen(kw_only=True)
class DeleteChange:
    """The file is gone."""

    type: ClassVar[Literal["delete"]] = "delete"


@frozen(kw_only=True)
class UpdateChange:
    """The file was changed, and maybe moved."""

    type: ClassVar[Literal["update"]] = "update"
    SNAKE_CASE: ClassVar = True
    move_path: str | None = null()


PatchChangeKind: TypeAlias = AddChange | DeleteChange | UpdateChange


@frozen(kw_only=True)
class FileUpdateChange:
    """What happened to one file, as a diff."""

    path: str
    kind: PatchChangeKind
    diff: str


@frozen(kw_only=True)
class InputAudioContent:
    """Audio from a tool."""

    type: ClassVar[Literal["inputAudio"]] = "inputAudio"
    audio_url: str


@frozen(kw_only=True)
class InputImageContent:
    """An image from a tool."""

    type: ClassVar[Literal["inputImage"]] = "inputImage"
    image_url: str


@frozen(kw_only=True)
class InputTextContent:
    """Text from a tool."""

    type: ClassVar[Literal["inputText"]] = "inputText"
    text: str


DynamicToolCallOutputContentItem: TypeAlias = InputTextContent | InputImageContent | InputAudioContent


@frozen(kw_only=True)
class AudioOutput:
    """An output that is audio."""

    type: ClassVar[Literal["input_audio"]] = "input_audio"
    SNAKE_CASE: ClassVar = True
    audio_url: str | None = None
    file_id: str | None = None


@frozen(kw_only=True)
class EncryptedOutput:
    """An output that only the provider can read."""

    type: ClassVar[Literal["encrypted_content"]] = "encrypted_content"
    SNAKE_CASE: ClassVar = True
    encrypted_content: str


@frozen(kw_only=True)
class ImageOutput:
    """An output that is an image."""

    type: ClassVar[Literal["input_image"]] = "input_image"
    SNAKE_CASE: ClassVar = True
    detail: ImageDetail | None = None
    image_url: str | None = None
    file_id: str | None = None


@frozen(kw_only=True)
class TextOutput:
    """An output that is text."""

    type: ClassVar[Literal["input_text"]] = "input_text"
    text: str


FunctionCallOutputContentItem: TypeAlias = TextOutput | ImageOutput | AudioOutput | EncryptedOutput

FunctionCallOutputBody: TypeAlias = str | tuple[FunctionCallOutputContentItem, ...]


@frozen(kw_only=True)
class McpToolCallResult:
    """What a call of an MCP tool returned."""

    content: tuple[Json, ...]
    structured_content: Json = null()
    meta: Json = null()


@frozen(kw_only=True)
class McpToolCallError:
    """Why a call of an MCP tool failed."""

    message: str


@frozen(kw_only=True)
class McpToolCallAppContext:
    """The app that an MCP tool belongs to."""

    connector_id: str
    link_id: str | None = null()
    resource_uri: str | None = null()
    app_name: str | None = null()
    action_name: str | None = null()


McpAppDisplayMode: TypeAlias = Literal["inline", "fullscreen"]


@frozen(kw_only=True)
class McpAppUi:
    """The view that an MCP tool brings along."""

    resource_uri: str
    preferred_model_display_mode: McpAppDisplayMode


@frozen(kw_only=True)
class MemoryCitationEntry:
    """One passage that was used from memory."""

    path: str
    line_start: Unsigned
    line_end: Unsigned
    note: str


@frozen(kw_only=True)
class MemoryCitation:
    """What a message took from memory."""

    entries: tuple[MemoryCitationEntry, ...]
    thread_ids: tuple[str, ...]


@frozen(kw_only=True)
class FindInPage:
    """A search inside of a page."""

    type: ClassVar[Literal["findInPage"]] = "findInPage"
    url: str | None = null()
    pattern: str | None = null()


@frozen(kw_only=True)
class OpenPage:
    """A page was opened."""

    type: ClassVar[Literal["openPage"]] = "openPage"
    url: str | None = null()


@frozen(kw_only=True)
class OtherSearch:
    """Something else was done in the web."""

    type: ClassVar[Literal["other"]] = "other"


@frozen(kw_only=True)
class WebSearch:
    """A search in the web."""

    type: ClassVar[Literal["search"]] = "search"
    query: str | None = null()
    queries: tuple[str, ...] | None = null()


WebSearchAction: TypeAlias = WebSearch | OpenPage | FindInPage | OtherSearch

CollabAgentStatus: TypeAlias = Literal[
    "pendingInit",
    "running",
    "interrupted",
    "completed",
    "errored",
    "shutdown",
    "notFound",
]


@frozen(kw_only=True)
class CollabAgentState:
    """What is known of another agent."""

    status: CollabAgentStatus
    message: str | None = null()


@frozen(kw_only=True)
class ImageGenerationInputImage:
    """An image that another was made from."""

    path: str
    sha256: str


@frozen(kw_only=True)
class ImageGenerationFailure:
    """Why no image came."""

    type: ClassVar[Literal["usageLimitExceeded"]] = "usageLimitExceeded"
    limit_id: str
    resets_at: int | None = null()


@frozen(kw_only=True)
class AgentMessageDisplay:
    """How a message may be shown in the meantime."""

    action: str
    block_type: str | None = null()
    cyber_trusted_access: bool | None = null()
    check_trusted_contacts: bool | None = null()


@frozen(kw_only=True)
class AgentMessageModeration:
    """What moderation says of a message."""

    moderated: bool
    display: AgentMessageDisplay | None = null()


@frozen(kw_only=True)
class AsyncUserInputQuestion:
    """A question in a message that may be answered later."""

    title: str
    options: tuple[str, ...] | None = null()


@frozen(kw_only=True)
class HookPromptFragment:
    """What one run of a hook had to say."""

    text: str
    hook_run_id: str
