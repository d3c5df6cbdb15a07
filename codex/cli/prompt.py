"""Where the prompt of an `exec` comes from: the argument, stdin, or both.

    argument, stdin a terminal      the argument
    argument, stdin anything else   the argument, and what stdin holds in a <stdin> block
    argument for a resumed thread   the argument; stdin stays unread
    "-" or none                     stdin, to its end

An empty argument is a slip, unless there is something else: text on stdin, or images.

A pipe that stays open and silent beside an argument does not hold the run up for ever: it is waited for a few seconds,
or, where it comes from a command that still runs (`make test | codex exec '…'`), for ten minutes.
"""

import os
import select
import stat
import time

from codex.base.errors import UserError
from codex.cli.failure import Refusal, say
from codex.protocol.user_input import MAX_USER_INPUT_CHARS

_MAX_BYTES = 4 * MAX_USER_INPUT_CHARS  # no longer text could be within the limit of characters
_CHUNK = 1 << 16


class NoPrompt(Refusal):
    """There is nothing to do: neither an argument nor stdin held a prompt."""


def read_prompt(
    argument: str | None,
    descriptor: int = 0,
    *,
    resuming: bool = False,
    may_be_empty: bool = False,
    patience: float = 3.0,
    pipeline_patience: float = 600.0,
) -> str:
    """The whole prompt; `patience` is how many seconds a silent stdin beside an argument is waited for.

    Raises:
      NoPrompt: there is none.
      UserError: it is too long, or not text.
    """
    if argument is None or argument == "-":
        prompt = _read_required(descriptor, forced=argument == "-")
    elif resuming or os.isatty(descriptor):
        prompt = argument
    else:
        prompt = _with_stdin(argument, descriptor, patience, pipeline_patience)
    if not prompt.strip() and not may_be_empty:
        raise NoPrompt("The prompt is empty. Write one behind 'codex exec', or pipe it into stdin.")
    if len(prompt) > MAX_USER_INPUT_CHARS:
        raise _too_long(f"{len(prompt):,}")
    return prompt


def _read_required(descriptor: int, *, forced: bool) -> str:
    if os.isatty(descriptor) and not forced:
        raise NoPrompt("No prompt was given. Write one behind 'codex exec', or pipe it into stdin.")
    if not forced:
        say("Reading prompt from stdin...")
    pieces: list[bytes] = []
    while piece := os.read(descriptor, _CHUNK):
        _keep(pieces, piece)
    text = _decoded(b"".join(pieces))
    if not text.strip():
        raise NoPrompt("No prompt provided via stdin.")
    return text


def _with_stdin(argument: str, descriptor: int, patience: float, pipeline_patience: float) -> str:
    say("Reading additional input from stdin...")
    data, ended = _read_patiently(descriptor, patience, pipeline_patience)
    if not ended:
        got = f"goes on with the {len(data):,} bytes that came" if data else "goes on without it"
        say(f"stdin stayed open and silent; codex {got}. '</dev/null' behind the command saves the wait.")
    text = _decoded(data)
    if not text.strip():
        return argument
    return f"{argument}\n\n<stdin>\n{text}{'' if text.endswith(chr(10)) else chr(10)}</stdin>"


def _read_patiently(descriptor: int, patience: float, pipeline_patience: float) -> tuple[bytes, bool]:
    """What stdin holds, and whether its end was seen."""
    pieces: list[bytes] = []
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    silent_since = time.monotonic()
    told = False
    while True:
        waited = time.monotonic() - silent_since
        producer = waited >= patience and _comes_from_a_command(descriptor)
        limit = pipeline_patience if producer else patience
        if waited >= limit:
            return b"".join(pieces), False
        if producer and not told:
            told = True
            say(f"stdin comes from a command that still runs; waiting for it, at most {pipeline_patience:.0f} s")
        if poll.poll(1000 * min(limit - waited, max(patience, 0.01))):
            piece = os.read(descriptor, _CHUNK)
            if not piece:
                return b"".join(pieces), True
            _keep(pieces, piece)
            silent_since = time.monotonic()


def _comes_from_a_command(descriptor: int) -> bool:
    """Whether some process has the other end of this pipe as its stdout or stderr, as in a shell's pipeline."""
    status = os.fstat(descriptor)
    if not stat.S_ISFIFO(status.st_mode):
        return False
    wanted, own = f"pipe:[{status.st_ino}]", str(os.getpid())
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit() and name != own]
    except OSError:
        return False
    for process in processes:
        for number in ("1", "2"):
            try:
                if os.readlink(f"/proc/{process}/fd/{number}") == wanted:
                    return True
            except OSError:
                continue
    return False


def _keep(pieces: list[bytes], piece: bytes) -> None:
    pieces.append(piece)
    if len(pieces) * _CHUNK > _MAX_BYTES and sum(map(len, pieces)) > _MAX_BYTES:
        raise _too_long("more than a million")


def _too_long(count: str) -> UserError:
    return UserError(
        f"the prompt has {count} characters, the limit is {MAX_USER_INPUT_CHARS:,} (1 MiB): "
        "put the text into a file below the working directory and name the file in the prompt"
    )


def _decoded(data: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return _as(encoding, data[len(mark) :])
    return _as("utf-8", data)


def _as(encoding: str, data: bytes) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"stdin is not {encoding.upper()} text: byte {data[error.start]:#04x} at offset {error.start}; "
            "convert it first, for example with 'iconv -t UTF-8'"
        ) from None
