"""What the reviewer model is shown, and which of its answers let anything pass."""

import json

from hypothesis import given
from hypothesis import strategies as st

from codex.base.jsontext import JsonObject
from codex.context.auto_review import Verdict, describe, excerpt, read_verdict, review_items
from codex.protocol.approval import ApplyPatchApprovalRequest, ExecApprovalRequest
from codex.protocol.item import FileUpdate
from codex.protocol.response_item import input_text, message, message_text

QUESTION = ExecApprovalRequest(
    "q", "t", "u", "c", ("/bin/sh", "-c", "make install"), "/w", 0, 1, reason="May I install it?", outside=True
)
GOOD: JsonObject = {"outcome": "allow", "risk_level": "low", "rationale": "It was asked for."}


def test_a_verdict_is_read_also_from_a_fence() -> None:
    allow, deny = Verdict(True, "low", "It was asked for."), Verdict(False, "low", "It was asked for.")
    assert read_verdict(json.dumps(GOOD)) == allow
    assert read_verdict(f"```json\n{json.dumps(GOOD)}\n```") == allow
    assert read_verdict(json.dumps(GOOD | {"outcome": "deny"})) == deny


def test_what_is_no_verdict_is_none() -> None:
    for wrong in (
        "",
        "allow",
        "[]",
        '"allow"',
        json.dumps(GOOD | {"outcome": "Allow"}),
        json.dumps(GOOD | {"outcome": True}),
        json.dumps(GOOD | {"risk_level": "none"}),
        json.dumps(GOOD | {"rationale": " "}),
        json.dumps({"outcome": "allow"}),
        f"Sure! {json.dumps(GOOD)}",
        json.dumps(GOOD) * 2,
    ):
        assert read_verdict(wrong) is None, wrong


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.sampled_from([*GOOD, "x"]), x)
    ).map(json.dumps)
)
def test_no_other_text_lets_anything_pass(answer: str) -> None:
    verdict = read_verdict(answer)
    assert verdict is None or (verdict.allowed == (json.loads(answer)["outcome"] == "allow"))


def test_the_reviewer_sees_the_action_the_work_and_the_users_policy() -> None:
    history = [
        message("user", [input_text("install it")]),
        {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": '{"cmd":"make"}'},
        {"type": "function_call_output", "call_id": "c", "output": "made"},
        message("developer", [input_text("not for the reviewer")]),
    ]
    rules, shown = (message_text(item) for item in review_items(QUESTION, history, "be kind"))
    assert rules.endswith("The user adds:\nbe kind")
    assert shown == (
        'An excerpt of the agent\'s work:\n\nuser: install it\ncall of exec_command: {"cmd":"make"}\noutput: made\n\n'
        "The action under review:\n\nrun a command without the sandbox, in /w\nreason given: May I install it?\n\n"
        "/bin/sh -c 'make install'"
    )


def test_a_patch_is_shown_with_what_it_changes() -> None:
    changes = (FileUpdate("/w/a", "add", content="hello\n"), FileUpdate("/w/b", "update", unified_diff="@@\n-x\n+y\n"))
    shown = describe(ApplyPatchApprovalRequest("q", "t", "u", "c", changes, 0, 1))
    assert shown == "write a patch to files\n\nadd /w/a\nhello\n\n\nupdate /w/b\n@@\n-x\n+y\n"


def test_a_long_history_is_cut_from_its_old_end() -> None:
    history = [message("user", [input_text(f"{number} " + "x" * 5_000)]) for number in range(100)]
    text = excerpt(history)
    assert len(text) < 27_000
    assert text.startswith("(earlier items are left out)")
    assert "user: 99 " in text
