"""Skills in a conversation, through the public door."""

from pathlib import Path

from codex.config.schema import SkillSettings
from codex.protocol.event import Warning
from codex.testing import open_test_codex, text


def write(project: Path, name: str, description: str = "Folds paper.") -> None:
    directory = project / ".agents/skills" / name
    directory.mkdir(parents=True)
    (directory / "SKILL.md").write_text(f"---\nname: {name}\ndescription: {description}\n---\nFold it twice.\n")


async def test_the_model_is_told_of_skills_once_and_gets_the_text_of_one_that_is_named(tmp_path: Path) -> None:
    write(tmp_path, "origami")
    async with open_test_codex([[text("ok")], [text("ok")]], cwd=tmp_path, project_root=str(tmp_path)) as codex:
        await codex.run_turn("hello, it costs $5 of $HOME")
        await codex.run_turn("fold with $origami")
        first, second = codex.requests
    catalogue = [part for part in second.texts("developer") if part.startswith("<skills_instructions>")]
    assert len(catalogue) == 1
    assert "- origami: Folds paper. (file: r0/origami/SKILL.md)" in catalogue[0]
    assert first.input == second.input[: len(first.input)]
    path = tmp_path / ".agents/skills/origami/SKILL.md"
    body = f"<skill>\n<name>origami</name>\n<path>{path}</path>\nFold it twice.\n</skill>"
    assert second.texts("user")[-2:] == ["fold with $origami", body]
    assert [part for part in first.texts("user") if part.startswith("<skill>")] == []


async def test_the_catalogue_can_be_left_out_while_mentions_work(tmp_path: Path) -> None:
    write(tmp_path, "origami")
    quiet = SkillSettings(include_instructions=False)
    async with open_test_codex([[text("ok")]], cwd=tmp_path, project_root=str(tmp_path), skills=quiet) as codex:
        await codex.run_turn("fold with $origami")
        (request,) = codex.requests
    assert [part for part in request.texts("developer") if "skills_instructions" in part] == []
    assert request.texts("user")[-1].startswith("<skill>")


async def test_a_broken_skill_is_a_warning_and_no_failure(tmp_path: Path) -> None:
    write(tmp_path, "origami", description="")
    async with open_test_codex([[text("ok")]], cwd=tmp_path, project_root=str(tmp_path)) as codex:
        events = await codex.run_turn("hello")
    path = tmp_path / ".agents/skills/origami/SKILL.md"
    expected = f"skill left out: {path}: description: missing; say in a sentence what the skill is for"
    assert Warning(expected) in events
