"""Every behaviour on the list has a test, a reason why it has none, or a work that owes it."""

from __future__ import annotations

import ast
import csv
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
CODEX = TESTS.parent / "codex"

# Who owes a row, and what exists as soon as that work does.
ROOMS = {
    "mcp": ["mcp"],
    "agents with roles": ["agents/role.py", "agents/roles.py"],
}


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_behaviour_stands_in_the_manifest_once() -> None:
    listed = [row["id"] for row in table("behaviours.tsv")]
    assert [row["id"] for row in table("manifest.tsv")] == listed
    assert len(set(listed)) == len(listed) == 112


def test_every_test_that_is_named_exists() -> None:
    missing: list[str] = []
    for row in table("manifest.tsv"):
        if row["kind"] == "test":
            file, _, function = row["what"].partition("::")
            if not (TESTS / file).exists() or function not in functions(TESTS / file):
                missing.append(f"{row['id']}: {row['what']}")
    assert missing == []


def test_reasons_are_few() -> None:
    rows = table("manifest.tsv")
    reasons = [row for row in rows if row["kind"] == "reason"]
    owed = [row for row in rows if row["kind"] == "owed"]
    print(f"{len(rows)} behaviours: {len(reasons)} with a reason, {len(owed)} owed by other work")
    assert len(reasons) <= 12
    assert all(row["what"] for row in rows)


def test_nobody_forgets_what_is_owed_once_its_room_exists() -> None:
    due: list[str] = []
    for row in table("manifest.tsv"):
        if row["kind"] == "owed":
            due += [
                f"{row['id']}: {room} exists: name its test" for room in ROOMS[row["what"]] if (CODEX / room).exists()
            ]
    assert due == []
