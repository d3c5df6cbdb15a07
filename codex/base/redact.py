"""Secrets do not belong into logs and messages: they are cut out by their shape, their label or their value."""

from collections.abc import Iterable, Mapping
from typing import Protocol

HIDDEN = "[redacted]"
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")
# Shorter values (a port, "true", a user's name) would cut holes into innocent text.
_SHORTEST_SECRET = 8

# The part before the word is bounded, so that no text takes quadratic time.
_LABEL = r"(?:[a-z0-9_-]{0,40}(?:api[_-]?key|token|secret|password|passwd|credential)s?|authorization|cookie)"
_PATTERN_TEXTS = (
    # sk-…, ghp_…, xoxb-…, AKIA…, JSON Web Tokens
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}",
    r"\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{16,}|\bglpat-[A-Za-z0-9_-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}|\bA[KS]IA[A-Z0-9]{16}\b",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?",
    r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}",
    # https://user:password@host
    r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
)


class _Pattern(Protocol):
    def sub(self, repl: str, string: str) -> str: ...


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without what looks like a key, a token or a password, and without the given secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    shapes, labels = _patterns()
    return labels.sub(r"\g<1>" + HIDDEN, shapes.sub(HIDDEN, text))


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of variables whose names speak of keys, tokens or secrets."""
    return frozenset(
        value for name, value in environ.items() if is_secret_name(name) and len(value) >= _SHORTEST_SECRET
    )


def is_secret_name(name: str) -> bool:
    """Whether a variable, key or header of this name holds something that must not be shown."""
    upper = name.upper()
    return any(word in upper for word in SECRET_WORDS)


_compiled: list[_Pattern] = []


def _patterns() -> tuple[_Pattern, _Pattern]:
    # Compiled at the first use: a start without a log record does not pay for it.
    if not _compiled:
        import re

        _compiled.append(re.compile("|".join(_PATTERN_TEXTS)))
        _compiled.append(
            re.compile(rf"""(?i)(["']?\b{_LABEL}["']?\s*[=:]\s*["']?)(?!\[redacted\]|\d+\b)[^\s"',;&}}]{{4,}}""")
        )
    return _compiled[0], _compiled[1]
