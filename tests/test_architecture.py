"""The house's rules, checked by a machine. A rule that hurts is changed here, in the open.

The lists of exceptions may only shrink: an entry that is no longer needed fails its test too.
"""

import ast
import configparser
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("actors", "supervisors", "codex")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

# "path" -> lines, "path::function" -> lines: what is too long today.
TOO_LONG: dict[str, int] = {}
# "importer -> imported" between modules of different packages whose target is private.
PRIVATE_IMPORTS: set[str] = set()
# The lazy door of the whole package shows the engine to programs; nothing below may use it for that.
LAZY_DOORS = {"codex", "codex.execpolicy", "codex.patch"}
FORBIDDEN_NAMES = {"core", "utils", "util", "helpers", "helper_functions", "common", "misc"}


@functools.cache
def tracked_files() -> tuple[str, ...]:
    """Every file under version control or about to be; in a copy without history every file there is."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = [name for name in done.stdout.split("\0") if name]
    else:
        skipped = {".venv", "build", "dist", "__pycache__", "node_modules"}
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [str(path) for path in found if not skipped & set(path.parts) and not path.parts[0].startswith(".")]
    return tuple(sorted(name for name in set(names) if (ROOT / name).is_file()))


def python_files(*roots: str) -> list[str]:
    return [name for name in tracked_files() if name.endswith(".py") and name.split("/")[0] in roots]


@functools.cache
def syntax_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def module_of(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@functools.cache
def modules() -> dict[str, str]:
    """Module name -> file, for all we ship."""
    return {module_of(name): name for name in python_files(*PACKAGES)}


@functools.cache
def imports() -> dict[str, frozenset[str]]:
    """Module -> our modules it imports, wherever: at the top, in functions, under TYPE_CHECKING."""
    return {module: frozenset(_imports_of(module, name)) - {module} for module, name in modules().items()}


def _imports_of(module: str, name: str) -> Iterator[str]:
    package = module if name.endswith("__init__.py") else module.rpartition(".")[0]
    for node in ast.walk(syntax_of(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full in modules() or base in modules():
                    yield full if full in modules() else base


def functions_in(name: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    def walk(node: ast.AST, path: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path}{child.name}", child
                yield from walk(child, f"{path}{child.name}.")
            else:
                yield from walk(child, f"{path}{child.name}." if isinstance(child, ast.ClassDef) else path)

    return walk(syntax_of(name), "")


def test_no_file_and_no_function_is_too_long() -> None:
    found: dict[str, int] = {}
    for name in python_files(*PACKAGES, "tests", "examples"):
        length = len((ROOT / name).read_text(encoding="utf-8").splitlines())
        if length > MAX_FILE_LINES:
            found[name] = length
        for path, function in functions_in(name):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found[f"{name}::{path}"] = lines
    longer = {where: lines for where, lines in found.items() if lines > TOO_LONG.get(where, 0)}
    assert not longer, f"over {MAX_FILE_LINES} lines a file or {MAX_FUNCTION_LINES} a function: {longer}"
    assert not TOO_LONG.keys() - found.keys(), "shorter now: take them off the list"


def test_a_private_module_is_imported_only_inside_its_package() -> None:
    found: set[str] = set()
    for importer, targets in imports().items():
        for target in targets:
            parts = target.split(".")
            for position, part in enumerate(parts):
                owner = ".".join(parts[:position])
                if part.startswith("_") and not (importer + ".").startswith(owner + "."):
                    found.add(f"{importer} -> {target}")
    assert found == PRIVATE_IMPORTS


def test_actors_and_supervisors_show_only_their_doors() -> None:
    public = {"__init__.py", "testing.py", "messages.py", "conformance.py"}
    shown = {
        name
        for name in python_files("actors", "supervisors")
        if not name.split("/")[-1].startswith("_") and name.split("/")[-1] not in public
    }
    assert not shown, "every other module there starts with an underscore"


def test_no_import_is_part_of_a_cycle() -> None:
    graph = {module: targets if module not in LAZY_DOORS else frozenset[str]() for module, targets in imports().items()}
    cycles = [sorted(group) for group in strongly_connected(graph) if len(group) > 1]
    assert not cycles, "imports in functions and under TYPE_CHECKING count; pass a port or move the name down"


def strongly_connected(graph: dict[str, frozenset[str]]) -> list[set[str]]:
    """The groups of modules that reach each other (Kosaraju)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in graph:
        stack = [(start, iter(graph[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            following = next((target for target in rest if target not in seen), None)
            if following is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(graph[following])))
    backwards: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            backwards[target].add(node)
    groups: list[set[str]] = []
    placed: set[str] = set()
    for node in reversed(order):
        group, todo = set[str](), [node]
        while todo:
            member = todo.pop()
            if member not in placed:
                placed.add(member)
                group.add(member)
                todo += backwards[member]
        if group:
            groups.append(group)
    return groups


def test_the_layers_are_kept() -> None:
    run_tool("lint-imports", "--no-cache")


def test_no_room_has_a_name_that_says_nothing() -> None:
    names = {part.lstrip("_") for module in modules() for part in module.split(".")}
    assert not names & FORBIDDEN_NAMES
    assert not {name for name in names if re.search(r"_v\d+$|(manager|handler)\d$", name)}


def test_no_public_function_has_a_boolean_positional_parameter() -> None:
    found: list[str] = []
    for name in python_files(*PACKAGES):
        for path, function in functions_in(name):
            if any(part.startswith("_") and not part.startswith("__") for part in path.split(".")):
                continue
            setter = any("setter" in ast.unparse(decorator) for decorator in function.decorator_list)
            for argument in [*function.args.posonlyargs, *function.args.args]:
                kind = ast.unparse(argument.annotation) if argument.annotation else ""
                if kind.strip("\"'") in ("bool", "bool | None") and not setter:
                    found.append(f"{name}::{path}({argument.arg})")
    assert not found, "make them keyword-only"


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    words = [r"/work/(?:main|shared)\b", r"\.pyenv/", r"\b(?:pypi|npmjs)\.(?:org|com)\b", r"\bpythonhosted\b"]
    words += [re.escape(host) for host in _registry_hosts()]
    pattern = re.compile("|".join(words))
    found: list[str] = []
    for name in tracked_files():
        data = (ROOT / name).read_bytes()
        if name == "tests/test_architecture.py" or b"\0" in data[:1024]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
            if match := pattern.search(line):
                found.append(f"{name}:{number}: {match.group()}")
    assert not found


def _registry_hosts() -> set[str]:
    """The hosts that this machine's pip, uv and npm ask, which are nobody else's business."""
    texts = [os.environ.get(name, "") for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL")]
    texts.append(os.environ.get("NPM_CONFIG_REGISTRY", ""))
    for path in (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(path)
        texts += [value for section in parser.values() for key, value in section.items() if key.endswith("index-url")]
    hosts = {host for text in texts for host in re.findall(r"://(?:[^/@\s]*@)?([\w.-]+)", text)}
    return hosts - {"localhost", "127.0.0.1"}


def test_a_todo_names_its_issue() -> None:
    found = [
        f"{name}:{number}"
        for name in python_files(*PACKAGES, "tests", "examples")
        if name != "tests/test_architecture.py"
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"#.*\b(?:TODO|FIXME|XXX)\b(?!.*#\d)", line)
    ]
    assert not found


def test_tests_use_the_fakes_we_ship_and_wait_for_conditions() -> None:
    found: list[str] = []
    for name in python_files("tests"):
        patches = {"monkeypatch", "mocker"}
        for path, function in functions_in(name):
            if patches & {argument.arg for argument in function.args.args}:
                found.append(f"{name}::{path}: patches")
        for node in ast.walk(syntax_of(name)):
            if (
                isinstance(node, ast.Import | ast.ImportFrom)
                and "mock" in ast.unparse(node).split("import")[-1].lower()
            ):
                found += [f"{name}:{node.lineno}: mocks"] if "unittest" in ast.unparse(node) else []
            sleeps = isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
            if sleeps and name.split("/")[1] not in ("processes", "benchmarks"):
                found.append(f"{name}:{node.lineno}: sleeps")  # pyright: ignore[reportAttributeAccessIssue]
    assert not found


def run_tool(tool: str, *arguments: str) -> None:
    """Run a checker of this environment over the checkout; its report is the failure."""
    path = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed; pip install '.[test]' brings it")
    done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    report = (done.stdout + done.stderr).strip()
    if done.returncode:
        pytest.fail(f"{tool} found faults:\n{report[-6000:]}", pytrace=False)


def test_ruff_finds_nothing() -> None:
    run_tool("ruff", "check", "--no-cache", "--output-format=concise", ".")


def test_ruff_would_format_nothing_differently() -> None:
    run_tool("ruff", "format", "--check", "--no-cache", "--output-format=concise", ".")


def test_the_types_are_right() -> None:
    run_tool("basedpyright", "--pythonpath", sys.executable)


def test_the_manners_of_trio_are_kept() -> None:
    # What ruff cannot see: yields in nurseries, awaits in `finally`, cancellation that is swallowed. The tool is slow,
    # so only files that can break one of these rules are looked at.
    rules = "ASYNC101,ASYNC102,ASYNC103,ASYNC104,ASYNC119"
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in python_files(*PACKAGES)}
    asynchronous = re.compile(r"\b(?:async|BaseException|Cancelled)\b")
    delicate = re.compile(r"\b(?:finally|__aexit__|yield|BaseException|Cancelled)\b|except:")
    files = [name for name, text in texts.items() if asynchronous.search(text) and delicate.search(text)]
    run_tool("flake8-async", f"--enable={rules}", *files)


def test_the_types_are_shipped() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["codex", "actors", "supervisors"]
    for package in PACKAGES:
        assert f"{package}/py.typed" in tracked_files()


VERSION_PROGRAM = """
import sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
from codex.cli.main import run
code = run(["codex", "--version"])
sys.stdout.write("\\n".join([str(code), *sorted(set(sys.modules) - before)]))
"""


def test_asking_for_the_version_imports_the_entry_module_only() -> None:
    program = VERSION_PROGRAM.format(root=str(ROOT))
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    version, code, *imported = done.stdout.splitlines()
    assert (code, imported) == ("0", ["codex", "codex.cli", "codex.cli.main"])
    assert version.startswith("codex")


def test_the_settings_that_the_checks_rest_on_are_on() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert settings["pytest"]["ini_options"]["filterwarnings"] == ["error"]
    assert settings["basedpyright"]["typeCheckingMode"] == "strict"
    assert {"ASYNC", "FBT", "B", "I"} <= set(settings["ruff"]["lint"]["select"])
    contracts = settings["importlinter"]["contracts"]
    assert [contract["type"] for contract in contracts] == ["layers", "layers"]
    rooms = {name.strip(" ()") for layer in contracts[1]["layers"] for name in layer.split("|")}
    built = {module.split(".")[1] for module in modules() if module.startswith("codex.")}
    assert built <= rooms, "a room without a layer"
    assert json.dumps(contracts[1].get("ignore_imports")) == '["codex -> codex.engine"]'
