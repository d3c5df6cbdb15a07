"""Reading AGENTS.md from the user's home and the project."""

import os
from pathlib import Path

import attrs
import pytest

from codex.config.schema import Config
from codex.context import AgentsMd, read_agents_md
from codex.context.agents_md import project_root


@pytest.fixture
def place(tmp_path: Path) -> Config:
    for directory in ("home", "repo/.git", "repo/a/b"):
        (tmp_path / directory).mkdir(parents=True)
    return Config(codex_home=str(tmp_path / "home"), cwd=str(tmp_path / "repo" / "a" / "b"))


def write(config: Config, path: str, content: str | bytes) -> str:
    target = Path(config.codex_home).parent / path
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(target)


def test_user_then_root_then_down_to_the_working_directory(place: Config) -> None:
    sources = [
        write(place, "home/AGENTS.md", "USER rules\n"),
        write(place, "repo/AGENTS.md", "ROOT rules\n"),
        write(place, "repo/a/b/AGENTS.override.md", "B rules"),
    ]
    write(place, "repo/a/b/AGENTS.md", "never seen")
    write(place, "repo/a/AGENTS.md", " \n")
    # As Codex 0.169 puts the same files together.
    text = "USER rules\n\n--- project-doc ---\n\nROOT rules\n\n\nB rules"
    assert read_agents_md(place) == AgentsMd(text, True, tuple(sources), ())


def test_a_project_marked_as_untrusted_tells_nothing(place: Config) -> None:
    user = write(place, "home/AGENTS.md", "USER rules\n")
    write(place, "repo/AGENTS.md", "ROOT rules\n")
    untrusted = attrs.evolve(place, trust_level="untrusted")
    assert read_agents_md(untrusted) == AgentsMd("USER rules", False, (user,), ())


def test_the_root_is_the_one_of_the_configuration(place: Config) -> None:
    """A marker that only a layer of the project names does not move it."""
    write(place, "repo/AGENTS.md", "ROOT")
    write(place, "repo/a/AGENTS.md", "A")
    (Path(place.cwd).parent / "marker").touch()
    moved = attrs.evolve(place, project_root_markers=("marker",))
    assert read_agents_md(moved).text == "A"
    fixed = attrs.evolve(moved, project_root=str(Path(place.cwd).parents[1]))
    assert read_agents_md(fixed).text == "ROOT\n\nA"


def test_no_files_are_no_instructions(place: Config) -> None:
    assert read_agents_md(place) == AgentsMd()


def test_the_users_override_wins_and_needs_no_project(place: Config) -> None:
    write(place, "home/AGENTS.md", "plain")
    path = write(place, "home/AGENTS.override.md", "override")
    assert read_agents_md(place) == AgentsMd("override", False, (path,), ())


def test_without_a_marker_only_the_working_directory_counts(place: Config) -> None:
    os.rmdir(Path(place.cwd).parents[1] / ".git")
    write(place, "repo/AGENTS.md", "ROOT")
    write(place, "repo/a/b/AGENTS.md", "HERE")
    assert read_agents_md(place).text == "HERE"


def test_markers_and_fallback_names_can_be_configured(place: Config) -> None:
    write(place, "repo/a/HERE", "")
    write(place, "repo/AGENTS.md", "ROOT")
    write(place, "repo/a/CLAUDE.md", "A")
    own = attrs.evolve(place, project_root_markers=("HERE",), project_doc_fallback_filenames=("X.md", "CLAUDE.md"))
    assert read_agents_md(own).text == "A"
    assert project_root(place.cwd, ("HERE",)) == str(Path(place.cwd).parent)


def test_the_file_that_crosses_the_budget_is_cut_and_the_next_left_out_with_warnings(place: Config) -> None:
    first = write(place, "repo/AGENTS.md", "x" * 40_000)
    second = write(place, "repo/a/AGENTS.md", "late")
    found = read_agents_md(place)
    assert found.text == "x" * 32_768
    assert found.sources == (first,)
    assert [warning for warning in found.warnings if first in warning and "32768 of 40000 bytes" in warning]
    assert [warning for warning in found.warnings if second in warning and "`project_doc_max_bytes`" in warning]
    assert len(found.warnings) == 2


def test_the_budget_is_shared_and_the_users_file_does_not_count(place: Config) -> None:
    write(place, "home/AGENTS.md", "u" * 30)
    write(place, "repo/AGENTS.md", "r" * 15)
    write(place, "repo/a/AGENTS.md", "a" * 15)
    found = read_agents_md(attrs.evolve(place, project_doc_max_bytes=20))
    assert found.text == "u" * 30 + "\n\n--- project-doc ---\n\n" + "r" * 15 + "\n\n" + "a" * 5


def test_a_budget_of_zero_switches_project_files_off(place: Config) -> None:
    write(place, "repo/AGENTS.md", "ROOT")
    assert read_agents_md(attrs.evolve(place, project_doc_max_bytes=0)) == AgentsMd()


def test_invalid_utf_8_is_read_with_replacements(place: Config) -> None:
    write(place, "repo/AGENTS.md", b"caf\xe9 rules")
    assert read_agents_md(place).text == "caf� rules"


def test_a_character_that_the_budget_splits_is_dropped(place: Config) -> None:
    write(place, "repo/AGENTS.md", "aé")
    assert read_agents_md(attrs.evolve(place, project_doc_max_bytes=2)).text == "a"


def test_what_cannot_be_read_is_left_out_with_a_warning_and_never_waited_for(place: Config) -> None:
    root = Path(place.codex_home).parent / "repo"
    os.mkfifo(root / "AGENTS.md")
    (root / "a" / "AGENTS.md").mkdir()
    (root / "a" / "b" / "AGENTS.md").symlink_to("nowhere")
    found = read_agents_md(place)
    assert found.text == ""
    assert [warning.rpartition(": ")[2] for warning in found.warnings] == [
        "not a regular file",
        "Is a directory",
        "No such file or directory",
    ]
