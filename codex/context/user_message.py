"""The user's input as a message to the model; local images become `data:` URLs."""

import os
import stat
from collections.abc import Sequence

from codex.base.jsontext import JsonObject
from codex.protocol.response_item import ResponseItem, input_image, input_text, message
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput, UserInput

MAX_IMAGE_BYTES = 20 * 1024 * 1024
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


def user_message(items: Sequence[UserInput], cwd: str, *, detail: str = "high") -> ResponseItem:
    """One message item for all of the input, in its order.

    Reads the local images (relative paths from `cwd`), so it belongs into a thread when there are some. An image that
    cannot be read or used becomes a sentence that says why: the turn goes on.
    """
    parts: list[JsonObject] = []
    images = 0
    for item in items:
        match item:
            case TextInput(text=text):
                parts.append(input_text(text))
            case ImageInput(image_url=url):
                parts.append(input_image(url, detail))
            case LocalImageInput(path=path):
                images += 1
                parts.extend(_local_image(path, cwd, images, detail))
    return message("user", parts)


def image_data_url(path: str) -> str:
    """The image file as a `data:` URL.

    Raises:
      OSError: the file cannot be read.
      ValueError: it is no image that models take (PNG, JPEG, GIF, WebP), or too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if status.st_size > MAX_IMAGE_BYTES:
            raise ValueError(f"it has {status.st_size} bytes, at most {MAX_IMAGE_BYTES} can be sent")
        data = file.read(MAX_IMAGE_BYTES + 1)
    kind = _image_type(data)
    if kind is None:
        raise ValueError("its content is not a PNG, JPEG, GIF or WebP image")
    from base64 import b64encode

    return f"data:{kind};base64,{b64encode(data).decode()}"


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def _local_image(path: str, cwd: str, number: int, detail: str) -> list[JsonObject]:
    try:
        url = image_data_url(os.path.join(cwd, path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return [input_text(f"The image at `{path}` could not be attached: {reason}.")]
    opening = f'<image name=[Image #{number}] path="{path}">'
    return [input_text(opening), input_image(url, detail), input_text("</image>")]
