"""Text the way the patch format sees it: which characters are blank, and where the lines of a file end.

Blank means Unicode's White_Space. `str.strip()` without an argument would also take U+001C to U+001F.
"""

from typing import TypeAlias

BLANK = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

Lines: TypeAlias = list[str]


def split_file(content: str) -> tuple[Lines, Lines]:
    """The lines of a file without their ends, and the ends: LF, CRLF, CR, or empty for a last line without one."""
    if "\r" not in content:
        lines = content.split("\n")
        ends = ["\n"] * (len(lines) - 1)
    else:
        lines, ends = _split_mixed(content)
    if lines[-1]:
        ends.append("")
    else:
        del lines[-1]
    return lines, ends


def _split_mixed(content: str) -> tuple[Lines, Lines]:
    lines: Lines = []
    ends: Lines = []
    for piece in content.split("\n"):
        *alone, last = piece.split("\r")
        # `a\r\n` has split into "a" and "": that carriage return belongs to the line feed.
        if alone and not last:
            lines.extend(alone)
            ends.extend(["\r"] * (len(alone) - 1))
            ends.append("\r\n")
        else:
            lines.extend((*alone, last))
            ends.extend(["\r"] * len(alone))
            ends.append("\n")
    if ends[-1] == "\r\n":  # the text after the last line feed ends in a bare carriage return
        ends[-1] = "\r"
        lines.append("")
    else:
        del ends[-1]
    return lines, ends
