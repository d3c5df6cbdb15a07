"""The table of `versus_codex`: which bounds hold, and what it says when there is nothing to compare."""

from pathlib import Path

import pytest

from tests.benchmarks.versus_codex import ROWS, Figures, as_markdown
from tests.benchmarks.versus_run import Contestant, native_codex

AT_MOST = next(row for row in ROWS if row.name == "plan")
AT_LEAST = next(row for row in ROWS if row.name == "deltas")
NO_BOUND = next(row for row in ROWS if row.name == "deltas_1")


@pytest.mark.parametrize(
    ("row", "codex", "ours", "met"),
    [
        (AT_MOST, [100.0, 300.0, 100.0], [25.0], True),
        (AT_MOST, [100.0], [25.1], False),
        (AT_LEAST, [100.0], [100.0], True),
        (AT_LEAST, [100.0], [99.0], False),
        (NO_BOUND, [100.0], [1.0], None),
        (AT_MOST, [], [25.0], None),
    ],
)
def test_a_bound_is_met_by_the_ratio_of_the_medians(
    row: object, codex: list[float], ours: list[float], met: bool | None
) -> None:
    assert Figures(row, {"codex": codex, "ours": ours}).is_met is met  # pyright: ignore[reportArgumentType]


def test_a_run_of_ours_that_failed_misses_its_bound() -> None:
    assert Figures(AT_MOST, {"codex": [1.0]}, {"ours": "exit status 1"}).is_met is False


def test_the_table_tells_figures_bounds_and_failures() -> None:
    figures = Figures(AT_MOST, {"codex": [100.0], "ours": [20.0, 30.0]})
    failed = Figures(AT_LEAST, {"codex": [1000.0]}, {"ours": "exit status 1"})
    contestants = [Contestant("codex", "codex", Path("/"), "codex-cli 1"), Contestant("ours", "x", Path("/"), "ours 1")]
    lines = as_markdown([figures, failed], contestants).splitlines()
    assert lines[2] == (
        "| harness time per update_plan call (ms) | 100.0 [100.0..100.0] (n=1) | 25.0 [20.0..30.0] (n=2) "
        "| 0.25 | ≤ 0.25 | met |"
    )
    assert lines[3].endswith("| failed |  | ≥ 1.0 | **missed** |")
    assert "- deltas: ours failed: exit status 1" in lines


def test_behind_npms_entry_stands_the_binary(tmp_path: Path) -> None:
    binary = tmp_path / "node_modules/@openai/codex-linux-x64/vendor/x/bin/codex"
    entry = tmp_path / "node_modules/@openai/codex/bin/codex.js"
    for file, text in ((binary, "\x7fELF"), (entry, "#!/usr/bin/env node")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert [native_codex(str(entry)), native_codex(str(binary))] == [str(binary)] * 2
