"""The user's input as a message."""

import os
from pathlib import Path

import pytest

from codex.context import is_user_turn, turn_aborted, user_message
from codex.context.user_message import MAX_IMAGE_BYTES
from codex.protocol.response_item import input_text, message
from codex.protocol.user_input import ImageInput, LocalImageInput, TextInput

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 4


def test_texts_and_images_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "i.png").write_bytes(PNG)
    url = "https://example.org/i.png"
    item = user_message((LocalImageInput("i.png"), TextInput("look"), ImageInput(url)), str(tmp_path))
    assert item["role"] == "user"
    assert item["content"] == [
        input_text('<image name=[Image #1] path="i.png">'),
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgoAAAAA", "detail": "high"},
        input_text("</image>"),
        input_text("look"),
        {"type": "input_image", "image_url": url, "detail": "high"},
    ]


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFF\0\0\0\0WEBPVP8 ", "webp")],
)
def test_the_type_comes_from_the_content_not_the_name(tmp_path: Path, head: bytes, kind: str) -> None:
    (tmp_path / "picture.txt").write_bytes(head)
    item = user_message((LocalImageInput("picture.txt"),), str(tmp_path))
    assert item["content"][1]["image_url"].startswith(f"data:image/{kind};base64,")  # type: ignore[index,call-overload,union-attr]


def test_an_image_that_cannot_be_used_becomes_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "huge.png").touch()
    os.truncate(tmp_path / "huge.png", MAX_IMAGE_BYTES + 1)
    os.mkfifo(tmp_path / "pipe")
    names = ("missing.png", "text.png", "empty.png", "huge.png", "pipe", ".")
    item = user_message(tuple(LocalImageInput(name) for name in names), str(tmp_path))
    reasons = (
        "No such file or directory",
        "its content is not a PNG, JPEG, GIF or WebP image",
        "its content is not a PNG, JPEG, GIF or WebP image",
        "it has 20971521 bytes, at most 20971520 can be sent",
        "it is not a regular file",
        "Is a directory",
    )
    assert item["content"] == [
        input_text(f"The image at `{name}` could not be attached: {reason}.")
        for name, reason in zip(names, reasons, strict=True)
    ]


def test_what_the_program_says_in_the_users_role_is_no_turn_of_the_user() -> None:
    assert is_user_turn(user_message((TextInput("hi"),), "/"))
    assert not is_user_turn(turn_aborted())
    assert not is_user_turn(message("user", [input_text("<environment_context>\n</environment_context>")]))
    assert not is_user_turn(message("developer", [input_text("hi")]))
