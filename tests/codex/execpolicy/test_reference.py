"""The reference of rules files says what the code says."""

import re
from pathlib import Path

import pytest

import codex.execpolicy
from codex.execpolicy._arguments import SIGNATURES

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/rules.md"


def table(function: str) -> str:
    """The arguments of a function, as the page shows them."""
    lines = ["| argument | kind | meaning |", "|---|---|---|"]
    for parameter in SIGNATURES[function]:
        kind = f"{parameter.kind}, required" if parameter.required else parameter.kind
        lines.append(f"| `{parameter.name}` | {kind} | {parameter.about} |")
    return "\n".join(lines)


@pytest.mark.parametrize("function", SIGNATURES)
def test_every_argument_is_described_as_the_code_has_it(function: str) -> None:
    assert f"### `{function}`" in PAGE.read_text(encoding="utf-8")
    assert table(function) in PAGE.read_text(encoding="utf-8")


def test_every_name_of_the_door_is_described() -> None:
    codes = re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8"))
    assert set(codex.execpolicy.__all__) - {word for code in codes for word in re.findall(r"\w+", code)} == set()
