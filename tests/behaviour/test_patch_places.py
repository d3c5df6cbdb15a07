"""What is approved is what is written: links put in the way of a patch while it is decided lead nowhere."""

from pathlib import Path

import pytest

from codex.protocol.approval import Question
from codex.protocol.permission import SandboxPolicy
from codex.testing import open_test_codex, patch, text

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux can hold a directory")


async def test_a_link_that_comes_while_the_question_is_open_does_not_lead_the_patch_away(tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    (work / "d").mkdir(parents=True)

    def swap(_question: Question) -> bool:
        (work / "d").rmdir()
        (work / "d").symlink_to(outside)
        return True

    script = [[patch("*** Add File: d/made\n+hello")], [text("done")]]
    async with open_test_codex(script, cwd=work, sandbox="workspace-write", approval_policy="untrusted") as codex:
        await codex.run_turn("go", on_approval=swap)
        assert "Failed to write file" in codex.requests[-1].output_of("call_1")
    assert list(outside.iterdir()) == []


async def test_a_link_outside_is_not_removed_because_it_leads_inside(tmp_path: Path) -> None:
    link, work = tmp_path / "link", tmp_path / "work"
    work.mkdir()
    (work / "file").write_text("inside\n")
    link.symlink_to(work / "file")
    script = [[patch(f"*** Delete File: {link}")], [text("done")]]
    policy = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    async with open_test_codex(script, cwd=work, sandbox_policy=policy) as codex:
        await codex.run_turn("go")
    assert link.is_symlink()
