"""What goes between this process and a worker: frames, each a message with its length before it.  Pure.

`Call` asks the other side for something and is answered by `Returned` or `Failed`, unless it is withdrawn by
`Withdrawn`; `Told` wants no answer. What the words mean stands where they are understood: `_actor` here, `far` there.
"""

import struct
from typing import Any, TypeAlias

import attrs

from codex.base.errors import CodexError, ToolFailure, UserError
from codex.base.frozen import frozen
from codex.config.schema import Config
from codex.placement.codec import BadFrame, pack, unpack
from codex.ports.agents import AgentFailure, Generation
from codex.ports.dynamic_tools import DynamicTool
from codex.ports.meter import BudgetExceeded
from codex.ports.model import ModelError
from codex.protocol.event import EventMsg
from codex.protocol.response_item import ResponseItem
from codex.rollout import RolloutWriteError
from codex.session import Identity

MAX_FRAME_BYTES = 256 * 1_048_576
_LENGTH = struct.Struct(">I")


@frozen
class Start:
    """The first frame to a worker: the thread it is to run, and what that works with.

    `stored`: it goes on with its rollout; else it starts with `items`, in the rollout of this path. `metered`: what it
    uses is booked over here. `workplace`: it hands in its changes. `tools`: those that a program brought along.
    `limit`: what the threads above have denied it since it asked for its settings.
    """

    identity: Identity
    config: Config
    environ: dict[str, str]
    originator: str
    installation_id: str
    source: str
    rollout_path: str | None
    stored: bool
    items: tuple[ResponseItem, ...]
    generation: Generation | None
    metered: bool
    workplace: bool
    tools: tuple[DynamicTool, ...] = ()
    descriptions: dict[str, str] = attrs.field(factory=dict[str, str])
    tool_within: float = 0.0
    limit: Config | None = None


@frozen
class Started:
    """The worker's thread is there."""


@frozen
class Shown:
    """The thread tells something."""

    msg: EventMsg


@frozen
class Changed:
    """The thread asks for other settings from its next turn on."""

    config: Config


@frozen
class Call:
    """A question to the other side."""

    id: int
    word: str
    arguments: tuple[Any, ...]


@frozen
class Withdrawn:
    """Nobody waits for the answer of this call any more."""

    id: int


@frozen
class Returned:
    """The answer of a call."""

    id: int
    value: Any


@frozen
class Failed:
    """A call that cannot be answered: the family of the error, and what it is made of."""

    id: int
    family: str
    facts: tuple[Any, ...]


@frozen
class Told:
    """Something the other side should know, or do; it gives no answer."""

    word: str
    arguments: tuple[Any, ...]


@frozen
class Ping:
    """Is anybody there?"""


@frozen
class Pong:
    """Yes."""


@frozen
class Ended:
    """The worker's thread has ended, and the worker does after this; `failure` is why it could not go on, if so."""

    failure: str | None = None


Answer: TypeAlias = Returned | Failed
Frame: TypeAlias = Start | Started | Shown | Changed | Call | Withdrawn | Returned | Failed | Told | Ping | Pong | Ended


def framed(frame: Frame) -> bytes:
    """The bytes of a frame, with its length. Raises: BadFrame for one that is too long."""
    data = pack(frame)
    if len(data) > MAX_FRAME_BYTES:
        raise BadFrame(f"a frame of {len(data):,} bytes is longer than the {MAX_FRAME_BYTES:,} that are allowed")
    return _LENGTH.pack(len(data)) + data


def frame_of(data: bytes) -> Frame:
    """The frame of these bytes, without its length. Raises: BadFrame."""
    frame = unpack(data)
    if not isinstance(frame, _FRAMES):
        raise BadFrame(f"a frame is {type(frame).__qualname__}")
    return frame


_FRAMES = (Start, Started, Shown, Changed, Call, Withdrawn, Returned, Failed, Told, Ping, Pong, Ended)


class Splitter:
    """Puts frames together from bytes that come in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next whole frame, without its length; None where it has not come yet. Raises: BadFrame."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > MAX_FRAME_BYTES:
            raise BadFrame(f"a frame of {length:,} bytes is longer than the {MAX_FRAME_BYTES:,} that are allowed")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return frame


# The families whose errors the other side tells apart, the nearer ones first, and what each is made of.
_FAMILIES: dict[str, tuple[type[CodexError], tuple[str, ...]]] = {
    "agent": (AgentFailure, ()),
    "budget": (BudgetExceeded, ()),
    "tool": (ToolFailure, ()),
    "user": (UserError, ()),
    "model": (ModelError, ("message", "kind")),
    "disk": (RolloutWriteError, ("path", "reason")),
    "other": (CodexError, ()),
}


def failed(call_id: int, error: CodexError) -> Failed:
    """An error as it goes over."""
    family = next(name for name, (kind, _) in _FAMILIES.items() if isinstance(error, kind))
    names = _FAMILIES[family][1]
    return Failed(call_id, family, tuple(getattr(error, name) for name in names) or (str(error),))


def error_of(failure: Failed) -> CodexError:
    """The error that came over."""
    kind, _ = _FAMILIES.get(failure.family, _FAMILIES["other"])
    return kind(*failure.facts)
