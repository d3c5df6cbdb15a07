"""Rollouts that Codex has packed: `.jsonl.zst`, read as they are and unpacked before somebody writes to them.

The decoder is the standard library's where it has one (Python 3.14), else the package `zstandard`; both are loaded when
the first such file is met.
"""

import io
import os
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from codex.rollout.names import COMPRESSED

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK = 1 << 20


class _StandardLibrary(Protocol):
    def open(self, file: str, mode: str) -> BinaryIO: ...


class _Frame(Protocol):
    """One compressed frame, as it is unpacked."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes) -> bytes: ...


class _Decompressor(Protocol):
    def decompressobj(self) -> _Frame: ...


class _Package(Protocol):
    def ZstdDecompressor(self) -> _Decompressor: ...


class _Frames(io.RawIOBase):
    """Unpacks frame after frame; unlike the package's own reader it refuses a file that stops inside of one."""

    def __init__(self, file: BinaryIO, decompressor: _Decompressor) -> None:
        self._file = file
        self._decompressor = decompressor
        self._frame: _Frame | None = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        while not self._ready:
            data = self._file.read(_BLOCK)
            if not data:
                if self._frame is not None:
                    raise EOFError("it stops inside of a frame")
                return 0
            self._ready = self._unpack(data)
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, data: bytes) -> bytes:
        unpacked: list[bytes] = []
        while data:
            frame = self._frame = self._frame or self._decompressor.decompressobj()
            unpacked.append(frame.decompress(data))
            data = b""
            if frame.eof:
                self._frame, data = None, frame.unused_data
        return b"".join(unpacked)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_lines(path: str) -> BinaryIO:
    """The bytes of a rollout, unpacked where it is packed.

    Raises:
      OSError: it cannot be opened.
      ModuleNotFoundError: it is packed, and there is nothing to unpack it with.
    """
    if not path.endswith(COMPRESSED):
        return open(path, "rb", buffering=_BLOCK)
    with suppress(ModuleNotFoundError):
        return cast("_StandardLibrary", import_module("compression.zstd")).open(path, "rb")
    package = cast("_Package", import_module("zstandard"))
    file = open(path, "rb")  # noqa: SIM115  the reader closes it
    return io.BufferedReader(_Frames(file, package.ZstdDecompressor()), _BLOCK)


def damages() -> tuple[type[Exception], ...]:
    """What reading a packed file raises when its bytes are damaged."""
    kinds: list[type[Exception]] = [EOFError]
    for module in ("compression.zstd", "zstandard"):
        with suppress(ModuleNotFoundError):
            kinds.append(cast("type[Exception]", import_module(module).ZstdError))
    return tuple(kinds)


def unpack(packed: str) -> None:
    """Put the plain file beside a packed one, then remove that. Stopped anywhere, one whole file of both is there.

    Raises: as `open_lines` and reading from it; the packed file is as it was.
    """
    plain = packed.removesuffix(COMPRESSED)
    half = f"{plain}.{os.getpid()}.tmp"
    try:
        with open_lines(packed) as source, open(half, "xb", opener=_private) as target:
            while block := source.read(_BLOCK):
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        os.replace(half, plain)
    except BaseException:
        with suppress(OSError):
            os.unlink(half)
        raise
    os.unlink(packed)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
