"""The handshake, and what the server knows of itself."""

from typing import TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject


@frozen(kw_only=True)
class ClientInfo:
    """The program at the other end, as it calls itself."""

    name: str
    title: str | None = null()
    version: str


@frozen(kw_only=True)
class InitializeCapabilities:
    """What the client understands, and what it does not want to be told."""

    required_human_approval: bool = False
    explicit_gateway_oauth: bool = False
    experimental_api: bool = False
    request_attestation: bool = False
    mcp_server_openai_form_elicitation: bool = False
    opt_out_notification_methods: tuple[str, ...] | None = None
    extensions: JsonObject | None = None


@frozen(kw_only=True)
class InitializeParams:
    """Asks `initialize`: the first request: who is there, and what it understands."""

    client_info: ClientInfo
    capabilities: InitializeCapabilities | None = null()


@frozen(kw_only=True)
class InitializeResponse:
    """Answers `initialize`."""

    user_agent: str
    codex_home: str
    platform_family: str
    platform_os: str


@frozen(kw_only=True)
class ServerDiagnosticsParams:
    """Asks `server/diagnostics`: what the process uses, and how much is going on."""


@frozen(kw_only=True)
class ServerDiagnosticsGauge:
    """One count of something that may grow."""

    name: str
    value: Unsigned


@frozen(kw_only=True)
class ServerDiagnosticsProcess:
    """What the server's process uses of the machine."""

    id: Unsigned
    resident_memory_bytes: Unsigned | None = null()
    physical_footprint_bytes: Unsigned | None = null()


@frozen(kw_only=True)
class ServerDiagnosticsResponse:
    """Answers `server/diagnostics`."""

    process: ServerDiagnosticsProcess
    gauges: tuple[ServerDiagnosticsGauge, ...]


@frozen(kw_only=True)
class WarningNotification:
    """Tells `warning`."""

    thread_id: str | None = null()
    message: str


@frozen(kw_only=True)
class TextPosition:
    """A place in a text file, counted from 1."""

    line: Unsigned
    column: Unsigned


@frozen(kw_only=True)
class TextRange:
    """A stretch of a text file."""

    start: TextPosition
    end: TextPosition


@frozen(kw_only=True)
class ConfigWarningNotification:
    """Tells `configWarning`."""

    summary: str
    details: str | None = null()
    path: str | None = None
    range: TextRange | None = None


@frozen(kw_only=True)
class DeprecationNoticeNotification:
    """Tells `deprecationNotice`."""

    summary: str
    details: str | None = null()


@frozen(kw_only=True)
class GuardianWarningNotification:
    """Tells `guardianWarning`."""

    thread_id: str
    message: str


RequestId: TypeAlias = str | int


@frozen(kw_only=True)
class ServerRequestResolvedNotification:
    """Tells `serverRequest/resolved`."""

    thread_id: str
    request_id: RequestId


@frozen(kw_only=True)
class CurrentTimeReadParams:
    """Asks the client `currentTime/read`."""

    thread_id: str


@frozen(kw_only=True)
class CurrentTimeReadResponse:
    """The client's answer to `currentTime/read`."""

    current_time_at: int
