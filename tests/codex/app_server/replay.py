"""The client's side of Codex's recorded app-server sessions, replayed against our server.

What was recorded and what we say are both reduced to words: the method, an item's type and status, a thread's status.
Ids, times and texts are left out, and so are output deltas, and how many deltas come in a row: that depends on time.
Each thread is compared for itself, since threads run side by side; answers are compared as done or refused.
"""

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from tests.codex.app_server.sessions import FOLDER
from tests.codex.app_server.wires import WireClient

_PASSING = "item/commandExecution/outputDelta"


@attrs.frozen
class Said:
    """One message of the server; `thread` is empty for what concerns none."""

    words: str
    thread: str = ""


@attrs.define
class Session:
    """A replayed session: names of recorded threads and turns, and theirs here."""

    client: WireClient
    places: Mapping[str, str]
    names: dict[str, str] = attrs.field(factory=dict[str, str])
    answers: dict[int, bool] = attrs.field(factory=dict[int, bool])
    recorded: list[Said] = attrs.field(factory=list[Said])

    def translated(self, message: object) -> Any:
        """A recorded message with our ids and places."""
        text = json.dumps(message)
        for theirs, ours in (*self.names.items(), *self.places.items()):
            text = text.replace(theirs, ours)
        return json.loads(text)


def words_of(message: Mapping[str, Any]) -> Said:
    """A notification or a question in words."""
    params = message.get("params") or {}
    item, status = params.get("item"), params.get("status")
    words = [message["method"]]
    if item is not None:
        words += [item["type"], *([item["status"]] if "status" in item else [])]
    if isinstance(status, dict):
        words += [status["type"], *status.get("activeFlags", [])]
    return Said(" ".join(words), params.get("threadId", ""))


def load(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def replay(name: str, session: Session) -> None:
    """Say what the client said, each time when we are where Codex was then."""
    client, entries = session.client, load(name)
    asked: dict[Any, dict[str, Any]] = {}
    unanswered: dict[str, str] = {}
    for place, entry in enumerate(entries):
        message = entry["msg"]
        if entry["dir"] == "<-":
            if "method" not in message:
                await _take_answer(session, asked.get(message["id"]), message)
                continue
            session.recorded.append(words_of(message))
            if "id" in message:
                unanswered[str(message["id"])] = message["params"]["threadId"]
            continue
        if "method" not in message:
            await _answer(session, message, unanswered.pop(str(message["id"])), entries[:place])
            continue
        await _wait_ready(session, entries[:place])
        if "id" in message:
            asked[message["id"]] = message
        await client.send(session.translated(message))
    await _wait_ready(session, entries)
    await client.answer_of(await client.request("thread/loaded/list", {}))  # what was told before has come by then


async def _take_answer(session: Session, request: Mapping[str, Any] | None, recorded: Mapping[str, Any]) -> None:
    if request is None:  # the recording of `main` lacks one request
        return
    ours = await session.client.answer_of(recorded["id"])
    session.answers[recorded["id"]] = "error" not in ours
    for kind in ("thread", "turn"):
        theirs = recorded.get("result", {})
        if isinstance(theirs, dict) and isinstance(theirs.get(kind), dict) and kind in ours:
            session.names.setdefault(theirs[kind]["id"], ours[kind]["id"])


async def _answer(session: Session, message: Mapping[str, Any], thread: str, before: list[dict[str, Any]]) -> None:
    """Answer the newest question of a thread, unless its turn ends without one."""
    here = session.names[thread]
    ended = _ended_turns(session, before)[here]
    open_ids: list[Any] = []
    while True:
        told = [one for one in session.client.seen if one.get("params", {}).get("threadId") == here]
        open_ids = [one["id"] for one in told if "id" in one]
        resolved = {one["params"]["requestId"] for one in told if one["method"] == "serverRequest/resolved"}
        open_ids = [one for one in open_ids if one not in resolved and one not in _answered(session)]
        if open_ids or _count(session, here, "turn/completed") > ended:
            break
        await session.client.next()
    for question in open_ids[-1:]:
        _answered(session).add(question)
        await session.client.send({**session.translated(message), "id": question})


def _answered(session: Session) -> set[Any]:
    return session.client.__dict__.setdefault("answered", set())


async def _wait_ready(session: Session, before: list[dict[str, Any]]) -> None:
    """Read on until every turn has ended that had ended in the recording, and the running one speaks as it did."""
    for thread, wanted in _ended_turns(session, before).items():
        while _count(session, thread, "turn/completed") < wanted:
            await session.client.next()
    running = [entry["msg"] for entry in before if entry["dir"] == "<-" and "method" in entry["msg"]]
    if running and running[-1]["method"] == "item/agentMessage/delta":
        thread = session.names[running[-1]["params"]["threadId"]]
        while True:
            told = [words_of(one).words for one in session.client.seen if _is_of(one, thread)]
            if told and told[-1] == "item/agentMessage/delta":
                return
            await session.client.next()


def _ended_turns(session: Session, before: list[dict[str, Any]]) -> Counter[str]:
    """By our thread; turns that were refused here are not waited for."""
    wanted: Counter[str] = Counter()
    requests = {entry["msg"].get("id"): entry["msg"] for entry in before if entry["dir"] == "->"}
    for entry in before:
        message = entry["msg"]
        if entry["dir"] == "<-" and message.get("method") == "turn/completed":
            here = session.names.get(message["params"]["threadId"])
            if here is not None:
                wanted[here] += 1
    for request_id, done in session.answers.items():
        method = requests.get(request_id, {}).get("method")
        if not done and method in ("turn/start", "review/start"):
            here = session.names.get(requests[request_id]["params"]["threadId"])
            if here is not None:
                wanted[here] -= 1
    return wanted


def _count(session: Session, thread: str, words: str) -> int:
    return sum(_is_of(one, thread) and words_of(one).words == words for one in session.client.seen)


def _is_of(message: Mapping[str, Any], thread: str) -> bool:
    return "method" in message and message.get("params", {}).get("threadId") == thread


def streams(said: list[Said], names: Mapping[str, str]) -> dict[str, list[str]]:
    """What was said of each thread, by a name that both sides share: `thread 1`, or `child` for those not asked for."""
    known = {thread: f"thread {number}" for number, thread in enumerate(names.values(), 1)}
    found: dict[str, list[str]] = {}
    for one in said:
        name = known.get(one.thread, "child") if one.thread else "server"
        stream = found.setdefault(name, [])
        if one.words != _PASSING and not (stream and stream[-1] == one.words and one.words.endswith("elta")):
            stream.append(one.words)
    return found


def script_of(name: str, places: Mapping[str, str], target: Path) -> Path:
    """The model's script behind a recording, with our places, and cut into as many pieces as it was then."""
    text = (FOLDER.parent / "scripts" / f"app_server_{name}.json").read_text(encoding="utf-8")
    for theirs, ours in places.items():
        text = text.replace(theirs, ours)
    script = json.loads(text)
    _cut(script)
    target.write_text(json.dumps(script))
    return target


def _cut(part: Any) -> None:
    if isinstance(part, list):
        for one in part:
            _cut(one)
    if not isinstance(part, dict):
        return
    if part.get("type") == "text" and "text" in part:
        part["deltas"] = _pieces(part.pop("text"), part.pop("chunks", 4))
    elif part.get("type") == "reasoning":
        part.setdefault("chunks", 2)
    for one in part.values():
        _cut(one)


def _pieces(text: str, count: int) -> list[str]:
    """As even as can be, the longer ones first."""
    size, longer = divmod(len(text), count)
    ends = [size * number + min(number, longer) for number in range(count + 1)]
    return [text[start:end] for start, end in itertools.pairwise(ends) if end > start]
