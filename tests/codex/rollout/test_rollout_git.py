"""What a rollout says about the repository, as Git itself would."""

import subprocess
from pathlib import Path

import pytest

from codex.rollout import git_facts


def git(place: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "topic/one")
    git(repo, "commit", "-q", "--allow-empty", "-m", "start")
    return repo


def test_commit_branch_and_origin_are_told_from_any_directory_below(repo: Path) -> None:
    git(repo, "remote", "add", "origin", "https://me:secret@example.org/x.git")
    (repo / "deep").mkdir()
    assert git_facts(str(repo / "deep")) == {
        "commit_hash": git(repo, "rev-parse", "HEAD"),
        "branch": "topic/one",
        "repository_url": "https://example.org/x.git",
    }


def test_packed_refs_are_read(repo: Path) -> None:
    git(repo, "pack-refs", "--all")
    assert git_facts(str(repo)) == {"commit_hash": git(repo, "rev-parse", "HEAD"), "branch": "topic/one"}


def test_a_detached_head_has_no_branch(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    assert git_facts(str(repo)) == {"commit_hash": git(repo, "rev-parse", "HEAD")}


def test_a_worktree_has_its_own_branch(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    assert git_facts(str(tmp_path / "tree")) == {"commit_hash": git(repo, "rev-parse", "HEAD"), "branch": "other"}


def test_a_repository_without_commits_has_a_branch_only(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    assert git_facts(str(tmp_path)) == {"branch": "main"}


def test_what_is_no_repository_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert git_facts(str(tmp_path)) == {}
