"""Reading rollouts: ours and Codex's, whole or damaged, packed or not."""

import os
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import attrs

from codex.base.frozen import frozen
from codex.base.jsontext import JsonObject, decode_object, get_int, get_object, get_str
from codex.rollout.compressed import damages, open_lines
from codex.rollout.errors import RolloutUnreadable
from codex.rollout.listing import find_segment

MAX_LINE_BYTES = 256 * 1024 * 1024
_MAX_BASES = 64
_BLOCK = 1 << 20
# What both programs write; a line that looks otherwise is decoded.
_HEAD = re.compile(
    rb'\{"timestamp":"[^"]{0,40}",(?:"ordinal":(\d+),)?"type":"([a-z_]+)","payload":\{(?:"type":"([a-z_]+)")?'
)
_TOKENS = (b"token_usage_record", b"token_count")
_PATCH, _PATCH_WITHIN = b'"item":{"type":"FileChange"', 600
# What a later compaction makes meaningless.
_HISTORY = frozenset((b"response_item", b"inter_agent_communication", b"compacted"))
_COMPACTED, _REPLACEMENT = b'"type":"compacted","payload":{', b'"replacement_history":['
_FOR_SCREENS = frozenset((b"item_completed", b"agent_message", b"user_message", b"agent_reasoning"))


@frozen
class Fault:
    """A line that could not be used; numbers count from 1."""

    number: int
    reason: str


def _is_for_screens(event: bytes | None, raw: bytes) -> bool:
    """Whether a resume can do without the event; what patches wrote is told in no other line."""
    return event in _FOR_SCREENS and not (event == b"item_completed" and raw.find(_PATCH, 0, _PATCH_WITHIN) >= 0)


@attrs.define
class Reading:
    """Lines of one file as they come; `faults` and `torn` are filled on the way.

    `end_ordinal`: only the lines before this one, where the file is the base of another.
    """

    path: str
    end_ordinal: int | None = None
    faults: list[Fault] = attrs.field(factory=list[Fault])
    torn: bool = False

    def __iter__(self) -> Iterator[JsonObject]:
        """The lines that hold a JSON object, in order. A torn last line is left out and no fault.

        Raises:
          RolloutUnreadable: the file cannot be opened or read.
        """
        for number, raw, whole in self.raw_lines():
            line = self.decode(raw, number, last=not whole)
            if line is not None:
                yield line

    def telling(self) -> Iterator[JsonObject]:
        """The lines that a resume needs, many times faster than all of them.

        What is for screens only is left out, and so is what the history was before the last compaction. Of settings and
        token counts the last ones are given, at the end.
        """
        context = tokens = b""
        context_number = tokens_number = 0
        replaced, at = last_replacement(self.path, self.end_ordinal), 0
        for number, raw, whole in self.raw_lines():
            at += len(raw)
            head = _HEAD.match(raw) if whole else None
            kind, event = head.group(2, 3) if head else (b"", None)
            if at <= replaced and not self.faults and (kind in _HISTORY or event == b"thread_rolled_back"):
                continue
            if kind in _TOKENS or event in _TOKENS:
                tokens, tokens_number = raw, number
            elif kind == b"turn_context":
                context, context_number = raw, number
            elif kind != b"world_state" and not (kind == b"event_msg" and _is_for_screens(event, raw)):
                line = self.decode(raw, number, last=not whole)
                if line is not None:
                    yield line
        for raw, number in ((context, context_number), (tokens, tokens_number)):
            line = self.decode(raw, number, last=False)
            if line is not None:
                yield line

    def raw_lines(self) -> Iterator[tuple[int, bytes, bool]]:
        """Number, bytes, and whether its newline is there, of every line."""
        try:
            with open_lines(self.path) as file:
                number = 0
                while raw := file.readline(MAX_LINE_BYTES):
                    number += 1
                    whole = raw.endswith(b"\n")
                    if not whole and len(raw) == MAX_LINE_BYTES:
                        while not raw.endswith(b"\n") and (raw := file.readline(MAX_LINE_BYTES)):
                            pass
                        self.faults.append(Fault(number, f"longer than {MAX_LINE_BYTES} bytes"))
                        continue
                    if self.end_ordinal is not None and line_head(raw).ordinal >= self.end_ordinal:
                        return
                    yield number, raw, whole
        except OSError as error:
            raise RolloutUnreadable(self.path, error.strerror or str(error)) from error
        except ModuleNotFoundError as error:
            reason = "it is compressed; unpack it with `zstd -d --rm`, or install the package zstandard"
            raise RolloutUnreadable(self.path, reason) from error
        except damages() as error:
            raise RolloutUnreadable(self.path, f"its compressed data are damaged: {error}") from error

    def decode(self, raw: bytes, number: int, *, last: bool) -> JsonObject | None:
        """The object of a line; None, and a fault, when it is damaged (`last`: torn, which is none)."""
        try:
            return decode_object(raw)
        except ValueError as error:
            if last:
                self.torn = True
            elif raw.strip():
                self.faults.append(Fault(number, _reason(raw, error)))
            return None


def last_replacement(path: str, end_ordinal: int | None = None) -> int:
    """Where the last line begins, in bytes, that puts another history into the place of the one before it; else 0.

    It is looked for from the end, so that all before it need not be decoded. In a packed file none is found.
    """
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            while (found := _rfind(file, _COMPACTED, end)) >= 0:
                end = _rfind(file, b"\n", found) + 1
                file.seek(end)
                raw = file.readline(MAX_LINE_BYTES)
                head = _HEAD.match(raw)
                if head is None or head.group(2) != b"compacted" or _REPLACEMENT not in raw:
                    continue
                if raw.endswith(b"\n") and (end_ordinal is None or int(head.group(1) or -1) < end_ordinal):
                    return end
    except OSError:  # it is read soon, and then told
        pass
    return 0


def _rfind(file: BinaryIO, wanted: bytes, end: int) -> int:
    """Where the last of these bytes begin that end at `end` at the latest; -1: nowhere."""
    while end >= len(wanted):
        start = max(end - _BLOCK, 0)
        file.seek(start)
        found = file.read(end - start).rfind(wanted)
        if found >= 0:
            return start + found
        if start == 0:
            break
        end = start + len(wanted) - 1
    return -1


class Head(NamedTuple):
    """What a line is, without having decoded it: `ordinal` is -1 where it has none."""

    ordinal: int
    kind: bytes
    event: bytes


def line_head(raw: bytes) -> Head:
    """The head of a line; of a damaged one nothing is known."""
    head = _HEAD.match(raw)
    if head is not None:
        return Head(int(head.group(1) or -1), head.group(2), head.group(3) or b"")
    try:
        line = decode_object(raw)
    except ValueError:
        return Head(-1, b"", b"")
    event = get_str(get_object(line, "payload"), "type")
    return Head(get_int(line, "ordinal", -1), get_str(line, "type").encode(), event.encode())


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


@frozen
class Base:
    """What a rollout builds on instead of holding it itself: the lines of a segment before an ordinal."""

    segment_id: str
    end_ordinal: int
    end_byte: int = 0

    def payload(self) -> JsonObject:
        """As a `session_meta` names it. Codex calls the segment's id a thread's."""
        return {
            "thread_id": self.segment_id,
            "end_ordinal_exclusive": self.end_ordinal,
            "end_byte_offset": self.end_byte,
        }


def base_of(meta: JsonObject) -> Base | None:
    """What a rollout with this `session_meta` builds on."""
    base = get_object(meta, "history_base")
    if not base:
        return None
    return Base(get_str(base, "thread_id"), get_int(base, "end_ordinal_exclusive"), get_int(base, "end_byte_offset"))


def read_bases(meta: JsonObject, codex_home: str) -> list[Reading]:
    """The beginnings that a rollout builds on, the oldest first.

    Raises:
      RolloutNotFound, RolloutUnreadable: one of them is gone or damaged.
    """
    chain: list[Reading] = []
    seen: set[str] = set()
    base = base_of(meta)
    while base is not None:
        if base.segment_id in seen or len(seen) == _MAX_BASES:
            raise RolloutUnreadable(base.segment_id, "its forks form a circle, or too long a chain")
        seen.add(base.segment_id)
        path = find_segment(codex_home, base.segment_id).path
        chain.append(Reading(path, base.end_ordinal))
        base = base_of(read_meta(path))
    return chain[::-1]
