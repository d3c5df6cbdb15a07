"""Worktrees of agents, with a real git: what they start from, how they come back, and that nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex.agents.worktrees import Merged, Worktree, WorktreeError, recover


def git(where: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    done = subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    (place / "sub").mkdir(parents=True)
    git(place, "init", "-q")
    (place / "a.txt").write_text("one\ntwo\nthree\n")
    (place / "sub" / "b.txt").write_text("b\n")
    (place / ".gitignore").write_text("ignored\n")
    git(place, "add", ".")
    git(place, "commit", "-qm", "first")
    (place / "a.txt").write_text("one\ntwo\nthree\nnot committed\n")
    (place / "new.txt").write_text("untracked\n")
    (place / "ignored").write_text("x")
    return place


def open_in(repository: Path, name: str = "ada") -> Worktree:
    return Worktree.open(str(repository.parent / "home"), name, str(repository))


def left(repository: Path) -> list[str]:
    return sorted(os.listdir(repository.parent / "home" / "worktrees"))


def test_an_agent_starts_with_what_its_parent_has_now_committed_or_not(repository: Path) -> None:
    before = git(repository, "status", "--porcelain")
    tree = open_in(repository)
    top = Path(tree.cwd)
    assert (top / "a.txt").read_text().endswith("not committed\n")
    assert (top / "new.txt").exists()
    assert not (top / "ignored").exists()
    assert git(repository, "status", "--porcelain") == before
    assert tree.hand_in() == Merged()
    tree.close()
    assert left(repository) == []
    assert git(repository, "worktree", "list", "--porcelain").count("worktree ") == 1


def test_what_it_changed_made_and_removed_is_patched_into_the_parents_files(repository: Path) -> None:
    tree = open_in(repository)
    top = Path(tree.cwd)
    (top / "a.txt").write_text("ONE\ntwo\nthree\nnot committed\n")
    (top / "sub" / "b.txt").unlink()
    (top / "sub" / "w [1]*.txt").write_text("w\n")
    (top / "data.bin").write_bytes(bytes(range(256)))
    merged = tree.hand_in()
    assert merged == Merged(("a.txt", "data.bin", "sub/b.txt", "sub/w [1]*.txt"))
    assert (repository / "a.txt").read_text() == "ONE\ntwo\nthree\nnot committed\n"
    assert not (repository / "sub" / "b.txt").exists()
    assert (repository / "sub" / "w [1]*.txt").read_text() == "w\n"
    assert (repository / "data.bin").read_bytes() == bytes(range(256))
    (top / "a.txt").write_text("ONE\nTWO\nthree\nnot committed\n")
    assert tree.hand_in() == Merged(("a.txt",))
    assert (repository / "a.txt").read_text() == "ONE\nTWO\nthree\nnot committed\n"
    tree.close()
    assert left(repository) == []


def test_what_does_not_fit_is_told_and_kept_and_the_parents_file_stays(repository: Path) -> None:
    tree = open_in(repository)
    top = Path(tree.cwd)
    (top / "a.txt").write_text("agent\n")
    (top / "fine.txt").write_text("fine\n")
    (repository / "a.txt").write_text("parent\n")
    merged = tree.hand_in()
    tree.close()
    assert (merged.files, merged.conflicts) == (("fine.txt",), ("a.txt",))
    assert (repository / "a.txt").read_text() == "parent\n"
    assert merged.patch is not None
    assert "+agent" in Path(merged.patch).read_text()
    assert "fine" not in Path(merged.patch).read_text()
    assert f"a.txt; these changes are kept in {merged.patch}" in str(merged)
    assert left(repository) == [Path(merged.patch).name]
    (repository / "a.txt").write_text("one\ntwo\nthree\nnot committed\n")
    git(repository, "apply", merged.patch)
    assert (repository / "a.txt").read_text() == "agent\n"


def test_two_agents_that_change_different_files_both_come_back_and_the_second_of_the_same_is_told(
    repository: Path,
) -> None:
    first, second = open_in(repository, "ada"), open_in(repository, "alan")
    for tree, name in ((first, "x"), (second, "y")):
        Path(tree.cwd, name).write_text(name)
        Path(tree.cwd, "a.txt").write_text(f"{name}\n")
    assert first.hand_in() == Merged(("a.txt", "x"))
    merged = second.hand_in()
    assert (merged.files, merged.conflicts) == (("y",), ("a.txt",))
    first.close()
    second.close()
    assert (repository / "a.txt").read_text() == "x\n"


def test_an_agent_below_an_agent_has_a_worktree_of_its_worktree(repository: Path) -> None:
    outer = open_in(repository, "ada")
    inner = Worktree.open(str(repository.parent / "home"), "alan", os.path.join(outer.cwd, "sub"))
    assert inner.cwd.endswith("/tree/sub")
    Path(inner.cwd, "deep.txt").write_text("deep\n")
    assert inner.hand_in() == Merged(("sub/deep.txt",))
    inner.close()
    assert not (repository / "sub" / "deep.txt").exists()
    assert outer.hand_in() == Merged(("sub/deep.txt",))
    outer.close()
    assert (repository / "sub" / "deep.txt").exists()


def test_without_a_repository_with_a_commit_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WorktreeError, match=r"needs a git repository with a commit, and .* is in none"):
        Worktree.open(str(tmp_path / "home"), "ada", str(tmp_path))
    git(tmp_path, "init", "-q")
    with pytest.raises(WorktreeError, match="commit something there, or let it share the directory"):
        Worktree.open(str(tmp_path / "home"), "ada", str(tmp_path))
    assert not (tmp_path / "home").exists()


def test_hooks_of_the_repository_are_not_run(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {repository.parent}/ran\n")
    hook.chmod(0o755)
    open_in(repository).close()
    assert not (repository.parent / "ran").exists()


def test_after_kill_9_the_next_start_removes_the_worktree_and_keeps_its_changes(repository: Path) -> None:
    home = repository.parent / "home"
    program = (
        "import os, signal, sys; from codex.agents.worktrees import Worktree\n"
        "tree = Worktree.open(sys.argv[1], 'ada', sys.argv[2])\n"
        "open(os.path.join(tree.cwd, 'whole.txt'), 'w').write('whole\\n')\n"
        "tree.hand_in()\n"
        "open(os.path.join(tree.cwd, 'half.txt'), 'w').write('half\\n')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(home), str(repository)], check=False)
    assert done.returncode == -9
    living = open_in(repository, "alan")
    told = recover(str(home))
    (patch,) = [name for name in left(repository) if name.endswith(".patch")]
    (said,) = told
    assert said.endswith(f"; what it had changed in {repository} is kept in {home}/worktrees/{patch}")
    assert left(repository) == sorted(["alan", patch])
    assert not (repository / "half.txt").exists()
    git(repository, "apply", str(home / "worktrees" / patch))
    assert (repository / "whole.txt").read_text() == "whole\n"
    assert (repository / "half.txt").read_text() == "half\n"
    assert os.path.isdir(living.cwd)
    living.close()
    assert recover(str(home)) == []
    assert git(repository, "worktree", "list", "--porcelain").count("worktree ") == 1
