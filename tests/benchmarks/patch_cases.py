"""Random files and random patches for them: valid, damaged and senseless ones."""

import random
from collections.abc import Callable
from typing import TypeAlias

import attrs

LINES = (
    *("a", "b", "c", "d", "", "", " ", "  a", "a  ", "\ta", "a\t", "a b", "  a b  ", "def f():", "    return 1", "}"),
    *(
        "a-b",
        "a\u2013b",
        "a\u2212b",
        "\u2010",
        '"q"',
        "\u201cq\u201d",
        "'q'",
        "\u2018q\u201b",
        "\u201aq\u201e",
        "it\u2019s",
    ),
    *(
        "a\xa0b",
        "a\u2002b",
        "a\u2007b",
        "a\u202fb",
        "a\u205fb",
        "a\u3000b",
        "\u2001a",
        "a\u1680",
        "\u2028a",
        "a\x85",
        "\u200ba",
    ),
    *("\x0ba", "a\x0c", "\x1ca", "a\x1f", "\ufeffa", "é", "e\u0301", "😀", "a\0b", "x\ry", "\ra", "a\r", "long " * 60),
    *("+a", "-a", " a", "@@", "@@ a", "*** End Patch", "*** End of File", "*** Add File: z", " *** End Patch", "***"),
)
ENDS = ("\n", "\r\n", "\r")
PATHS = (
    *(
        "f",
        "f",
        "f",
        "g",
        "h",
        "d/x",
        "d/y",
        "n",
        "n/m",
        "n/m/o",
        "l",
        "ld/x",
        "ld",
        "dang",
        "dang/x",
        "loop",
        "loop/y",
    ),
    *(".", "..", "/", "./f", "d/../f", "no/../f", "d//x", "f/", "f/x", "d", "d/", "$ROOT/f", "$ROOT/n/k", "//$ROOT/g"),
    *(
        "../$BASE/f",
        "bin",
        "empty",
        "f g",
        " f",
        "f\t",
        "é",
        "f\0",
        "~/f",
        "~",
        "a\\b",
        "a%2fb",
        "x" * 256,
        "ro",
        "hard",
    ),
    *("a\tb", "\tf", "d/\tx", "d/.\t./f", ".\t./f", "d\t/x", "a\r/b", "\t/q", "d/.\r/x", "q/.\t./.\t./../f"),
)
WRECKS = (
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b" ",
        b"\t",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xe2\x80",
        b"\xe2\x80\x94",
        b"\xc2\xa0",
        b"\xef\xbb\xbf",
    ),
    *(
        b"+",
        b"-",
        b"@",
        b"@@",
        b"@@ ",
        b"@@ a",
        b"*",
        b"*** ",
        b"\n\n",
        b"\n+",
        b"\n-",
        b"\n ",
        b"\n@@\n",
        b"\n*** End of File\n",
    ),
    *(
        b"\n*** End Patch\n",
        b"\n*** Begin Patch\n",
        b"\n*** Add File: f\n",
        b"\n*** Update File: f\n",
        b"\n*** Move to: g\n",
    ),
    *(
        b"\n*** Delete File: g\n",
        b"\n*** Environment ID: e\n",
        b"<<EOF\n",
        b"\nEOF",
        b"\x0b",
        b"\x1c",
        b"\xe2\x80\xa8",
        b"\x85",
    ),
)

File: TypeAlias = tuple[
    str, bytes, int
]  # kind: "file" (content, mode), "dir" (mode), "link" (target), "hard" (of what)
Tree: TypeAlias = dict[str, File]


@attrs.frozen
class Case:
    """Some files, a patch, and whether it comes as an argument or on the standard input."""

    tree: Tree
    patch: bytes
    by_argument: bool
    extra_arguments: tuple[str, ...] = ()


def make_case(rng: random.Random) -> Case:
    """A new case; the same state of `rng` gives the same case."""
    tree = _tree(rng)
    recipe = rng.choices((_edits, _sections, _soup), (6, 3, 2))[0]
    text = recipe(rng, tree)
    patch = _in_other_clothes(rng, text).encode("utf-8", "surrogatepass")
    for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 5))):
        patch = _damage(rng, patch)
    extra = ("x",) if rng.random() < 0.005 else ()
    return Case(tree, patch, b"\0" not in patch and rng.random() < 0.5, extra)


def _tree(rng: random.Random) -> Tree:
    tree: Tree = {
        "f": ("file", content(rng), rng.choice((0o644, 0o644, 0o755, 0o600, 0o444, 0o000, 0o200, 0o4755, 0o2644)))
    }
    possible: Tree = {
        "g": ("file", content(rng), 0o644),
        "d": ("dir", b"", rng.choice((0o755, 0o755, 0o755, 0o555, 0o500, 0o000, 0o300))),
        "d/x": ("file", content(rng), 0o644),
        "l": ("link", b"f", 0),
        "ld": ("link", b"d", 0),
        "dang": ("link", rng.choice((b"nowhere", b"no/where", b"d/new")), 0),
        "loop": ("link", b"loop", 0),
        "bin": ("file", rng.randbytes(rng.randrange(9)) + b"a\nb\n", 0o644),
        "empty": ("file", b"", 0o644),
        "ro": ("file", content(rng), 0o400),
        "hard": ("hard", b"f", 0),
    }
    for name, entry in possible.items():
        if rng.random() < 0.5 and ("/" not in name or "d" in tree):
            tree[name] = entry
    return tree


def content(rng: random.Random) -> bytes:
    """The bytes of a text file, mostly with few and similar lines."""
    size = rng.choice((0, 1, 2, 3, 5, 5, 8, 8, 12, 20, 40))
    pool = rng.sample(LINES, rng.choice((2, 4, 8, len(LINES))))
    style = rng.choice(("\n", "\n", "\n", "\r\n", "\r", None))
    pieces: list[str] = []
    for _ in range(size):
        pieces += (rng.choice(pool), style or rng.choice(ENDS))
    if pieces and rng.random() < 0.3:
        pieces.pop()
    return "".join(pieces).encode()


def lines_of(data: bytes) -> list[str]:
    """Roughly the lines of a file, as someone who writes a patch sees them."""
    return data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _edits(rng: random.Random, tree: Tree) -> str:
    parts = ["*** Begin Patch\n"]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        name = rng.choice([name for name, entry in tree.items() if entry[0] == "file"])
        parts.append(f"*** Update File: {name}\n")
        if rng.random() < 0.1:
            parts.append(f"*** Move to: {rng.choice(PATHS)}\n")
        parts.append(_chunks_for(rng, lines_of(tree[name][1])))
    parts.append("*** End Patch")
    return "".join(parts)


def _chunks_for(rng: random.Random, lines: list[str]) -> str:
    out: list[str] = []
    at = 0
    for number in range(rng.choice((1, 1, 2, 2, 3, 5))):
        at = rng.randrange(at, len(lines) + 1) if rng.random() < 0.9 else rng.randrange(len(lines) + 1)
        if number or rng.random() < 0.8:
            context = rng.choice(lines) if rng.random() < 0.5 else (lines[at - 1] if at else "")
            out.append(f"@@ {context}\n" if rng.random() < 0.35 else "@@\n")
        end = min(len(lines), at + rng.choice((0, 1, 1, 2, 3, 4)))
        for line in lines[at:end]:
            out.append(_chunk_line(rng, line))
        if rng.random() < 0.25:
            out.append(rng.choice(("+\n", " \n", "\n", "-\n", "+new\n")))
        if end == at and rng.random() < 0.7:
            out.append(f"+{rng.choice(LINES)}\n")
        if rng.random() < (0.6 if end == len(lines) else 0.08):
            out.append("*** End of File\n")
        at = end
    return "".join(out)


def _chunk_line(rng: random.Random, line: str) -> str:
    seen = _misremembered(rng, line) if rng.random() < 0.15 else line
    new = "".join(f"+{rng.choice((*LINES, line))}\n" for _ in range(rng.choice((0, 0, 1, 1, 2))))
    match rng.randrange(4):
        case 0:
            return f"-{seen}\n"
        case 1:
            return f"-{seen}\n{new}"
        case 2:
            return f"{new} {seen}\n"
        case _:
            return f" {seen}\n" if seen or rng.random() < 0.5 else "\n"


def _misremembered(rng: random.Random, line: str) -> str:
    changes: tuple[Callable[[str], str], ...] = (
        lambda text: text + rng.choice((" ", "\t", "\xa0", "\x1c", "\u2003", "\r")),
        lambda text: rng.choice((" ", "\t", "\u3000", "\x1f")) + text,
        lambda text: text.strip(),
        lambda text: text.replace("-", "\u2014").replace('"', "\u201d").replace("'", "\u2019").replace(" ", "\u2009"),
        lambda text: text.replace("\u2013", "-").replace("\u201c", '"').replace("\u2018", "'").replace("\xa0", " "),
        lambda text: text.replace(" ", "  "),
    )
    return rng.choice(changes)(line)


def _sections(rng: random.Random, tree: Tree) -> str:
    parts = ["*** Begin Patch\n"]
    for _ in range(rng.choice((0, 1, 2, 2, 3, 4))):
        path = rng.choice((*PATHS, *tree))
        match rng.randrange(5):
            case 0:
                lines = rng.choices(LINES, k=rng.choice((0, 1, 2, 4)))
                parts.append(f"*** Add File: {path}\n" + "".join(f"+{line}\n" for line in lines))
            case 1:
                parts.append(f"*** Delete File: {path}\n")
            case _:
                known = tree.get(path) or tree["f"]
                move = f"*** Move to: {rng.choice((*PATHS, *tree))}\n" if rng.random() < 0.5 else ""
                parts.append(f"*** Update File: {path}\n{move}{_chunks_for(rng, lines_of(known[1]))}")
    parts.append("*** End Patch")
    return "".join(parts)


def _soup(rng: random.Random, tree: Tree) -> str:
    words = (
        *(
            "*** Begin Patch",
            "*** End Patch",
            "*** End of File",
            "*** Add File: n",
            "*** Update File: f",
            "*** Delete File: g",
        ),
        *(
            "*** Move to: h",
            "*** Move to: ",
            "*** Add File: ",
            "*** Update File:",
            "*** Environment ID: e",
            "*** Environment ID:",
        ),
        *(
            "*** Environment ID",
            "*** Environment ID:e",
            "@@",
            "@@ ",
            "@@ a",
            "@@a",
            "@@  a",
            "@@ a @@",
            "@@@",
            " @@",
            "",
            " ",
            "\t",
        ),
        *(
            "+a",
            "-a",
            " a",
            "a",
            "+",
            "-",
            "***",
            "*** ",
            "*** foo",
            "*** End of Filex",
            "***End Patch",
            "*** end patch",
            "<<EOF",
        ),
        *(f" {line}" for line in lines_of(tree["f"][1])[:6]),
        *(f"-{line}" for line in lines_of(tree["f"][1])[:6]),
    )
    body: list[str] = []
    for _ in range(rng.choice((1, 3, 6, 10))):
        pad = rng.choice(("", "", "", "", "", " ", "  ", "\t", "\xa0", "\x1c"))
        tail = rng.choice(("", "", "", "", "", " ", "\t ", "\r", "\r\r", "\u2003", "\x0b"))
        body.append(pad + rng.choice(words) + tail)
    if rng.random() < 0.9:
        start = rng.choice(("*** Update File: f", "*** Update File: f", "*** Add File: n", "*** Delete File: g"))
        body = ["*** Begin Patch", *([start] if rng.random() < 0.8 else []), *body, "*** End Patch"]
    return "\n".join(body)


def _in_other_clothes(rng: random.Random, text: str) -> str:
    match rng.randrange(24):
        case 0:
            return text.replace("\n", "\r\n")
        case 1:
            opening = rng.choice(("EOF", "'EOF'", '"EOF"', "EOF ", "END", "'EOF"))
            closing = rng.choice(("EOF", "xEOF", "EOF\n", "END"))
            return f"<<{opening}\n{text}\n{closing}"
        case 2:
            return rng.choice(("\n", " ", "\ufeff", "\x0c", "\x1c", "\x85", "\n\n  ")) + text
        case 3:
            return text + rng.choice(
                (
                    "\n",
                    "\n\n",
                    " \n",
                    "\t",
                    "\x1f",
                    "\u3000",
                    "\n*** End Patch",
                    "\n\n*** End Patch",
                    "\nfoo\n*** End Patch",
                )
            )
        case 4:
            return text.replace("\n*** End Patch", "\n  *** End Patch ")
        case 5:
            return text.replace("\n@@", "\n@@ \t").replace("\n***", f"\n{rng.choice((' ', '  ', chr(9)))}***")
        case 6:
            tail = rng.choice((" ", "\t", "\r", " x"))
            return text.replace("*** Begin Patch\n", f"*** Begin Patch{tail}\n*** Environment ID: e\n")
        case _:
            return text


def _damage(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    at = rng.randrange(len(data) + 1)
    match rng.randrange(8):
        case 0:
            return data[:at] + rng.choice(WRECKS) + data[at:]
        case 1:
            return data[:at] + data[at + rng.choice((1, 1, 2, 7)) :]
        case 2:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]
        case 3:
            lines[one], lines[two] = lines[two], lines[one]
        case 4:
            lines.insert(one, lines[two])
        case 5:
            del lines[one]
        case 6:
            lines[one] += rng.choice((b" ", b"\r", b"\t", b"\r\r", b"\xc2\xa0"))
        case _:
            lines[one] = rng.choice((b" ", b"\t", b"+", b"-", b"\xc2\xa0")) + lines[one]
    return b"\n".join(lines)
