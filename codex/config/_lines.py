"""On which line of a TOML text a key stands. The text has been parsed before: only its layout is read here."""


def find_line(text: str, path: tuple[str, ...]) -> int:
    """The line (from 1) of the key, or of the nearest key above it that is written down; 1 when there is none."""
    best, best_length = 1, 0
    for written, line in _Keys(text.replace("\r\n", "\n")).all():
        length = 0
        while length < min(len(written), len(path)) and written[length] == path[length]:
            length += 1
        # A header `[a]` stands for everything below it, `a.b = {…}` for everything inside.
        if length > best_length and (length == len(written) or length == len(path)):
            best, best_length = line, length
    return best


class _Keys:
    """Walks over the statements of a text: headers and `key = value`, skipping the values."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._header = text, 0, ()

    def all(self) -> list[tuple[tuple[str, ...], int]]:
        """Every written key path and its line, in order."""
        found: list[tuple[tuple[str, ...], int]] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char.isspace():
                self._at += 1
            elif char == "#":
                self._skip_line()
            else:
                line = self._text.count("\n", 0, self._at) + 1
                found.append((self._statement(), line))
        return found

    def _statement(self) -> tuple[str, ...]:
        if self._text[self._at] == "[":
            while self._at < len(self._text) and self._text[self._at] == "[":
                self._at += 1
            self._header = self._key_path("]")
            self._skip_line()
            return self._header
        path = self._header + self._key_path("=")
        self._skip_value()
        return path

    def _key_path(self, end: str) -> tuple[str, ...]:
        parts, part = list[str](), ""
        while self._at < len(self._text) and (char := self._text[self._at]) not in (end, "\n"):
            if char in "\"'":
                start = self._at
                self._skip_string()
                part += unquote(self._text[start : self._at])
                continue
            if char == ".":
                parts.append(part)
                part = ""
            elif not char.isspace():
                part += char
            self._at += 1
        self._at += 1
        return (*parts, part)

    def _skip_value(self) -> None:
        depth = 0
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in "\"'":
                self._skip_string()
                continue
            if char == "#":
                self._skip_line()
                continue
            depth += (char in "[{") - (char in "]}")
            if char == "\n" and depth <= 0:
                return
            self._at += 1

    def _skip_string(self) -> None:
        quote = self._text[self._at]
        fence = quote * 3 if self._text.startswith(quote * 3, self._at) else quote
        self._at += len(fence)
        while self._at < len(self._text) and not self._text.startswith(fence, self._at):
            self._at += 2 if quote == '"' and self._text[self._at] == "\\" else 1
        self._at += len(fence)
        # A multi-line string may end in up to two quotes of its own.
        while len(fence) == 3 and self._text.startswith(quote, self._at):
            self._at += 1

    def _skip_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end


def unquote(text: str) -> str:
    """What a quoted part of a key says."""
    if text.startswith("'") or "\\" not in text:
        return text[1:-1]
    import tomllib

    try:
        return str(tomllib.loads(f"key = {text}")["key"])
    except ValueError:
        # An escape that TOML does not know, in a `-c`: taken as it was typed.
        return text[1:-1]
