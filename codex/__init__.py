"""OpenAI Codex CLI's architecture as a supervised actor system.

`open_codex` is the door for programs; the command `codex` is the door for people.
"""

__version__ = "0.1.0"
# The version of Codex whose behaviour this one has.
CODEX_VERSION = "0.169.0"
__all__ = ["__version__", "open_codex"]

# Type checkers know this name; importing `typing` for it would be half the time of `codex --version`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from codex.engine import open_codex


def __getattr__(name: str) -> object:
    if name == "open_codex":
        from codex.engine import open_codex

        return open_codex
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
