"""The documentation: links lead somewhere, code runs, and nothing public is missing.

Marks in the pages, as comments before a block:

    run            the block is executed: Python as a program, console line by line: each line with `$ ` is a command,
                   and the lines below it must be in its output, in this order
    prints         what the Python block above prints, whole
    file: NAME     the block is written to this file in the page's directory
    needs: sandbox | script | server      at the top of a page: what its blocks need, see `Workshop`
"""

import ast
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

import codex.cli.commands
import codex.cli.options
import codex.engine
import codex.testing
import codex.threads
from codex.protocol import event, item, op, user_input

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
REFERENCE = ROOT / "docs/reference"
FENCE = re.compile(r"^(?:<!-- (?P<mark>[^>]*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

ANSWER = [{"type": "text", "text": '{"risk": "low", "reasons": []}'}]
STATUS = {"type": "function_call", "name": "exec_command", "call_id": "c",
          "arguments": {"cmd": "git status --short", "login": False}}  # fmt: skip
NUMBER = {"choose": [
    {"if": {"prompt_matches": "Which"}, "items": [{"type": "text", "text": "It was ${prompt_re:number (\\d+)}."}]},
    {"items": [{"type": "text", "text": "I will."}]},
]}  # fmt: skip
SCRIPT = {
    "default": "risk",
    "rules": [{"match": "please fail", "script": "fails"}, {"match": "Remember the", "in": "all", "script": "number"},
              {"match": "Hello", "script": "hello"}],
    "scripts": {
        "risk": [[STATUS], ANSWER],
        "fails": [{"http_status": 400, "message": "no"}],
        "number": {"turns": [NUMBER], "loop": True},
        "hello": [[{"type": "text", "text": "Hello from the server."}]],
    },
}  # fmt: skip


@attrs.frozen
class Block:
    """A block of code in a page."""

    mark: str
    kind: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["mark"] or "", match["kind"], match["text"], text[: match.start("text")].count("\n") + 1)
        for match in FENCE.finditer(text)
    ]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


# -- links -------------------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that a heading gets: its letters, digits, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """The links into the project: as written, the file, the anchor."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for inline, below in re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", text, re.MULTILINE):
        link = inline or below
        if not link.startswith(("https:", "http:")):
            target, _, anchor = link.partition("#")
            yield link, (page.parent / target).resolve() if target else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [
        link for link, place, anchor in links(page) if not place.exists() or (anchor and anchor not in anchors(place))
    ]
    assert not broken


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set[Path](), [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    while todo:
        page = todo.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            todo += [place for _, place, _ in links(page)]
    assert set(PAGES) - reached == set()


# -- code --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_in_a_page_can_be_compiled_and_json_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.kind == "python":
            compile("\n" * block.line + block.text, name_of(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
        if block.kind == "json":
            json.loads(block.text)


class Workshop:
    """A directory and a home where the blocks of one page are tried, in their order."""

    def __init__(self, place: Path, needs: str) -> None:
        self.directory = place / "here"
        home = place / "home"
        self.directory.mkdir()
        home.mkdir()
        tools = str(Path(sys.executable).parent)
        self.environ = {
            "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(place),
            "CODEX_HOME": str(home),
            "SHELL": "/bin/bash",
            "NO_COLOR": "1",
        }
        if needs in ("script", "server"):
            (place / "script.json").write_text(json.dumps(SCRIPT))
        if needs == "script":
            subprocess.run(["git", "init", "-q", str(self.directory)], check=True)
            settings = f'model = "gpt-5.5"\nmodel_provider = "scripted"\nmodel_script = "{place}/script.json"\n'
            (home / "config.toml").write_text(settings)

    def run(self, *command: str, errors: int = subprocess.STDOUT) -> subprocess.CompletedProcess[str]:
        """Run a command here; what it says on both streams is its stdout, unless `errors` leads elsewhere."""
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=60,
            check=False,
        )

    def try_block(self, block: Block) -> str:
        """Do what the mark says; what a Python block printed."""
        if block.mark.startswith("file: "):
            (self.directory / block.mark.removeprefix("file: ")).write_text(block.text)
        elif block.mark == "run" and block.kind == "console":
            self._try_console(block)
        elif block.mark == "run":
            program = self.directory / "program.py"
            program.write_text(block.text)
            done = self.run(sys.executable, program.name, errors=subprocess.PIPE)
            assert done.returncode == 0, f"line {block.line}:\n{done.stderr}"
            return done.stdout
        return ""

    def _try_console(self, block: Block) -> None:
        output: list[str] = []
        for line in block.text.splitlines():
            if line.startswith("$ "):
                output = self.run("bash", "-c", line.removeprefix("$ ")).stdout.splitlines()
                said = list(output)
                continue
            while output and line not in output[0]:
                output.pop(0)
            assert output, f"line {block.line}: {line!r} is not said where it should be, but:\n" + "\n".join(said)
            output.pop(0)


@contextmanager
def model_server(script: Path) -> Iterator[str]:
    """`codex debug model-server` with a script; its URL."""
    command = [sys.executable, "-m", "codex.cli.main", "debug", "model-server", "--script", str(script)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def has_sandbox() -> bool:
    from codex.cli.demo_sandbox import look_at_machine

    return look_at_machine().level == "namespaces"


RUNNABLE = [page for page in PAGES if any(block.mark == "run" for block in blocks(page))]


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_what_a_page_says_is_what_happens(page: Path, tmp_path: Path) -> None:
    found = re.match(r"<!-- needs: (\w+) -->", page.read_text(encoding="utf-8"))
    needs = found[1] if found else ""
    if needs in ("sandbox", "script") and not has_sandbox():
        pytest.skip("this machine gives no namespaces to the sandbox")
    workshop = Workshop(tmp_path, needs)

    def try_all() -> None:
        printed = ""
        for block in blocks(page):
            if block.mark == "prints":
                assert printed == block.text
            printed = workshop.try_block(block)

    if needs != "server":
        try_all()
        return
    with model_server(tmp_path / "script.json") as url:
        workshop.environ["SERVER"] = url
        try_all()


def test_the_program_in_the_readme_runs_as_it_is_printed(tmp_path: Path) -> None:
    (program,) = [block for block in blocks(ROOT / "README.md") if block.kind == "python"]
    workshop = Workshop(tmp_path, "server")
    with model_server(tmp_path / "script.json") as url:
        workshop.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "test"}
        said = workshop.try_block(attrs.evolve(program, mark="run"))
    assert "TaskComplete(" in said
    assert '"risk": "low"' in said


# -- what must be described --------------------------------------------------------------------------------------------


def words(*pages: str) -> set[str]:
    """The words in code in these pages."""
    texts = [(REFERENCE / page).read_text(encoding="utf-8") for page in pages]
    return {word for text in texts for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"\w+", code)}


def names(union: object) -> set[str]:
    return {member.__name__ for member in typing.get_args(union)}


def test_every_operation_and_input_is_described() -> None:
    assert names(op.Op) | {"Op", "Submission"} | names(user_input.UserInput) <= words("engine.md")


def test_every_event_and_item_is_described_with_its_fields() -> None:
    text = (REFERENCE / "events.md").read_text(encoding="utf-8")
    tables = [re.findall(r"`(\w+)`", line) for line in text.splitlines() if line.startswith("| `")]
    rows = {row[0]: set(row[1:]) for row in tables}
    rows |= {name: rows["TodoList"] | {"id", "steps", "message"} for name in ("TodoList", "ErrorNote")}
    missing = {
        member.__name__: missed
        for union in (event.EventMsg, item.ThreadItem)
        for member in typing.get_args(union)
        if (missed := {field.name for field in attrs.fields(member)} - rows.get(member.__name__, set()))
        or member.__name__ not in rows
    }
    assert not missing
    assert {"Event", "EventMsg", "thread_id", "seq", "msg"} <= words("events.md")


@pytest.mark.parametrize(
    ("door", "page"), [(codex.engine, "engine.md"), (codex.threads, "engine.md"), (codex.testing, "testing.md")]
)
def test_every_name_of_a_door_is_described(door: typing.Any, page: str) -> None:
    assert set(door.__all__) <= words(page)


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (codex.engine.Codex, "engine.md"),
        (codex.threads.Thread, "engine.md"),
        (codex.testing.TestCodex, "testing.md"),
        (codex.testing.SeenRequest, "testing.md"),
    ],
)
def test_every_public_member_of_a_door_is_described(kind: type, page: str) -> None:
    inside = {"agents_of", "belong_to", "in_force", "outbox", "place"}  # set and read by the rooms above and below
    assert {name for name in vars(kind) if not name.startswith("_")} - inside <= words(page)


def test_every_tool_is_described_with_its_arguments() -> None:
    from codex.tools import Tool, specs

    known = words("tools.md")
    tools = [tool for tool in vars(specs).values() if isinstance(tool, Tool)]
    described = {str(tool.spec["name"]) for tool in tools}
    for tool in tools:
        match tool.spec.get("parameters"):
            case {"properties": dict(properties)} if tool is not specs.APPLY_PATCH_FUNCTION:
                described |= set(properties)
            case _:
                pass
    assert described - known == set()


def test_every_command_and_every_option_is_described() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    commands = set(codex.cli.commands.OFFERED)
    assert {command for command in commands if not re.search(rf"`codex {command}\b", text)} == set()
    for parser in (codex.cli.options.root_parser, codex.cli.options.exec_parser):
        offered = [option for option in parser.options if not option.refusal and not option.hidden]
        missing = {option.key for option in offered if not re.search(rf"--{option.key}\b", text)}
        assert missing - {"help", "version"} == set()


def test_the_tests_that_the_page_of_user_problems_names_are_there() -> None:
    page = (ROOT / "docs/explanation/what-users-asked-for.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) == len(re.findall(r"^\| #\d+.*::.*\|$", page, re.MULTILINE)) > 20
    for path, name in named:
        assert re.search(
            rf"^(?:async )?def {name}\(", (ROOT / "tests" / path).read_text(encoding="utf-8"), re.MULTILINE
        ), name
    assert len(set(re.findall(r"#\d{5}", page))) >= 30
