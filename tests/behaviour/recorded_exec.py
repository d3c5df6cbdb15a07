"""Replays the recorded `codex exec --json` runs with any codex command, against the scripted model over HTTP.

As a program it does so with the binary of Codex itself: `python -m tests.behaviour.recorded_exec --codex PATH [CASE…]`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from codex.model.scripted._parse import parse_script
from codex.model.scripted.server import serve

RECORDINGS = Path(__file__).parent / "recordings"
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_DEADLINE = 60.0


@attrs.frozen
class Case:
    """One recorded run: what was typed, what the model answered, what was printed."""

    name: str
    prompt: str
    model: str
    script: Any  # a script as it stands in the file
    recorded: tuple[str, ...]
    args: tuple[str, ...] = ()
    config: Mapping[str, str] = attrs.field(factory=dict[str, str])
    interrupted: bool = False


@attrs.frozen
class Run:
    """What a command did with a case."""

    lines: tuple[str, ...]
    returncode: int
    stderr: str
    repo: str


def load_cases() -> dict[str, Case]:
    """All recorded cases by name."""
    specs = json.loads((RECORDINGS / "scripts" / "exec_json.json").read_text())
    # Its second child ended after what was recorded, which a busy machine must not turn round.
    specs["e_sub_v1"]["script"]["scripts"]["childB"][-1][0]["seconds"] = _DEADLINE
    return {
        name: Case(
            name,
            spec["prompt"],
            spec["model"],
            spec["script"],
            tuple((RECORDINGS / "exec_json" / f"{name}.jsonl").read_text().splitlines()),
            tuple(spec.get("args", ())),
            spec.get("config", {}),
            "sigint_after" in spec,
        )
        for name, spec in specs.items()
    }


def make_place(place: Path) -> tuple[Path, dict[str, str]]:
    """A fresh git repository and an environment with an empty HOME and CODEX_HOME, all under `place`."""
    repo, home, codex_home = place / "repo", place / "home", place / "codex_home"
    for folder in (repo, home, codex_home):
        folder.mkdir(parents=True)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=repo, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "start"], cwd=repo, check=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(codex_home), "LANG": "C.UTF-8"}
    # Codex wants no CODEX_HOME below the directory for temporary files.
    return repo, environ | {"TMPDIR": "/var/tmp"}


def provider_options(url: str) -> list[str]:
    """Options that make a codex command use the server at `url`."""
    settings = {"name": '"mock"', "base_url": f'"{url}"', "wire_api": '"responses"'}
    options = [part for key, value in settings.items() for part in ("-c", f"model_providers.mock.{key}={value}")]
    return [*options, "-c", 'model_provider="mock"']


async def replay(case: Case, command: Sequence[str], place: Path, environ: Mapping[str, str]) -> Run:
    """Run the case with a codex command; an interrupted one gets its SIGINT when all recorded lines are out.

    Cancelling kills the command.
    """
    repo, base = make_place(place)
    script = parse_script(case.script, f"{case.name}.json")
    config = [part for key, value in case.config.items() for part in ("-c", f"{key}={value}")]
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(serve, script, port=0))
        options = [*provider_options(url), *config, *case.args, case.prompt]
        with (place / "stderr").open("wb") as stderr:
            process = await trio.lowlevel.open_process(
                [*command, "exec", "--json", "-m", case.model, *options],
                cwd=repo,
                env={**base, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        try:
            lines = await _lines_of(process, case)
        finally:
            if process.poll() is None:
                process.kill()
        nursery.cancel_scope.cancel()
    assert process.returncode is not None
    stderr_text = (place / "stderr").read_text(errors="replace")
    return Run(tuple(lines), process.returncode, stderr_text, str(repo))


async def _lines_of(process: trio.Process, case: Case) -> list[str]:
    assert process.stdout is not None
    text, interrupted = b"", False
    with trio.fail_after(_DEADLINE):
        async for data in process.stdout:
            text += data
            if case.interrupted and not interrupted and text.count(b"\n") >= len(case.recorded):
                process.send_signal(signal.SIGINT)
                interrupted = True
        await process.wait()
    return text.decode().splitlines()


def normalised(lines: Sequence[str], repo: str = "/repo") -> list[dict[str, Any]]:
    """The events without what differs from run to run: ids, paths, input tokens, the order of parallel commands."""
    text = "\n".join(lines).replace(repo, "/repo")
    ids: dict[str, str] = {}
    text = _ID.sub(lambda found: ids.setdefault(found[0], f"ID{len(ids)}"), text)
    events: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for event in events:
        if "usage" in event:
            event["usage"]["input_tokens"] = "counted"
    return _in_order(events)


def _in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of events of several commands that run at once, sorted; the numbers of their items with them."""
    commands = [event for event in events if event.get("item", {}).get("type") == "command_execution"]
    ids = sorted({event["item"]["id"] for event in commands})
    texts = sorted({event["item"]["command"] for event in commands})
    started = [event["type"] for event in commands[:2]]
    if started != ["item.started", "item.started"] or len(ids) != len(texts):
        return events
    number = dict(zip(texts, ids, strict=True))
    for event in commands:
        event["item"]["id"] = number[event["item"]["command"]]
    commands.sort(key=lambda event: (event["type"] != "item.started", event["item"]["id"]))
    sorted_commands = iter(commands)
    return [
        next(sorted_commands) if event.get("item", {}).get("type") == "command_execution" else event for event in events
    ]


def main() -> int:
    """Replay cases with Codex itself; exit status 1 when one differs from its recording."""
    from argparse import ArgumentParser
    from difflib import unified_diff
    from tempfile import TemporaryDirectory

    parser = ArgumentParser(prog="python -m tests.behaviour.recorded_exec")
    parser.add_argument("--codex", required=True, metavar="PATH")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    different = 0
    for name, case in load_cases().items():
        if name.startswith("i_mcp") or (options.cases and name not in options.cases):
            continue
        # Not below /var/tmp, see `make_place`.
        with TemporaryDirectory(prefix="recorded_exec_", dir="/tmp") as place:
            run = trio.run(partial(replay, case, [str(options.codex)], Path(place), {}))
        ours, recorded = normalised(run.lines, run.repo), normalised(case.recorded)
        print(f"{name}: {'equal' if ours == recorded else 'DIFFERENT'} (exit {run.returncode})")
        if ours != recorded:
            different += 1
            before, now = [json.dumps(event) for event in recorded], [json.dumps(event) for event in ours]
            print("\n".join(unified_diff(before, now, "recorded", "now", lineterm="", n=0)))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
