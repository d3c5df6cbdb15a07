"""What is a patch, what is forgiven, and which fault is named."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.patch.parse import AddFile, Chunk, DeleteFile, Hunk, ParseError, Patch, UpdateFile, parse_patch
from codex.patch.text import BLANK


def patch_of(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))


def fault_of(text: str) -> tuple[int | None, str]:
    with pytest.raises(ParseError) as caught:
        parse_patch(text)
    return caught.value.line, caught.value.reason


def test_every_kind_of_section_is_read() -> None:
    text = patch_of(
        "*** Add File: a/b",
        "+one",
        "+",
        "*** Delete File: c",
        "*** Update File: d",
        "*** Move to: e",
        "@@ def f():",
        " stays",
        "-goes",
        "+comes",
        "@@",
        "+last",
        "*** End of File",
    )
    chunks = (Chunk("def f():", (" stays", "-goes", "+comes")), Chunk(None, ("+last",), at_end=True))
    assert parse_patch(text) == Patch((AddFile("a/b", "one\n\n"), DeleteFile("c"), UpdateFile("d", "e", chunks)))


def test_a_patch_without_sections_is_read() -> None:
    assert parse_patch(patch_of()) == Patch(())


def test_the_environment_is_named_before_the_sections() -> None:
    assert parse_patch(patch_of("*** Environment ID:  box ", "*** Delete File: a")).environment_id == "box"
    assert fault_of(patch_of("*** Environment ID:"))[1] == "apply_patch environment_id cannot be empty"
    assert "more than once" in fault_of(patch_of("*** Environment ID: a", "*** Environment ID: b"))[1]
    assert "is not a valid hunk header" in fault_of(patch_of("*** Delete File: a", "*** Environment ID: b"))[1]


@pytest.mark.parametrize("space", ["\n\n", "  ", "\t\x0b\x0c", "\x85", "\u2003\n", "\r\n"])
def test_blanks_around_the_patch_are_forgiven(space: str) -> None:
    assert parse_patch(f"{space}{patch_of('*** Delete File: a')}{space}") == Patch((DeleteFile("a"),))


@pytest.mark.parametrize("not_blank", ["\x1c", "\x1f", "\ufeff", "\u200b", "x"])
def test_what_only_looks_blank_is_not_forgiven(not_blank: str) -> None:
    assert fault_of(not_blank + patch_of()) == (None, "The first line of the patch must be '*** Begin Patch'")


@pytest.mark.parametrize("opening", ["<<EOF", "<<'EOF'", '<<"EOF"'])
@pytest.mark.parametrize("closing", ["EOF", "xEOF", "EOF\n"])
def test_a_heredoc_around_the_patch_is_taken_off(opening: str, closing: str) -> None:
    assert parse_patch(f"{opening}\n{patch_of('*** Delete File: a')}\n{closing}") == Patch((DeleteFile("a"),))


@pytest.mark.parametrize("opening", ["<<EOF ", "<< EOF", "<<-EOF", "<<END", "<<'EOF", "cat <<EOF"])
def test_other_heredocs_are_not(opening: str) -> None:
    assert fault_of(f"{opening}\n{patch_of()}\nEOF") == (None, "The first line of the patch must be '*** Begin Patch'")


def test_an_empty_text_lacks_its_last_line() -> None:
    assert fault_of(" \n") == (None, "The last line of the patch must be '*** End Patch'")


def test_after_the_end_only_blank_lines_and_one_more_end_may_follow() -> None:
    assert parse_patch(patch_of("*** Delete File: a", "*** End Patch", " \t")) == Patch((DeleteFile("a"),))
    assert parse_patch(patch_of("*** End Patch") + "\n") == Patch(())
    last = (None, "The last line of the patch must be '*** End Patch'")
    assert fault_of(patch_of("*** End Patch", "*** End Patch")) == last
    assert fault_of(patch_of("*** Delete File: a", "*** End Patch", "*** Delete File: b")) == last
    assert fault_of(patch_of("foo", "*** End Patch", "bar"))[0] == 2


def test_up_to_two_carriage_returns_before_a_line_feed_are_dropped() -> None:
    text = "*** Begin Patch\r\n*** Add File: a\r\n+1\r\n+2\r\r\n+3\r\r\r\n+4\r5\r\n*** End Patch\r\n"
    assert parse_patch(text) == Patch((AddFile("a", "1\n2\n3\r\n4\r5\n"),))


def test_headers_may_be_indented_except_within_an_update() -> None:
    text = patch_of(
        "  *** Add File: a \t", "+1", "\t*** Delete File: b", "*** Update File: c", "-x", "  *** Delete File: d"
    )
    update = UpdateFile("c", None, (Chunk(None, ("-x", "  *** Delete File: d")),))
    assert parse_patch(text) == Patch((AddFile("a", "1\n"), DeleteFile("b"), update))


def test_only_the_last_line_may_be_an_indented_end_of_an_update() -> None:
    text = patch_of("*** Update File: c", "-x", "  *** End Patch")
    update = UpdateFile("c", None, (Chunk(None, ("-x", "  *** End Patch")),))
    assert parse_patch(text) == Patch((update,))
    assert parse_patch(text.removesuffix("\n*** End Patch")) == Patch((UpdateFile("c", None, (Chunk(None, ("-x",)),)),))


def test_a_path_keeps_its_leading_blanks_and_needs_one_character() -> None:
    assert parse_patch(patch_of("*** Delete File:   a b")) == Patch((DeleteFile("  a b"),))
    assert fault_of(patch_of("*** Delete File: "))[1].startswith("'*** Delete File:' is not a valid hunk header.")
    assert fault_of(patch_of("*** Delete File:a"))[1].startswith("'*** Delete File:a' is not a valid hunk header.")


def test_the_first_chunk_may_lack_its_marker_and_later_ones_may_not() -> None:
    text = patch_of("*** Update File: a", "-x", "*** End of File", "", "  ", "@@", "-y")
    chunks = (Chunk(None, ("-x",), at_end=True), Chunk(None, ("-y",)))
    assert parse_patch(text) == Patch((UpdateFile("a", None, chunks),))
    assert fault_of(patch_of("*** Update File: a", "-x", "*** End of File", "-y")) == (
        5,
        "Expected update hunk to start with a @@ context marker, got: '-y'",
    )


def test_an_empty_line_in_a_chunk_is_an_empty_line_that_stays() -> None:
    assert parse_patch(patch_of("*** Update File: a", "", "-x", "")) == Patch(
        (UpdateFile("a", None, (Chunk(None, (" ", "-x", " ")),)),)
    )


def test_an_end_of_file_before_the_first_chunk_says_nothing() -> None:
    text = patch_of("*** Update File: a", "*** End of File", "*** Move to: b", "*** End of File", "-x")
    assert parse_patch(text) == Patch((UpdateFile("a", "b", (Chunk(None, ("-x",)),)),))


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        ([""], 2, "'' is not a valid hunk header."),
        (["*** Add File: a", "+1", "2"], 4, "'2' is not a valid hunk header."),
        (["*** Add File: a", "+1", ""], 4, "'' is not a valid hunk header."),
        (["*** Delete File: a", "+1"], 3, "'+1' is not a valid hunk header."),
        (["*** Update File: a"], 2, "Update file hunk for path 'a' is empty"),
        (["*** Update File: a", "*** Move to: b"], 2, "Update file hunk for path 'a' is empty"),
        (["*** Update File: a", "*** End of File"], 2, "Update file hunk for path 'a' is empty"),
        (["*** Update File: a", "@@"], 4, "Update hunk does not contain any lines"),
        (["*** Update File: a", "@@", "*** End of File"], 4, "Update hunk does not contain any lines"),
        (["*** Update File: a", "@@", "@@ b"], 4, "Unexpected line found in update hunk: '@@ b'."),
        (
            ["*** Update File: a", "@@", "*** Add File: b\t"],
            4,
            "Unexpected line found in update hunk: '*** Add File: b'.",
        ),
        (["*** Update File: a", "@@b"], 3, "Unexpected line found in update hunk: '@@b'."),
        (["*** Update File: a", "\xa0b"], 3, "Unexpected line found in update hunk: '\xa0b'."),
        (["*** Update File: a", "-b", "c"], 4, "Expected update hunk to start with a @@ context marker, got: 'c'"),
        (["*** Update File: a", "-b", "*** Move to: c"], 4, "Expected update hunk to start with a @@ context marker"),
        (["*** Update File: a", "*** Move to: "], 3, "Unexpected line found in update hunk: '*** Move to: '."),
    ],
)
def test_the_first_fault_is_named_with_its_line(lines: list[str], line: int, reason: str) -> None:
    found_line, found_reason = fault_of(patch_of(*lines))
    assert found_line == line
    assert found_reason.startswith(reason)


def test_a_fault_is_told_as_codex_tells_it() -> None:
    with pytest.raises(ParseError, match=r"^Invalid patch hunk on line 2: Update file hunk for path 'a' is empty$"):
        parse_patch(patch_of("*** Update File: a"))
    with pytest.raises(ParseError, match=r"^Invalid patch: The last line of the patch must be '\*\*\* End Patch'$"):
        parse_patch("*** Begin Patch")


TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
PATHS = TEXT.map(lambda text: text.rstrip(BLANK)).filter(lambda text: bool(text))
MARKED = st.builds(str.__add__, st.sampled_from(" -+"), TEXT)
CHUNKS = st.builds(
    Chunk, st.none() | PATHS, st.lists(MARKED, min_size=1).map(lambda lines: tuple(lines)), at_end=st.booleans()
)
HUNKS: st.SearchStrategy[Hunk] = st.one_of(
    st.builds(AddFile, PATHS, st.lists(TEXT).map(lambda lines: "".join(f"{line}\n" for line in lines))),
    st.builds(DeleteFile, PATHS),
    st.builds(UpdateFile, PATHS, st.none() | PATHS, st.lists(CHUNKS, min_size=1).map(lambda chunks: tuple(chunks))),
)


def written(hunk: Hunk) -> list[str]:
    match hunk:
        case AddFile(path=path, content=content):
            return [f"*** Add File: {path}", *(f"+{line}" for line in content.split("\n")[:-1])]
        case DeleteFile(path=path):
            return [f"*** Delete File: {path}"]
        case UpdateFile(path=path, move_path=move_path, chunks=chunks):
            lines = [f"*** Update File: {path}", *([f"*** Move to: {move_path}"] if move_path else [])]
            for chunk in chunks:
                lines += [f"@@ {chunk.context}" if chunk.context else "@@", *chunk.lines]
                lines += ["*** End of File"] if chunk.at_end else []
            return lines


@given(st.lists(HUNKS))
def test_what_was_written_is_read_again(hunks: list[Hunk]) -> None:
    lines = [line for hunk in hunks for line in written(hunk)]
    assert parse_patch(patch_of(*lines)) == Patch(tuple(hunks))


@given(st.lists(st.sampled_from(["*** Update File: a", "@@", "-a", "+b", "", " ", "*** End of File", "x"]) | TEXT))
def test_any_text_is_a_patch_or_a_fault(lines: list[str]) -> None:
    text = patch_of(*lines)
    with contextlib.suppress(ParseError):
        assert len(parse_patch(text).hunks) <= len(lines)
