"""Whether a failed command looks as if the sandbox had stopped it. A guess: it only decides what is offered next."""

_SAYS_SO = (
    "operation not permitted",
    "permission denied",
    "read-only file system",
    "seccomp",
    "sandbox",
    "landlock",
    "failed to write file",
)
_SIGSYS_EXIT = 128 + 31


def looks_denied(exit_code: int, output: str) -> bool:
    """Whether the sandbox is likely to blame for this exit of a command that ran in one.

    A word of denial in the output counts whatever the exit code; without one only a death by the filter does.
    """
    if exit_code == 0:
        return False
    text = output.lower()
    return exit_code == _SIGSYS_EXIT or any(words in text for words in _SAYS_SO)
