"""The page about environment variables names what the code reads, and nothing else."""

import ast
import re
from pathlib import Path

from codex.processes.env import NORMALIZED

ROOT = Path(__file__).resolve().parents[3]
READ, GIVEN = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8").split("## Given to commands")
# Read by the name of a constant, or in both cases.
BY_OTHER_WAYS = {
    "ALL_PROXY",
    "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT",
}


def named(page: str) -> set[str]:
    return set(
        re.findall(r"`([A-Z][A-Z_]+)`", "\n".join(line.split("|")[1] for line in page.splitlines() if "|" in line))
    )


def read_by_name() -> set[str]:
    """The literal names in `environ.get("NAME")` and `environ["NAME"]`."""
    found = set[str]()
    for path in (ROOT / "codex").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=place, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                    pass
                case ast.Subscript(value=place, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
                    pass
                case _:
                    continue
            if ast.unparse(place).rpartition(".")[2] in ("environ", "_environ"):
                found.add(name)
    return {name.upper() for name in found}


def test_every_variable_that_is_read_is_on_the_page_and_every_one_on_the_page_is_read() -> None:
    assert named(READ) - BY_OTHER_WAYS == read_by_name() - BY_OTHER_WAYS


def test_the_ones_read_by_other_ways_are_in_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "codex").rglob("*.py"))
    assert named(READ) >= BY_OTHER_WAYS
    assert [name for name in BY_OTHER_WAYS if not re.search(rf"\b{name}\b", code, re.IGNORECASE)] == []


def test_what_commands_are_given_is_on_the_page() -> None:
    code = (ROOT / "codex/processes/env.py").read_text(encoding="utf-8")
    assert named(GIVEN) == set(NORMALIZED) | set(re.findall(r'env\["(CODEX_[A-Z_]+)"\]', code))
