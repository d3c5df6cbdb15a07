"""Undoing a compression that was not asked for: some proxies compress all the same. Pure."""

import zlib


class Unpacker:
    """Decodes `gzip` and `deflate`.

    Raises:
      ValueError: another encoding.
    """

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise ValueError(encoding)
        # 47: a gzip or zlib header, whichever comes.
        self._zlib = zlib.decompressobj(47)

    def feed(self, data: bytes) -> bytes:
        """The bytes that this piece completes.

        Raises:
          ValueError: that is not what the encoding said.
        """
        try:
            return self._zlib.decompress(data)
        except zlib.error as error:
            raise ValueError(str(error)) from error
