"""Every example runs alone, with the installed package, and prints what it claims."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MAX_LINES = 64

PRINTED = {
    "approvals_climb": """
        /root/ada/alan asks: May I change this file? -> yes
        /root/ada/alan asks: May I change this file? -> no
        written: ['notes.txt']""",
    "approve_commands": """
        /root asks: touch notes.txt
        a: approved_for_session
        /root asks: curl https://example.org
        b: denied
        made: True
        the model was told: rejected by user: work offline""",
    "custom_script": """
        'TODO: buy milk\\n' -> Done: M notes.txt (3 requests)
           the file: DONE: buy milk
        'All is well.\\n' -> Nothing is left to do. (2 requests)
           the file: All is well.""",
    "debate": """
        /root/ada: Actors are easy to test.
        /root/alan: So does a restart.
        /root/ada: A crash stays in one of them.
        /root/alan is out: budget
        After 3: for actors, who had the last word.""",
    "embed": """
        ran: wc -l < poem.txt -> 3
        answer: The poem has 3 lines.
        threads left: 0""",
    "interrupt": """
        the command runs: True
        the turn was ended: interrupted
        the command runs: False
        asked again: I am here.
        the model was told about its call: aborted""",
    "letters": """
        /root/scout -> /root MESSAGE Shall I look everywhere?
        /root/scout -> /root FINAL_ANSWER It is in line 7.
        /root/scout -> /root FINAL_ANSWER Fixed.
        now: /root running /root/scout {'completed': 'Fixed.'}
        It is fixed.""",
    "map_reduce": """
        first and last: 0 part0.txt | 19 part19.txt
        lines in all: 190
        still there: 0
        I have read 20.""",
    "many_threads": """
        answered: 19 of 20
        number 13 failed: this one is out of order""",
    "resume": """
        first: I will remember 1729.
        the rollout starts with session_meta
        second: It was 1729.
        the model was sent its own words again: True
        the same rollout goes on: True""",
    "rules": """
        git status && git diff: allow, None, outside of the sandbox: True
        git status; git push --force: forbidden, history is kept, outside of the sandbox: False
        make test: None, None, outside of the sandbox: False
        git status > $file: None, None, outside of the sandbox: False
        always allow would add: ('make', 'test')
        and then: allow
        /broken.rules:1:31: no decision 'alow', did you mean 'allow'?""",
    "service": """
        data: "It will "

        data: "rain "

        data: "today."

        stopped""",
    "steer": """
        turns: 1 requests: 2
        the last request ends with: ['Write a report.', 'Write it in French please.']
        the output of the call is in it too: True""",
    "structured_output": """
        risk: low in 3 files
        the server was sent the schema: True""",
    "sub_agents": """
        waited: completed: 12 apples
        waited: completed: 7 pears
        the agents worked at the same time: True
        in the tree: /root/ada (depth 1) /root/alan (depth 1)
        threads alive: 3
        after the parent's end: 0""",
    "supervised_researcher": """
        Marie: The oldest source is from 1843.
           restarts: 2, ended as: completed
        Rosalind: failed, and one restart was left: 1""",
    "tree_per_request": """
        ['Sunny in Bern.', 'Sunny in Basel.']
        ['Sunny in Genf.', 'Sunny in Chur.', 'Sunny in Zug.']
        threads left: 0""",
    "watch_events": """
        SessionConfigured
        TaskStarted
        ItemCompleted UserMessage
        TokenCount
        ItemStarted CommandExecution
        CommandOutputDelta
        ItemCompleted CommandExecution
        ItemStarted AgentMessage
        AgentMessageDelta 'I said '
        AgentMessageDelta 'hello t'
        AgentMessageDelta 'o the s'
        AgentMessageDelta 'hell.'
        ItemCompleted AgentMessage
        TokenCount
        TaskComplete
        ShutdownComplete""",
}


def ours() -> list[str]:
    """Those about agents; the others belong to the lower packages."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    return sorted(name for name, text in texts.items() if re.search(r"^(?:from|import) codex\b", text, re.MULTILINE))


def run(name: str, place: Path) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "TMPDIR", "LANG", "SYSTEMROOT")
    environ = {key: os.environ[key] for key in kept if key in os.environ} | {"HOME": str(place)}
    # The warnings of the interpreter are errors here, as in all tests.
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")]
    return subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_every_example_has_its_claim_here() -> None:
    assert ours() == sorted(PRINTED)


@pytest.mark.parametrize("name", ours())
def test_an_example_prints_what_it_claims(name: str, tmp_path: Path) -> None:
    done = run(name, tmp_path)
    expected = [line.removeprefix(" " * 8) for line in PRINTED[name].splitlines()[1:]]
    assert (done.returncode, done.stdout.splitlines()) == (0, expected), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_example_says_nothing_on_stderr(tmp_path: Path) -> None:
    assert run("embed", tmp_path).stderr == ""


@pytest.mark.parametrize("name", ours())
def test_an_example_shows_one_idea_on_one_page(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= MAX_LINES
