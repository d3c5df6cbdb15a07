"""What a session understands."""

from typing import TypeAlias

import attrs

from actors import Reply
from codex.ports.model import ModelRequest
from codex.protocol.event import EventMsg
from codex.protocol.op import Submission
from codex.protocol.response_item import ResponseItem
from codex.protocol.usage import TokenUsage
from codex.protocol.user_input import UserInput


@attrs.frozen
class Submit:
    """An operation from a front-end; answered with its id once it was taken, failed with a UserError otherwise."""

    submission: Submission
    reply: Reply[str]


@attrs.frozen
class Publish:
    """Keep items and events, then show the events; `counted` is the id and the usage of a response that is whole."""

    msgs: tuple[EventMsg, ...]
    items: tuple[ResponseItem, ...]
    counted: tuple[str, TokenUsage] | None
    reply: Reply[None]


@attrs.frozen
class Tell:
    """Show a passing event."""

    msg: EventMsg


@attrs.frozen
class RecordInput:
    """Put input of the user into the history of the running turn."""

    items: tuple[UserInput, ...]
    reply: Reply[None]


@attrs.frozen
class NextRequest:
    """The request that carries the history as it is now."""

    reply: Reply[ModelRequest]


@attrs.frozen
class Inject:
    """Put items into the history before the next request; no turn starts for them."""

    items: tuple[ResponseItem, ...]


@attrs.frozen
class CopyHistory:
    """The history's items, for a fork."""

    reply: Reply[tuple[ResponseItem, ...]]


Message: TypeAlias = Submit | Publish | Tell | RecordInput | NextRequest | Inject | CopyHistory
