"""What a user can put into a turn."""

from typing import TypeAlias

from codex.base.frozen import frozen


@frozen
class TextInput:
    """A text the user typed."""

    text: str


@frozen
class LocalImageInput:
    """An image file; it is read when the turn starts."""

    path: str


@frozen
class ImageInput:
    """An image by its URL, often a `data:` one."""

    image_url: str


UserInput: TypeAlias = TextInput | LocalImageInput | ImageInput

MAX_USER_INPUT_CHARS = 1 << 20
