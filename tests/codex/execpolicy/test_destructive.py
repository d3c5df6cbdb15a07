"""What destroys something for good is recognised wherever a shell would run it; what only looks is left alone."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from codex.execpolicy import is_dangerous, is_destructive


@pytest.mark.parametrize(
    "script",
    [
        "rm x",
        "rmdir x && ls",
        "find . -name '*.pyc' -delete",
        "find . -name '*.pyc' -exec rm {} +",
        "ls | xargs -n 1 rm",
        "timeout 5 shred secret",
        "git reset --hard",
        "git -C /repo -c a=b clean -fdx",
        "git checkout -- file",
        "git checkout .",
        "git restore file",
        "git restore --staged --worktree file",
        "git push --force origin main",
        "git push -uf origin main",
        "git branch -D topic",
        "git stash drop",
        "dd if=/dev/zero of=disk",
        "mkfs.ext4 /dev/sdb1",
        "sudo systemctl stop nginx",
        "docker system prune -a",
        "kubectl delete pod x",
        "terraform destroy",
        "bash -c 'git reset --hard'",
        "echo $(rm x)",
    ],
)
def test_what_destroys_for_good_is_destructive(script: str) -> None:
    assert is_destructive(["/bin/bash", "-lc", script])


@pytest.mark.parametrize(
    "script",
    [
        "ls -la",
        "git status && git log -f",
        "git reset HEAD~1",
        "git checkout main",
        "git checkout -b topic",
        "git restore --staged file",
        "git push origin main",
        "git branch topic",
        "git clean -n",
        "find . -name '*.pyc' -print",
        "echo rm x",
        "grep -r 'git reset --hard' docs",
        "docker ps",
        "systemctl status nginx",
        "git",
        "",
    ],
)
def test_what_only_reads_or_can_be_taken_back_is_not(script: str) -> None:
    assert not is_destructive(["/bin/bash", "-lc", script])


@given(st.lists(st.sampled_from(["rm", "-f", "sudo", "env", "A=1", "x", "-rf", "timeout", "git"]), max_size=6))
def test_what_is_dangerous_is_destructive_too(argv: list[str]) -> None:
    assert is_destructive(argv) >= is_dangerous(argv)


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=200))
def test_any_command_gets_an_answer(argv: list[str], script: str) -> None:
    assert is_destructive(argv) in (True, False)
    assert is_destructive(["bash", "-c", script]) in (True, False)
