"""Edits of config.toml: what changes, what stays, and what is refused."""

import fcntl
import os
import threading
import tomllib
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from codex.config._document import apply_to_table, apply_to_text
from codex.config._faults import Table, Toml
from codex.config.edit import (
    Edit,
    EditRefused,
    UnknownKey,
    VersionConflict,
    edit_config,
    edited_text,
    file_version,
    key_path,
)

MINE = """# My settings.
model = "gpt-5.5"  # the good one

# Where I work.
[projects."/src/a.b"]
trust_level = "trusted"

[shell_environment_policy]
set = { A = "1" } # one line
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    return path


def edit(file: Path, *edits: Edit, expected_version: str | None = None) -> str:
    edit_config(str(file), edits, home="/home/u", expected_version=expected_version)
    return file.read_text()


def test_a_changed_value_leaves_every_other_byte_as_it_was(file: Path) -> None:
    assert edit(file, Edit(("model",), "other")) == MINE.replace('"gpt-5.5"', '"other"')


def test_a_key_is_added_where_toml_wants_it(file: Path) -> None:
    text = edit(file, Edit(("service_tier",), "fast"), Edit(("projects", "/b", "trust_level"), "untrusted"))
    assert tomllib.loads(text)["service_tier"] == "fast"
    assert '[projects."/b"]\ntrust_level = "untrusted"\n' in text
    assert [line for line in MINE.splitlines() if line not in text.splitlines()] == []


def test_a_key_is_taken_out_and_its_neighbours_stay(file: Path) -> None:
    assert edit(file, Edit(("model",), None)) == MINE.replace('model = "gpt-5.5"  # the good one\n', "")
    assert edit(file, Edit(("no", "such"), None)) == file.read_text()


def test_a_table_is_joined_or_replaced(file: Path) -> None:
    key = ("shell_environment_policy", "set")
    assert 'set = { A = "1" , B = "2"}' in edit(file, Edit(key, {"B": "2"}, "upsert")).replace('"1", B', '"1" , B')
    edit(file, Edit(key, {"C": "3"}))
    assert tomllib.loads(file.read_text())["shell_environment_policy"]["set"] == {"C": "3"}


def test_a_file_that_is_not_there_is_made_for_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    assert edit(path, Edit(("features", "goals"), value=True)) == "[features]\ngoals = true\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_is_followed_and_the_mode_kept(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "elsewhere" / "config.toml"
    link.parent.mkdir()
    link.symlink_to(file)
    edit(link, Edit(("model",), "other"))
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["config.toml", "elsewhere"]


def test_an_edit_of_another_version_is_refused(file: Path) -> None:
    version = file_version(str(file))
    edit(file, Edit(("model",), "other"), expected_version=version)
    with pytest.raises(VersionConflict):
        edit(file, Edit(("model",), "third"), expected_version=version)
    assert tomllib.loads(file.read_text())["model"] == "other"


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        (Edit(("modl",), "x"), UnknownKey, "modl: unknown key, did you mean 'model'?; nothing was changed"),
        (Edit(("features", "hoks"), value=True), UnknownKey, "features.hoks: unknown key, did you mean 'hooks'?"),
        (Edit(("model",), 5), EditRefused, "model: expected a string that is not empty; got the number 5"),
        (Edit(("sandbox_mode",), "write"), EditRefused, 'sandbox_mode: expected one of "read-only"'),
        (Edit(("model_catalog_json",), "no"), EditRefused, "there is no file"),
    ],
)
def test_what_would_not_load_is_refused(file: Path, change: Edit, kind: type[EditRefused], problem: str) -> None:
    with pytest.raises(kind) as caught:
        edit(file, Edit(("service_tier",), "fast"), change)
    assert problem in str(caught.value)
    assert file.read_text() == MINE


def test_a_file_with_other_faults_can_be_mended(file: Path) -> None:
    file.write_text("model = 5\nmodel_verbosity = 'loud'\nmystery = 1\n")
    assert edit(file, Edit(("model",), "m")) == "model = \"m\"\nmodel_verbosity = 'loud'\nmystery = 1\n"


def test_a_file_that_is_no_toml_is_left_alone(file: Path) -> None:
    file.write_text("model = ")
    with pytest.raises(EditRefused, match="not valid TOML"):
        edit(file, Edit(("model",), "m"))
    assert file.read_text() == "model = "


@pytest.mark.parametrize("text", ["", "a..b", "a=b", ".a"])
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        key_path(text)


def test_quoted_parts_of_a_key_may_hold_dots() -> None:
    assert key_path('projects."/src/a.b".trust_level') == ("projects", "/src/a.b", "trust_level")


def test_many_writers_at_once_lose_no_edit(file: Path) -> None:
    def write(number: int) -> None:
        edit(file, Edit(("projects", f"/p{number}", "trust_level"), "trusted"))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    projects = tomllib.loads(file.read_text())["projects"]
    assert {path for path in projects if path.startswith("/p")} == {f"/p{number}" for number in range(8)}


def test_a_writer_waits_for_the_lock_of_another_program(file: Path) -> None:
    descriptor = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    writer = threading.Thread(target=edit, args=(file, Edit(("model",), "other")))
    writer.start()
    before = file.read_text()
    os.close(descriptor)
    writer.join()
    assert (before, tomllib.loads(file.read_text())["model"]) == (MINE, "other")


# -- any edit on any text ----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c.d", "e f", "ü"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(["", "x", "# no", 'q"', "\n"]))
VALUES: st.SearchStrategy[Toml] = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(NAMES, SCALARS, max_size=2)
)
EDITS = st.builds(Edit, PATHS, st.one_of(st.none(), VALUES), st.sampled_from(["replace", "upsert"]))
TEXTS = st.sampled_from(
    [
        "",
        MINE,
        "# only a comment\n",
        "a = 1\n\n[b]\na = 2 # c\n[b.b]\nb = 1\n",
        'a.b = 1\na."c.d" = 2\n',
        "a = { b = 1, a = { b = 2 } }\n",
        "[[a]]\nb = 1\n[[a]]\nb = 2\n",
        "[a.b]\na = 1\n[b]\n[a.a]\n",
        "a = [\n  1, # one\n  2,\n]\n",
    ]
)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.lists(EDITS, min_size=1, max_size=3))
def test_an_edited_text_says_what_the_edited_table_says_or_the_edit_is_refused(text: str, edits: list[Edit]) -> None:
    wanted: Table = tomllib.loads(text)
    for each in edits:
        apply_to_table(wanted, each)
    try:
        after = edited_text(text, edits, "file")
    except EditRefused:
        return
    assert tomllib.loads(after) == wanted
    if all(each.value is not None and each.merge == "upsert" for each in edits):
        comments = [line for line in text.splitlines() if line.startswith("#")]
        assert [line for line in comments if line not in after] == []


@settings(deadline=None, max_examples=200)
@given(PATHS, VALUES)
def test_a_new_key_can_always_be_written_into_a_usual_file(path: tuple[str, ...], value: Toml) -> None:
    change = Edit(("model_providers", *path), value)
    wanted: Table = tomllib.loads(MINE)
    apply_to_table(wanted, change)
    after = apply_to_text(MINE, [change])
    assert after is not None
    assert tomllib.loads(after) == wanted
    assert [line for line in MINE.splitlines() if line not in after.splitlines()] == []
