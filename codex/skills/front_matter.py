"""The head of a SKILL.md: the lines between two `---`, in the small part of YAML that is used there.

Keys with scalars: plain, 'single' or "double" quoted, folded `>` and literal `|` blocks, plain text that goes on in
deeper lines; tables by indentation. Lists are skipped. Comments begin with ` #`. Pure.
"""

import re
from typing import TypeAlias

Yaml: TypeAlias = "str | dict[str, Yaml]"
_KEY = re.compile(r"""^(?P<key>[\w.-]+|"[^"]*"|'[^']*')\s*:(?:\s+(?P<value>.*))?$""")


class BadFrontMatter(Exception):
    """It cannot be read; the text names the line."""


def split_front_matter(text: str) -> tuple[str, str]:
    """The head and the body of a file.

    Raises:
      BadFrontMatter: it does not begin with `---`, or the head is not closed.
    """
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        raise BadFrontMatter("line 1: expected '---'; a skill begins with its name and description between two of them")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    raise BadFrontMatter("line 1: the '---' that opens the head is never closed")


def parse_yaml(text: str, *, first_line: int = 1) -> dict[str, Yaml]:
    """The keys of a text; `first_line` is its place in the file, for messages.

    Raises:
      BadFrontMatter: a line is no `key: value`.
    """
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), start=first_line)]
    table, _ = _table(lines, 0, 0)
    return table


def _table(lines: list[tuple[int, str]], at: int, indent: int) -> tuple[dict[str, Yaml], int]:
    table: dict[str, Yaml] = {}
    while at < len(lines):
        number, line = lines[at]
        bare = line.lstrip()
        if not bare or bare.startswith("#"):
            at += 1
            continue
        if _indent(line) < indent:
            break
        match = _KEY.match(bare)
        if match is None or _indent(line) > indent:
            raise BadFrontMatter(f"line {number}: expected 'key: value'; got {bare[:60]!r}")
        value, at = _value(lines, at, (match["value"] or "").strip())
        table[match["key"].strip("\"'")] = value
    return table, at


def _value(lines: list[tuple[int, str]], at: int, text: str) -> tuple[Yaml, int]:
    number, line = lines[at]
    below, end = _deeper(lines, at + 1, _indent(line), items=not text)
    if text[:1] in (">", "|") and len(text) <= 3:
        return _block(below, folded=text[0] == ">"), end
    if not text or text.startswith("#"):
        inner = next((each for _, each in below if each.strip() and not each.lstrip().startswith("#")), "")
        if not inner or inner.lstrip().startswith("- "):
            return "", end
        return _table(below, 0, _indent(inner))[0], end
    if text[0] in "\"'":
        return _quoted(number, " ".join([text, *(each.strip() for _, each in below)])), end
    if text[0] in "[{":
        return "", end
    return " ".join([_without_comment(text), *(each.strip() for _, each in below if each.strip())]), end


def _deeper(lines: list[tuple[int, str]], at: int, indent: int, *, items: bool) -> tuple[list[tuple[int, str]], int]:
    """A key's lines: deeper ones, and the empty ones between them; `items` of a list may stand level."""
    end = at
    for position in range(at, len(lines)):
        line = lines[position][1]
        if line and (_indent(line) > indent or (items and _indent(line) == indent and line.lstrip().startswith("- "))):
            end = position + 1
        elif line:
            break
    return lines[at:end], end


def _block(below: list[tuple[int, str]], *, folded: bool) -> str:
    indent = min((_indent(line) for _, line in below if line), default=0)
    texts = [line[indent:] for _, line in below]
    if not folded:
        return "\n".join(texts).strip("\n")
    return "\n".join(" ".join(part.split("\n")) for part in "\n".join(texts).strip("\n").split("\n\n"))


def _quoted(number: int, text: str) -> str:
    quote = text[0]
    pattern = r"'((?:[^']|'')*)'" if quote == "'" else r'"((?:[^"\\]|\\.)*)"'
    match = re.match(pattern, text)
    if match is None:
        raise BadFrontMatter(f"line {number}: the quote {quote} is never closed")
    if quote == "'":
        return match[1].replace("''", "'")
    return re.sub(r"\\(.)", lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]), match[1])


def _without_comment(text: str) -> str:
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
