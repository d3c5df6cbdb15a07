"""What a user says: text, images, files, skills."""

from typing import ClassVar, Literal, TypeAlias

from codex.app_server.wire import Unsigned, null
from codex.base.frozen import frozen


@frozen(kw_only=True)
class AudioUserInput:
    """Audio, by address or by id."""

    type: ClassVar[Literal["audio"]] = "audio"
    url: str | None = None
    file_id: str | None = None


ImageDetail: TypeAlias = Literal["auto", "low", "high", "original"]


@frozen(kw_only=True)
class ImageUserInput:
    """An image, by address (also `data:`) or by id."""

    type: ClassVar[Literal["image"]] = "image"
    detail: ImageDetail | None = None
    url: str | None = None
    file_id: str | None = None


@frozen(kw_only=True)
class LocalAudioUserInput:
    """Audio in a file of this machine."""

    type: ClassVar[Literal["localAudio"]] = "localAudio"
    path: str


@frozen(kw_only=True)
class LocalImageUserInput:
    """An image in a file of this machine."""

    type: ClassVar[Literal["localImage"]] = "localImage"
    detail: ImageDetail | None = None
    path: str


@frozen(kw_only=True)
class MentionUserInput:
    """Something mentioned by name, such as an app."""

    type: ClassVar[Literal["mention"]] = "mention"
    name: str
    path: str


@frozen(kw_only=True)
class SkillUserInput:
    """A skill to be used."""

    type: ClassVar[Literal["skill"]] = "skill"
    name: str
    path: str


@frozen(kw_only=True)
class ByteRange:
    """A stretch of a text, in bytes of UTF-8."""

    start: Unsigned
    end: Unsigned


@frozen(kw_only=True)
class TextElement:
    """A part of a text that a client shows in its own way."""

    byte_range: ByteRange
    placeholder: str | None = null()


@frozen(kw_only=True)
class TextUserInput:
    """Plain text."""

    type: ClassVar[Literal["text"]] = "text"
    SNAKE_CASE: ClassVar = True
    text: str
    text_elements: tuple[TextElement, ...] = ()


UserInput: TypeAlias = (
    TextUserInput
    | ImageUserInput
    | LocalImageUserInput
    | AudioUserInput
    | LocalAudioUserInput
    | SkillUserInput
    | MentionUserInput
)
