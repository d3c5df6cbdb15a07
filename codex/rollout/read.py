"""Reading rollouts: ours and Codex's, whole or damaged."""

from collections.abc import Iterator

import attrs

from codex.base.jsontext import JsonObject, decode_object, get_int, get_object, get_str
from codex.rollout.errors import RolloutUnreadable
from codex.rollout.listing import find_rollout

MAX_LINE_BYTES = 256 * 1024 * 1024
_MAX_BASES = 64


@attrs.frozen
class Fault:
    """A line that could not be used; numbers count from 1."""

    number: int
    reason: str


@attrs.define
class Reading:
    """Lines of one file as they come; `faults` and `torn` are filled on the way."""

    path: str
    faults: list[Fault] = attrs.field(factory=list[Fault])
    torn: bool = False

    def __iter__(self) -> Iterator[JsonObject]:
        """The lines that hold a JSON object, in order. A torn last line is left out and no fault.

        Raises:
          RolloutUnreadable: the file cannot be opened or read.
        """
        if self.path.endswith(".zst"):
            raise RolloutUnreadable(self.path, "it is compressed; unpack it first with `zstd -d --rm`")
        try:
            with open(self.path, "rb") as file:
                number = 0
                while raw := file.readline(MAX_LINE_BYTES):
                    number += 1
                    whole = raw.endswith(b"\n")
                    if not whole and len(raw) == MAX_LINE_BYTES:
                        while not raw.endswith(b"\n") and (raw := file.readline(MAX_LINE_BYTES)):
                            pass
                        self.faults.append(Fault(number, f"longer than {MAX_LINE_BYTES} bytes"))
                        continue
                    line = self._decode(raw, number, last=not whole)
                    if line is not None:
                        yield line
        except OSError as error:
            raise RolloutUnreadable(self.path, error.strerror or str(error)) from error

    def _decode(self, raw: bytes, number: int, *, last: bool) -> JsonObject | None:
        try:
            return decode_object(raw)
        except ValueError as error:
            if last:
                self.torn = True
            elif raw.strip():
                self.faults.append(Fault(number, _reason(raw, error)))
            return None


def _reason(raw: bytes, error: ValueError) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return f"not UTF-8 at byte {wrong.start + 1}"
    return f"not JSON: {error}"


def read_meta(path: str) -> JsonObject:
    """The payload of the first line, which says whose rollout it is.

    Raises:
      RolloutUnreadable: there is none.
    """
    for line in Reading(path):
        if line.get("type") == "session_meta":
            return get_object(line, "payload")
        break
    raise RolloutUnreadable(path, "its first line is no session_meta")


def read_base(meta: JsonObject, codex_home: str) -> list[JsonObject]:
    """The lines that a fork's rollout builds on instead of holding them itself, oldest first.

    Raises:
      RolloutNotFound, RolloutUnreadable: the rollout it was forked from is gone or damaged.
    """
    chain: list[list[JsonObject]] = []
    seen: set[str] = set()
    base = get_object(meta, "history_base")
    while base and len(chain) < _MAX_BASES:
        thread_id, end = get_str(base, "thread_id"), get_int(base, "end_ordinal_exclusive")
        if thread_id in seen:
            raise RolloutUnreadable(thread_id, "its forks form a circle")
        seen.add(thread_id)
        file = find_rollout(codex_home, thread_id)
        lines = [line for line in Reading(file.path) if get_int(line, "ordinal", end) < end]
        chain.append([line for line in lines if line.get("type") != "session_meta"])
        own = [get_object(line, "payload") for line in lines if line.get("type") == "session_meta"]
        base = get_object(own[0], "history_base") if own else {}
    return [line for part in reversed(chain) for line in part]
