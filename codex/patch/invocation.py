"""Commands that are really patches: what a model types into the shell when it means the tool.

    apply_patch <<'EOF'                  the whole script, or after `cd DIR &&`; any delimiter, quoted or not
    ["apply_patch", PATCH]               the command itself
    *** Begin Patch ...                  a bare patch as the command is refused, with the way out
Law: anything before, after or between makes it an ordinary command. A directory that the shell would expand
(`~`, `*`, `$HOME`) does so too: taken by its letters, as Codex does, the patch would land in the wrong place.
"""

import os
import re
from collections.abc import Sequence

import attrs

from codex.patch.parse import ParseError, parse_patch
from codex.patch.tool import VerificationFailed

_NAMES = ("apply_patch", "applypatch")
_SHELLS = {
    "bash": ("-c", "-lc"),
    "sh": ("-c", "-lc"),
    "zsh": ("-c", "-lc"),
    "pwsh": ("-command", "-c"),
    "powershell": ("-command", "-c"),
    "cmd": ("/c",),
}
_SCRIPT = r"""
    \s*
    (?: cd [ \t]+
        (?: '(?P<single>[^']*)' | "(?P<double>[^"$`\\]+)" | (?![-~#]) (?P<bare>[^\s'"\\$`*?\[\]{}|&;<>()]+) )
        [ \t]* && (?: \s | \\\n )* )?
    (?: apply_patch | applypatch ) [ \t]*
    <<(?P<dash>-?) [ \t]* (?: '(?P<q>[^'\n]+)' | "(?P<qq>[^"\n]+)" | \\?(?P<word>[^\s'"\\|&;<>()]+) ) [ \t]*\r?\n
    (?P<rest>.*)
"""


class ImplicitInvocation(VerificationFailed):
    """A patch was given where a command is expected."""

    def __init__(self) -> None:
        super().__init__(
            'patch detected without explicit call to apply_patch. Rerun as ["apply_patch", "<patch>"]',
        )


@attrs.frozen
class Invocation:
    """A patch found in a command (not yet read: it may be faulty), and the directory its paths start from."""

    patch_text: str
    workdir: str


def find_invocation(argv: Sequence[str], cwd: str) -> Invocation | None:
    """The patch that this command would apply, or None for an ordinary command.

    Args:
      argv: the program and its arguments, a shell with its script included.

    Raises:
      ImplicitInvocation: the command is itself a patch.
    """
    if len(argv) == 2 and argv[0] in _NAMES:
        return Invocation(argv[1], cwd)
    script = argv[0] if len(argv) == 1 else _shell_script(argv)
    if script is None:
        return None
    if "*** Begin Patch" in script and _is_patch(script):
        raise ImplicitInvocation
    return _heredoc(script, cwd) if len(argv) > 1 else None


def _is_patch(text: str) -> bool:
    try:
        parse_patch(text)
    except ParseError:
        return False
    return True


def _shell_script(argv: Sequence[str]) -> str | None:
    flags = _SHELLS.get(os.path.basename(argv[0]).lower().removesuffix(".exe"), ()) if argv else ()
    options = [argument.lower() for argument in argv[1:-1]]
    if options[:1] == ["-noprofile"] and "-command" in flags:
        del options[0]
    return argv[-1] if len(options) == 1 and options[0] in flags else None


def _heredoc(script: str, cwd: str) -> Invocation | None:
    if "apply" not in script:
        return None
    found = re.fullmatch(_SCRIPT, script, re.VERBOSE | re.DOTALL)
    if found is None:
        return None
    delimiter = found["q"] or found["qq"] or found["word"]
    body = _body(found["rest"], delimiter)
    if body is None:
        return None
    if found["dash"]:
        body = [line.lstrip("\t") for line in body]
    directory = found["single"] or found["double"] or found["bare"] or ""
    return Invocation("\n".join(body), os.path.normpath(os.path.join(cwd, directory)))


def _body(text: str, delimiter: str) -> list[str] | None:
    """The lines up to the delimiter, or to the end where it is missing; None when more follows it."""
    lines = text.split("\n")
    ends = [number for number, line in enumerate(lines) if line.strip() == delimiter]
    if not ends:
        return lines
    return None if "".join(lines[ends[0] + 1 :]).strip() else lines[: ends[0]]
