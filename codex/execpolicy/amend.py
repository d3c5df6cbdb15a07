"""Rules that grow from answers: what "always allow" would add, and adding it to a file.

    propose_prefix         pure: the prefix to offer, or none
    append_prefix_rule     blocking: one line at the end of a rules file
    append_network_rule

Codex appends to the same file under a lock on the file itself. So do we, and the file is not replaced: a line that
Codex writes at the same time would be lost with the old file. A rule is written in one piece; if that fails, the file
is cut back to what it was.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from codex.execpolicy.dangerous import is_dangerous
from codex.execpolicy.decide import Rules
from codex.execpolicy.errors import AmendError, RulesError
from codex.execpolicy.hosts import normalize_host, read_protocol
from codex.execpolicy.parse import parse_rules
from codex.execpolicy.rule import DECISIONS, Decision, NetworkRule, PrefixRule
from codex.execpolicy.too_wide import is_too_wide

DEFAULT_FILE = os.path.join("rules", "default.rules")
"""The file below $CODEX_HOME to which answers are added."""
LOCK_SECONDS = 10.0
"""How long another program may keep the file locked."""

_RETRY_SECONDS = 0.02


def propose_prefix(
    rules: Rules, argv: Sequence[str], requested: Sequence[str] = (), *, resolve_host_executables: bool = True
) -> tuple[str, ...] | None:
    """The prefix that "always allow" would add for a command; None when there is none to offer.

    Args:
      requested: what the model asked for; without it, or where it does not do, the first command as a whole is tried.

    There is none when a rule matches already, and none that is too wide, forces a removal, or leaves a command of the
    script without a rule.
    """
    found = rules.evaluate(argv, resolve_host_executables=resolve_host_executables)
    if found.decision is not None:
        return None
    for candidate in (tuple(requested), found.segments[0].argv):
        if is_too_wide(candidate) or is_dangerous(candidate) or not _is_text(candidate):
            continue
        widened = rules.with_prefix(candidate)
        if widened.evaluate(argv, resolve_host_executables=resolve_host_executables).all_allowed:
            return candidate
    return None


def append_prefix_rule(file: str | Path, prefix: Sequence[str], *, lock_seconds: float = LOCK_SECONDS) -> bool:
    """Allow commands that start with `prefix`, from the next reading of the file on; False if it says so already.

    Directories are created. Waits for the lock, so call it in a thread while an event loop runs.

    Raises:
      AmendError: the prefix is empty or no text, the file cannot be read as rules, is locked, or cannot be written.
    """
    if not prefix:
        raise AmendError(str(file), "the prefix is empty; it needs the first word of a command at least")
    rule = PrefixRule(tuple((word,) for word in prefix))
    line = f'prefix_rule(pattern=[{", ".join(_quoted(file, word) for word in prefix)}], decision="allow")'
    return _append(file, line, lambda rules: rule in rules.prefix_rules, lock_seconds)


def append_network_rule(
    file: str | Path,
    host: str,
    protocol: str,
    decision: Decision,
    justification: str | None = None,
    *,
    lock_seconds: float = LOCK_SECONDS,
) -> bool:
    """Decide about connections to `host` from the next reading of the file on; False if it says so already.

    Waits and raises as `append_prefix_rule`.
    """
    try:
        rule = NetworkRule(normalize_host(host), read_protocol(protocol), decision, justification)
    except ValueError as error:
        raise AmendError(str(file), str(error)) from error
    if decision not in DECISIONS:
        raise AmendError(str(file), f"there is no decision {decision!r}; there are: {', '.join(DECISIONS)}")
    said = "deny" if decision == "forbidden" else decision
    why = "" if justification is None else f", justification={_quoted(file, justification)}"
    host = _quoted(file, rule.host)
    line = f'network_rule(host={host}, protocol="{rule.protocol}", decision="{said}"{why})'
    return _append(file, line, lambda rules: rule in rules.network_rules, lock_seconds)


def _is_text(words: Sequence[str]) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for word in words for letter in word)


def _quoted(file: str | Path, text: str) -> str:
    """A string as Starlark, and Codex, read it."""
    if not _is_text([text]):
        raise AmendError(str(file), f"{text!r} is no text in UTF-8")
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return (
        '"' + "".join(escapes.get(c, c if c.isprintable() or ord(c) > 0x9F else f"\\x{ord(c):02x}") for c in text) + '"'
    )


def _append(file: str | Path, line: str, is_there: Callable[[Rules], bool], lock_seconds: float) -> bool:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)
        descriptor = _open_locked(file, lock_seconds)
    except OSError as error:
        raise AmendError(str(file), error.strerror or str(error)) from error
    try:
        return _append_locked(descriptor, str(file), line, is_there)
    except OSError as error:
        raise AmendError(str(file), error.strerror or str(error)) from error
    finally:
        os.close(descriptor)  # the lock goes with it


def _append_locked(descriptor: int, file: str, line: str, is_there: Callable[[Rules], bool]) -> bool:
    before = _read(descriptor)
    added = b"" if not before or before.endswith(b"\n") else b"\n"
    added += line.encode("utf-8") + b"\n"
    try:
        if is_there(parse_rules([(file, before.decode("utf-8"))])):
            return False
        parse_rules([(file, (before + added).decode("utf-8"))])
    except (RulesError, UnicodeDecodeError) as error:
        raise AmendError(file, f"mend it first: {error}") from error
    try:
        if os.write(descriptor, added) != len(added):
            raise AmendError(file, "no room is left on the disk")
        os.fsync(descriptor)
    except (OSError, AmendError):
        os.ftruncate(descriptor, len(before))
        raise
    return True


def _read(descriptor: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def _open_locked(file: str | Path, lock_seconds: float) -> int:
    """The file, opened for appending and locked; opened again when somebody has replaced it meanwhile."""
    deadline = time.monotonic() + lock_seconds
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() >= deadline:
            raise OSError(0, f"another program has locked it for {lock_seconds:g} seconds")
        time.sleep(_RETRY_SECONDS)


def _lock(descriptor: int) -> bool:
    """Whether the lock is ours now."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
