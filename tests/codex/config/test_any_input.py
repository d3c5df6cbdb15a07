"""Whatever is written into a configuration, it loads or it is a ConfigError."""

import contextlib
import json
import tomllib
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from codex.config import load_config
from codex.config._check import Checker
from codex.config._faults import Faults, Layer
from codex.config._keys import KEYS, Rule
from codex.config._lines import find_line
from codex.config._sources import parse_override, parse_value
from codex.config.errors import ConfigError

SCALARS = ['""', '"x"', "true", "0", "-1", "1", "10e400", "nan", "1979-05-27", "07:32:00", "[]", "{}", "['a']", "[1]"]
VALUES = st.sampled_from(
    [*SCALARS, "'never'", "'\\u0000'", "'http://'", "'http://[x'", '"\\u0000"', "{ a = 1 }", "'~'"]
)


def paths(rules: dict[str, Rule], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, rule in rules.items():
        path = prefix + ("any" if name == "*" else name)
        found += [path, *(paths(dict(rule), path + ".") if not isinstance(rule, str | tuple) else [])]
    return found


PATHS = st.sampled_from(
    [*paths(dict(KEYS)), "profiles.p", "profiles.p.model", 'projects."/".trust_level', "x.y", '"*"']
)
DOCUMENTS = st.lists(st.tuples(PATHS, VALUES), max_size=6).map(lambda pairs: "\n".join(f"{k} = {v}" for k, v in pairs))
TOML_LIKE = st.text(st.sampled_from("ab.=\"'[]{}\n\\#, 01-:T"), max_size=40)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def load(home: Path, *overrides: str) -> None:
    with contextlib.suppress(ConfigError):
        load_config(codex_home=str(home), cwd="/", overrides=overrides, environ={"HOME": str(home)}, profile=None)


@settings(deadline=None, max_examples=300)
@given(st.one_of(DOCUMENTS, TOML_LIKE, st.text(max_size=30)))
@example("profile = 'p'\nprofiles = 1")
@example("profile = ''")
@example("profile = '/'")
@example("[[model_providers.x]]")
@example("features = [{a = 1}]")
@example("mcp_servers." + "a." * 3000 + "a = 1")
@example("x = 0x" + "f" * 9000)
@example("model = 0x" + "f" * 9000)
def test_any_text_loads_or_is_a_config_error(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, encoding="utf-8", errors="replace")
    load(home)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40))
def test_any_bytes_load_or_are_a_config_error(home: Path, data: bytes) -> None:
    (home / "config.toml").write_bytes(data)
    load(home)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.tuples(PATHS, VALUES).map("=".join), TOML_LIKE, st.text(max_size=30)))
@example("a=" + "[" * 3000)
@example("model_script='\\u0000'")
@example('"')
@example('a."b=c')
def test_any_c_flag_loads_or_is_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    load(tmp_path_factory.getbasetemp() / "no-home", text)


@given(st.one_of(VALUES, TOML_LIKE, st.text(max_size=20), st.integers().map(str), st.text("tfrueals #'", max_size=8)))
@example("true # c")
@example("inf")
@example('"a" # b')
@example("007")
@example('"a"\nb = 1')
@example('"""a"""')
@example("'\t'")
def test_the_short_way_to_a_value_agrees_with_the_toml_parser(text: str) -> None:
    text = text.strip()
    try:
        table = tomllib.loads(f"value = {text}")
    except ValueError:
        table = {}
    if len(table) == 1:
        assert repr(parse_value(text)[0]) == repr(table["value"])
    else:
        assert parse_value(text)[0] in (text, text.strip("\"'"))


KEY_PARTS = st.one_of(st.text("abc-_1", min_size=1, max_size=3), st.text(max_size=3))


@given(st.lists(KEY_PARTS, min_size=1, max_size=4), st.integers(0, 99))
def test_a_quoted_key_comes_back_part_by_part(parts: list[str], value: int) -> None:
    faults = Faults()
    layer = parse_override(
        " . ".join(json.dumps(part, ensure_ascii=False) for part in parts) + f" = {value}", "/", faults
    )
    if layer is None:
        assert faults.found
        assert "" in parts or any("\ud800" <= char <= "\udfff" for char in "".join(parts))
        return
    table = layer.table
    for part in parts[:-1]:
        table = table[part]
        assert isinstance(table, dict)
    assert table == {parts[-1]: value}


FILLINGS = st.sampled_from(
    [
        '"""\n[no]\nx = 1\n"""',
        "'''\nx = '\n'''",
        '"""a\\"""\n"""',
        '["a",\n # x = [\n "b]"]',
        "{ x = 1 }",
        "1 # y = 2",
        "'#'",
    ]
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b.c", '"q.r"', "[n]"]), st.lists(FILLINGS, max_size=3)),
        min_size=1,
        max_size=5,
    )
)
def test_the_line_of_a_key_is_found_behind_any_value(sections: list[tuple[str, list[str]]]) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    headers = {"": (), "a": ("a",), "b.c": ("b", "c"), '"q.r"': ("q.r",), "[n]": ("n",)}
    for number, (header, values) in enumerate(dict(sections).items()):
        if header:
            lines.append(f"[{header}] # a header")
        elif number:
            continue
        for index, value in enumerate(values):
            expected[(*headers[header], f"k{index}")] = sum(line.count("\n") + 1 for line in lines) + 1
            lines.append(f"k{index} = {value}")
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    assert {path: find_line(text, path) for path in expected} == expected


@given(DOCUMENTS)
def test_a_checked_table_is_checked_again_without_a_change(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except ValueError:
        return
    layer = Layer("user", "file", table, "/base")
    Checker(Faults(), strict=False, home="/home/u").check(layer)
    once = layer.table
    second = Faults()
    Checker(second, strict=True, home="/home/u").check(layer)
    assert (repr(layer.table), second.found) == (repr(once), [])
