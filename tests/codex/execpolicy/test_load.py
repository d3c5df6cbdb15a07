"""Rules files are found in the order of the layers, and a broken one is told, never left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex.execpolicy import NO_RULES, Fault, PrefixRule, RulesError, load_files, load_rules, rules_files


def write(directory: Path, **files: str) -> Path:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.rules").write_text(text)
    return directory


def test_rules_of_all_layers_are_read_low_to_high_and_by_name(tmp_path: Path) -> None:
    low = write(tmp_path / "low", b="prefix_rule(['b'])", a="prefix_rule(['a'])")
    high = write(tmp_path / "high", a="prefix_rule(['c'])")
    (high / "notes.txt").write_text("no rules")
    (high / "old.rules").mkdir()
    (high / ".rules").write_text("no rules either")
    rules = load_rules([low, tmp_path / "missing", str(high)])
    assert rules.prefix_rules == tuple(PrefixRule(((word,),)) for word in "abc")


def test_a_host_executable_counts_in_every_layer(tmp_path: Path) -> None:
    low = write(tmp_path / "low", a="host_executable('ls', ['/bin/ls'])")
    high = write(tmp_path / "high", a="prefix_rule(['ls'], match=['/bin/ls'], not_match=['/tmp/ls'])")
    assert load_rules([low, high]).evaluate(["/bin/ls"]).all_allowed


def test_without_files_there_are_no_rules(tmp_path: Path) -> None:
    assert load_rules([]) is NO_RULES
    assert load_rules([tmp_path, tmp_path / "missing"]) is NO_RULES
    assert not NO_RULES


def test_every_broken_file_is_told_at_once(tmp_path: Path) -> None:
    low = write(tmp_path / "low", a="prefix_rule(", b="prefix_rule(['fine'])")
    high = write(tmp_path / "high", a="x = y")
    (high / "b.rules").write_bytes("# é\nx = 'é\xff'".encode("latin-1").replace(b"\xe9", "é".encode()))
    (high / "c.rules").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RulesError) as caught:
        load_rules([low, high])
    assert set(caught.value.faults) == {
        Fault(f"{low}/a.rules", 1, 12, "'(' is never closed"),
        Fault(f"{high}/a.rules", 1, 5, "there is no 'y'; text stands in quotes"),
        Fault(f"{high}/b.rules", 2, 7, "is not UTF-8 here; save the file as UTF-8"),
        Fault(f"{high}/c.rules", 0, 0, "cannot be read: No such file or directory"),
    }


def test_a_directory_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("prefix_rule(['a'])")
    with pytest.raises(RulesError, match="cannot be read: Not a directory"):
        load_rules([tmp_path / "rules"])
    assert load_rules([tmp_path / "rules/rules"]) is NO_RULES


def test_a_file_that_is_too_long_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.rules"
    with open(file, "wb") as opened:
        os.truncate(opened.fileno(), 4_000_001)
    with pytest.raises(RulesError, match="is longer than 4,000,000 bytes"):
        load_files([file])


def test_files_are_found_without_reading_them(tmp_path: Path) -> None:
    directory = write(tmp_path / "rules", b="nonsense(", a="")
    assert rules_files([directory]) == [str(directory / "a.rules"), str(directory / "b.rules")]


def test_asking_for_files_loads_nothing_of_the_language() -> None:
    program = """
import sys
from codex.execpolicy import is_dangerous, rules_files
rules_files(["/nowhere"])
print(*sorted(name for name in sys.modules if name.startswith("codex.execpolicy")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["codex.execpolicy", "codex.execpolicy.dangerous", "codex.execpolicy.files"]
