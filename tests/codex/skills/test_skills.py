"""Skills on disk: which are found, what is wrong with others, what the model is told of them."""

import os
from pathlib import Path

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from codex.config.folders import skill_roots
from codex.config.schema import Config, SkillSettings
from codex.skills import Skill, budget_chars, build_catalogue, find_skills, mentioned_skills, skill_item
from codex.skills.front_matter import BadFrontMatter, parse_yaml, split_front_matter


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for directory in ("home/.codex", "repo/.git", "repo/a"):
        (tmp_path / directory).mkdir(parents=True)
    root, home = tmp_path / "repo", tmp_path / "home"
    return Config(codex_home=str(home / ".codex"), cwd=str(root / "a"), project_root=str(root))


def write(config: Config, place: str, name: str, text: str | None = None) -> Path:
    """A skill; `place` starts at the directory that holds the home and the repository."""
    path = Path(config.project_root).parent / place / name / "SKILL.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\nname: {name}\ndescription: What {name} does.\n---\nDo {name}.\n" if text is None else text)
    return path


def find(config: Config) -> tuple[list[str], tuple[str, ...]]:
    home = Path(config.codex_home).parent
    roots = skill_roots(config, {"HOME": str(home)}, str(home.parent / "etc"))
    found = find_skills(roots, config.skills)
    return [f"{skill.scope} {skill.name}" for skill in found.skills], found.warnings


def test_skills_are_found_in_all_roots_the_nearest_first(config: Config) -> None:
    places = ["repo/a/.agents/skills", "repo/a/.codex/skills", "repo/.agents/skills", "home/.agents/skills"]
    places += ["home/.codex/skills", "etc/skills", "home/.codex/skills/.system", "repo/b/.agents/skills"]
    for number, place in enumerate(places):
        write(config, place, f"s{number}")
    scopes = ["repo"] * 3 + ["user"] * 2 + ["admin", "system"]
    assert find(config) == ([f"{scope} s{number}" for number, scope in enumerate(scopes)], ())
    bundled_off = attrs.evolve(config, skills=SkillSettings(bundled=False))
    assert "system s6" not in find(bundled_off)[0]


def test_without_any_root_there_is_nothing_to_load(config: Config) -> None:
    assert skill_roots(config, {"HOME": "/no/such"}, "/no/such") == []


def test_a_directory_reached_twice_counts_once(config: Config) -> None:
    write(config, "repo/.agents/skills", "one")
    os.symlink(Path(config.project_root) / ".agents", Path(config.cwd) / ".agents")
    assert find(config) == (["repo one"], ())


def test_skills_may_lie_deeper_but_not_below_another(config: Config) -> None:
    write(config, "repo/.agents/skills/group", "deep")
    write(config, "repo/.agents/skills/group/deep", "hidden")
    assert find(config)[0] == ["repo deep"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no head", "line 1: expected '---'; a skill begins with its name and description between two of them"),
        ("---\nname: x\n", "line 1: the '---' that opens the head is never closed"),
        ("---\nname: x\n---\n", "description: missing; say in a sentence what the skill is for"),
        ("---\nname: x\n- y\n  z\n---\n", "line 3: expected 'key: value'; got '- y'"),
        ('---\ndescription: "open\n---\n', 'line 2: the quote " is never closed'),
        (
            f"---\nname: {'n' * 65}\ndescription: d\n---\n",
            f"name: '{'n' * 20}'… has 65 characters, at most 64 are allowed",
        ),
    ],
)
def test_what_is_wrong_with_a_skill_is_told_and_the_others_stay(config: Config, text: str, problem: str) -> None:
    path = write(config, "repo/.agents/skills", "bad", text)
    write(config, "repo/.agents/skills", "good")
    assert find(config) == (["repo good"], (f"skill left out: {path}: {problem}",))


def test_a_skill_that_is_no_file_or_too_large_is_left_out(config: Config) -> None:
    huge = write(config, "repo/.agents/skills", "huge", "x" * 1_048_577)
    assert find(config)[1] == (f"skill left out: {huge}: it has 1,048,577 bytes, at most 1,048,576 are read",)


def test_a_skill_without_a_name_has_its_directorys(config: Config) -> None:
    write(config, "repo/.agents/skills", "mine", "---\ndescription: >\n  folded\n  text\n---\n")
    roots = skill_roots(config, {"HOME": "/no/such"})
    (skill,) = find_skills(roots, config.skills).skills
    assert (skill.name, skill.description) == ("mine", "folded text")


def test_skills_are_switched_by_name_and_by_path_and_the_last_word_counts(config: Config) -> None:
    first = write(config, "repo/.agents/skills", "first")
    write(config, "repo/.agents/skills", "second")
    switches = (("first", False), ("second", False), (str(first), True))
    assert find(attrs.evolve(config, skills=SkillSettings(switches=switches)))[0] == ["repo first"]


def test_a_skill_that_may_not_be_used_by_itself_is_not_in_the_catalogue(config: Config) -> None:
    path = write(config, "repo/.agents/skills", "shy")
    (path.parent / "agents").mkdir()
    (path.parent / "agents/openai.yaml").write_text("interface:\n  x: y\npolicy:\n  allow_implicit_invocation: false\n")
    (skill,) = find_skills(skill_roots(config, {"HOME": "/no/such"}), config.skills).skills
    assert build_catalogue([skill], 8_000).text == ""
    assert mentioned_skills(["$shy"], [skill]) == [skill]


# -- the head ----------------------------------------------------------------------------------------------------------


def test_the_part_of_yaml_that_skills_use_is_understood() -> None:
    text = (
        "# a comment\nname: plain # more\n"
        "quoted: 'it''s'\ndouble: \"a \\\"b\\\"\"\nfolded: >-\n  one\n  two\n\n  three\n"
        "literal: |\n  a\n    b\nlong: first\n  second\nmetadata:\n  short-description: short\n  inner:\n    x: y\n"
        "list:\n  - a\n  - b\nflow: [a, b]\nempty:\n"
    )
    assert parse_yaml(text) == {
        "name": "plain",
        "quoted": "it's",
        "double": 'a "b"',
        "folded": "one two\nthree",
        "literal": "a\n  b",
        "long": "first second",
        "metadata": {"short-description": "short", "inner": {"x": "y"}},
        "list": "",
        "flow": "",
        "empty": "",
    }


@given(st.text(st.sampled_from("ab:-'\"|># \n\t[{é"), max_size=60))
@example("---\na: |\n---\n")
@example("a:\n- b\n  c")
def test_any_text_is_read_or_refused(text: str) -> None:
    for source in (text, f"---\n{text}\n---\nbody"):
        try:
            head, _ = split_front_matter(source)
            parse_yaml(head)
        except BadFrontMatter:
            continue


# -- the catalogue -----------------------------------------------------------------------------------------------------


def skill(name: str, description: str = "It does something.", root: str = "/r") -> Skill:
    return Skill(name, description, f"{root}/{name}/SKILL.md", "repo", root)


def test_the_catalogue_names_each_skill_with_a_short_path() -> None:
    lines = build_catalogue([skill("one"), skill("two", root="/q")], 8_000).text.splitlines()
    assert [line for line in lines if line.startswith("- ")] == [
        "- `r0` = `/r`",
        "- `r1` = `/q`",
        "- one: It does something. (file: r0/one/SKILL.md)",
        "- two: It does something. (file: r1/two/SKILL.md)",
    ]
    assert (lines[0], lines[-1]) == ("<skills_instructions>", "</skills_instructions>")


SKILLS = st.lists(
    st.builds(
        skill, st.text("abc", min_size=1, max_size=9), st.text("xyz ", max_size=200), st.sampled_from(["/r", "/q"])
    ),
    max_size=30,
)


@given(SKILLS, st.integers(0, 6_000))
def test_the_catalogue_keeps_its_budget_and_tells_what_it_left_out(skills: list[Skill], max_chars: int) -> None:
    catalogue = build_catalogue(skills, max_chars)
    assert len(catalogue.text) <= max_chars or not catalogue.text
    listed = catalogue.text.count("(file: ")
    assert listed + len(catalogue.omitted) == len(skills)
    assert catalogue.omitted == tuple(skills[listed:])
    assert bool(catalogue.warnings) == bool(catalogue.omitted)
    if listed and catalogue.omitted:
        assert f"and {len(catalogue.omitted)} more" in catalogue.text
    if not catalogue.shortened and listed == len(skills):
        assert all(each.description in catalogue.text for each in skills)


def test_the_budget_is_a_share_of_the_context_window_unless_it_is_set() -> None:
    assert (budget_chars(None, None), budget_chars(100_000, None), budget_chars(100_000, 50)) == (8_000, 8_000, 200)


# -- mentions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("use $one, then $two.", ["one", "two"]),
        ("$one $one ($two)", ["one", "two"]),
        ("costs 5$one, $$two, \\$one, $PATH, a$two", []),
        ("$one-more $three", []),
    ],
)
def test_a_mention_is_a_dollar_and_the_name_of_a_skill(text: str, names: list[str]) -> None:
    assert [each.name for each in mentioned_skills([text], [skill("one"), skill("two")])] == names


def test_of_two_skills_with_one_name_the_nearest_is_meant() -> None:
    near, far = skill("one", root="/near"), skill("one", root="/far")
    assert mentioned_skills(["$one"], [near, far]) == [near]


def test_a_long_text_is_cut_and_a_lost_one_told(config: Config) -> None:
    path = write(config, "repo/.agents/skills", "long", "---\ndescription: d\n---\n" + "é" * 5_000)
    item = skill_item(Skill("long", "d", str(path), "repo", "/r"))
    text = str(item["content"])
    assert "é" * 4_000 in text
    assert "é" * 4_001 not in text
    assert "[the first 8000 of 10000 bytes; read the rest in the file]" in text
    path.unlink()
    assert "The file cannot be read: No such file or directory." in str(
        skill_item(Skill("long", "d", str(path), "repo", "/r"))["content"]
    )
