"""Rules files decide about commands: what they allow leaves the sandbox, what they forbid never runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codex.base.errors import UserError
from codex.protocol.approval import (
    Approved,
    ApprovedExecpolicyAmendment,
    Denied,
    ExecApprovalRequest,
    Question,
    ReviewDecision,
)
from codex.protocol.event import ActionRefused, EventMsg, Warning
from codex.protocol.permission import ApprovalPolicy, Granular
from codex.testing import call, open_test_codex, text

RULES = """
prefix_rule(pattern=["touch", "allowed"])
prefix_rule(pattern=["touch", "asked"], decision="prompt", justification="touching is a matter of taste")
prefix_rule(pattern=["touch", "never"], decision="forbidden", justification="use another name")
"""
NO_RULES = Granular(sandbox_approval=True, rules=False)


def home_with(tmp_path: Path, rules: str = RULES) -> Path:
    home = tmp_path / "home"
    (home / "rules").mkdir(parents=True)
    (home / "rules/default.rules").write_text(rules)
    return home


def touch(name: str, call_id: str = "call_1", **more: Any) -> Any:
    return call("exec_command", call_id, cmd=f"touch {name}", **more)


def refusals(events: Sequence[EventMsg]) -> list[str]:
    return [event.reason for event in events if isinstance(event, ActionRefused)]


@pytest.mark.parametrize(
    ("policy", "name", "asked", "made"),
    [
        ("never", "allowed", False, True),
        ("never", "asked", False, False),
        ("never", "never", False, False),
        ("on-request", "allowed", False, True),
        ("on-request", "asked", True, False),
        ("on-request", "never", False, False),
        ("untrusted", "allowed", False, True),
        ("untrusted", "never", False, False),
        ("permissive", "asked", True, True),
        ("permissive", "never", False, False),
        (NO_RULES, "allowed", False, True),
        (NO_RULES, "asked", False, False),
    ],
)
async def test_each_policy_follows_the_rules(
    tmp_path: Path, policy: ApprovalPolicy, name: str, asked: bool, made: bool
) -> None:
    seen: list[Question] = []

    def answer(question: Question) -> bool:
        seen.append(question)
        return True

    async with open_test_codex(
        [[touch(name)], [text("done")]], home=home_with(tmp_path), sandbox="read-only", approval_policy=policy
    ) as codex:
        await codex.run_turn("go", on_approval=answer)
        # A yes to a rule's question is none to leaving the sandbox, which stops the command then.
        assert (codex.cwd / name).exists() == made
    assert [question.reason for question in seen] == (["touching is a matter of taste"] if asked else [])


async def test_one_part_that_no_rule_allows_keeps_the_whole_script_in_the_sandbox(tmp_path: Path) -> None:
    script = [[call("exec_command", cmd="touch allowed && touch other")], [text("done")]]
    async with open_test_codex(script, home=home_with(tmp_path), sandbox="read-only") as codex:
        await codex.run_turn("go")
        assert not (codex.cwd / "allowed").exists()


async def test_a_refusal_by_a_rule_says_why(tmp_path: Path) -> None:
    script = [[touch("never")], [touch("asked", "call_2")], [text("done")]]
    async with open_test_codex(script, home=home_with(tmp_path), sandbox="read-only") as codex:
        events = await codex.run_turn("go")
        outputs = [codex.requests[2].output_of(name) for name in ("call_1", "call_2")]
    forbidden, asked = refusals(events)
    assert forbidden.endswith("touch never'` rejected: use another name")
    assert "touch asked'` rejected: a rule asks for an approval, and the policy never" in asked
    assert ["use another name" in outputs[0], "a rule asks for an approval" in outputs[1]] == [True, True]


async def test_an_allowed_removal_by_force_is_not_refused(tmp_path: Path) -> None:
    home = home_with(tmp_path, 'prefix_rule(pattern=["rm", "-rf", "build"])')
    script = [[call("exec_command", cmd="rm -rf build")], [text("done")]]
    async with open_test_codex(script, home=home, sandbox="read-only") as codex:
        (codex.cwd / "build").mkdir()
        await codex.run_turn("go")
        assert not (codex.cwd / "build").exists()


async def test_a_broken_rules_file_keeps_a_thread_from_starting(tmp_path: Path) -> None:
    home = home_with(tmp_path, 'prefix_rule(pattern=["git"])\nprefix_rule(pattern=[])\n')
    with pytest.raises(UserError, match=r"default\.rules:2:\d+: "):
        async with open_test_codex([[text("hi")]], home=home):
            raise AssertionError("it must not start")


async def test_rules_of_a_project_count_where_it_is_trusted(tmp_path: Path) -> None:
    for trusted in (True, False):
        cwd = tmp_path / f"project-{trusted}" / "inner"
        rules = cwd.parent / ".codex/rules"
        rules.mkdir(parents=True)
        cwd.mkdir()
        (rules / "own.rules").write_text(RULES)
        script = [[touch("allowed")], [text("done")]]
        async with open_test_codex(
            script,
            cwd=cwd,
            sandbox="read-only",
            trust_level="trusted" if trusted else None,
            project_root=str(cwd.parent),
        ) as codex:
            await codex.run_turn("go")
        assert (cwd / "allowed").exists() == trusted


async def test_rules_can_be_left_unread(tmp_path: Path) -> None:
    script = [[touch("allowed")], [text("done")]]
    async with open_test_codex(script, home=home_with(tmp_path), sandbox="read-only", ignore_rules=True) as codex:
        await codex.run_turn("go")
        assert not (codex.cwd / "allowed").exists()
        assert "user's rules" not in codex.requests[0].texts("developer")[-1]


async def test_the_model_is_told_what_the_rules_allow(tmp_path: Path) -> None:
    async with open_test_codex([[text("hi")]], home=home_with(tmp_path), sandbox="read-only") as codex:
        await codex.run_turn("go", on_approval=lambda _: Approved())
        told = "\n".join(codex.requests[0].texts("developer"))
    assert '- `["touch", "allowed"]`' in told
    assert "asked" not in told.split("user's rules")[1].split("</permissions")[0]


LEAVE: dict[str, Any] = {"sandbox_permissions": "require_escalated"}


class Always:
    """Says yes for good to whatever is proposed, and no where nothing is."""

    def __init__(self) -> None:
        self.proposed: list[tuple[str, ...] | None] = []

    def __call__(self, question: Question) -> ReviewDecision:
        assert isinstance(question, ExecApprovalRequest)
        prefix = question.proposed_execpolicy_amendment
        self.proposed.append(prefix)
        return Denied() if prefix is None else ApprovedExecpolicyAmendment(prefix)


async def test_a_yes_for_good_becomes_a_rule_that_counts_at_once_and_later(tmp_path: Path) -> None:
    home, answers = tmp_path / "home", Always()
    calls = [
        touch("made", "c1", **LEAVE),
        touch("made", "c2", **LEAVE),
        touch("other", "c3", prefix_rule=["touch"], **LEAVE),
        touch("third", "c4"),
    ]
    script = [*([one] for one in calls), [text("done")]]
    async with open_test_codex(script, home=home, sandbox="read-only", approval_policy="on-request") as codex:
        await codex.run_turn("go", on_approval=answers)
        assert sorted(path.name for path in codex.cwd.iterdir()) == ["made", "other", "third"]
    assert answers.proposed == [("touch", "made"), ("touch",)]
    assert (home / "rules/default.rules").read_text() == (
        'prefix_rule(pattern=["touch", "made"], decision="allow")\nprefix_rule(pattern=["touch"], decision="allow")\n'
    )
    async with open_test_codex([[touch("again")], [text("done")]], home=home, sandbox="read-only") as codex:
        await codex.run_turn("go")
        assert (codex.cwd / "again").exists()
        assert '- `["touch"]`' in "\n".join(codex.requests[0].texts("developer"))


async def test_nothing_is_proposed_for_good_that_could_mean_anything(tmp_path: Path) -> None:
    answers = Always()
    commands = ["rm -r made", "touch made && python3 x.py", "bash"]
    script = [[call("exec_command", cmd=cmd, prefix_rule=["bash"], **LEAVE)] for cmd in commands]
    turns = [turn for one in script for turn in (one, [text("done")])]
    async with open_test_codex(
        turns, home=tmp_path / "home", sandbox="read-only", approval_policy="on-request"
    ) as codex:
        for _ in commands:
            await codex.run_turn("go", on_approval=answers)
    assert answers.proposed == [None] * len(commands)


async def test_a_rule_that_cannot_be_kept_is_told_and_the_yes_holds(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "rules").write_text("not a directory")
    script = [[touch("made", **LEAVE)], [text("done")]]
    async with open_test_codex(script, home=home, sandbox="read-only", approval_policy="on-request") as codex:
        events = await codex.run_turn("go", on_approval=Always())
        assert (codex.cwd / "made").exists()
    (warning,) = [event for event in events if isinstance(event, Warning)]
    assert warning.message.startswith(f"cannot add a rule to {home}/rules/default.rules: ")


OWNER = {"prefix_rules": [{"pattern": [{"token": "touch"}, {"any_of": ["allowed"]}], "decision": "forbidden"}]}


@pytest.mark.parametrize("ignore_rules", [False, True])
async def test_rules_of_the_machines_owner_win_over_every_file_and_cannot_be_left_unread(
    tmp_path: Path, ignore_rules: bool
) -> None:
    script = [[touch("allowed"), touch("other", "call_2")], [text("done")]]
    async with open_test_codex(
        script,
        home=home_with(tmp_path),
        ignore_rules=ignore_rules,
        owner_rules=OWNER,
        owner_rules_file="requirements.toml",
    ) as codex:
        await codex.run_turn("go")
        assert sorted(path.name for path in codex.cwd.iterdir()) == ["other"]


async def test_broken_rules_of_the_owner_keep_a_thread_from_starting(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"requirements\.toml: rules: expected prefix_rules"):
        async with open_test_codex([[text("hi")]], owner_rules={}, owner_rules_file="requirements.toml"):
            pass
