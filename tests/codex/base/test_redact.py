"""Secrets are cut out of texts, innocent words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.base.redact import HIDDEN, redact, secrets_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-proj-abcdEFGH1234_-x is", f"key {HIDDEN} is"),
        ("Authorization: Bearer abc.def-ghi_123", f"Authorization: {HIDDEN} {HIDDEN}"),
        ('{"api_key": "abcdefgh", "x": 1}', f'{{"api_key": "{HIDDEN}", "x": 1}}'),
        ("OPENAI_API_KEY=abcdefghij", f"OPENAI_API_KEY={HIDDEN}"),
        ("experimental_bearer_token = 'abcdef'", f"experimental_bearer_token = '{HIDDEN}'"),
        ("ghp_0123456789abcdefghij", HIDDEN),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", HIDDEN),
        ("https://me:hunter2@host/x", f"https://{HIDDEN}@host/x"),
        ("https://host/x?token=abcdef&y=1", f"https://host/x?token={HIDDEN}&y=1"),
        ("total_tokens: 12345, a keyboard, secretary", "total_tokens: 12345, a keyboard, secretary"),
        ("sandbox_mode = workspace-write", "sandbox_mode = workspace-write"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_values_of_variables_with_telling_names_are_secrets() -> None:
    environ = {"MY_KEY": "correct horse", "GH_TOKEN": "battery staple", "PATH": "/usr/bin:/bin", "A_SECRET": "1"}
    secrets = secrets_of(environ)
    assert secrets == {"correct horse", "battery staple"}
    assert redact("say correct horse, battery staple, /usr/bin:/bin", secrets) == (
        f"say {HIDDEN}, {HIDDEN}, /usr/bin:/bin"
    )


@given(st.text(), st.text("abcXYZ-_ 019", min_size=8), st.text())
def test_no_given_secret_survives(before: str, secret: str, after: str) -> None:
    if secret not in HIDDEN:
        assert secret not in redact(before + secret + after, [secret]).replace(HIDDEN, "\0")


@given(st.text())
def test_any_text_can_be_redacted_and_again_without_a_change(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
