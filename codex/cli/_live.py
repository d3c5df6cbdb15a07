"""The output of a running command, line by line, as far as its end will show it.  Pure."""

from codecs import getincrementaldecoder


class LiveOutput:
    """Takes chunks and gives whole lines, up to a number of them; what follows is left to the command's end."""

    def __init__(self, max_lines: int) -> None:
        self.shown = 0
        self._max_lines = max_lines
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that are whole now, without their ends."""
        if self.shown >= self._max_lines:
            return []
        *lines, self._begun = (self._begun + self._decoder.decode(chunk)).split("\n")
        lines = lines[: self._max_lines - self.shown]
        self.shown += len(lines)
        return lines
