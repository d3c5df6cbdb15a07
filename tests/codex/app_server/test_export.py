"""The exported schemas: complete, and taking what Codex's takes."""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex.app_server.api.catalog import NOTIFICATIONS, REQUESTS, SERVER_REQUESTS
from codex.app_server.export import json_schema_files, typescript_files, write_files
from codex.app_server.wire import decode_any, encode
from tests.codex.app_server.checked import BUNDLE, PASSED_ON, codex
from tests.codex.app_server.json_schemas import values
from tests.codex.app_server.sessions import NAMES, recorded
from tests.codex.app_server.test_wire_recordings import class_of

jsonschema = pytest.importorskip("jsonschema", reason="checking schemas needs the package jsonschema")

# One of two fields must be there; we leave that to who makes them, and to the model.
ONE_OF_TWO = {"ImageGenerationItem": "result", "ImageUserInput": "url", "AudioUserInput": "url"}


@functools.cache
def ours(*, experimental: bool = True) -> dict[str, Any]:
    return json.loads(json_schema_files(experimental=experimental)[BUNDLE])["definitions"]


@functools.cache
def sensible() -> dict[str, Any]:
    """Our definitions, for values of which a server would write any."""
    found = {**codex(), **ours(), "HookMetadata": codex()["HookMetadata"]}
    for name, field in ONE_OF_TWO.items():
        properties = {**found[name]["properties"], field: {"type": "string"}}
        found[name] = {**found[name], "properties": properties, "required": [*found[name]["required"], field]}
    return found


def accepts(definitions: dict[str, Any], name: str, value: Any) -> bool:
    return jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions}).is_valid(value)


def names_of(method: Any) -> list[str]:
    return [name for name in (method.params_name, getattr(method, "result_name", "")) if name]


ROOTS = {name: it for it in [*REQUESTS.values(), *NOTIFICATIONS.values()] for name in names_of(it)}
SHARED_NAMES = sorted(ROOTS.keys() & codex().keys())
needs_codex = pytest.mark.skipif(not codex(), reason="no schema of Codex; CODEX_ACTORS_SHARED names its place")


@pytest.mark.parametrize("name", NAMES)
def test_recorded_messages_are_accepted(name: str) -> None:
    for message in recorded(name):
        if not message.refused:
            table = SERVER_REQUESTS if message.kind.startswith("server") else REQUESTS
            if message.kind == "notification":
                title = NOTIFICATIONS[message.method].params_name
            elif message.kind.endswith("params"):
                title = table[message.method].params_name
            else:
                title = table[message.method].result_name
            assert accepts(ours(), title, message.value), message
            assert accepts(ours(), title, encode(decode_any(class_of(message), message.value))), message


def root_class(name: str) -> Any:
    it = ROOTS[name]
    return it.params if it.params_name == name else it.result


@needs_codex
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_codex_accepts_we_accept_and_can_read(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SHARED_NAMES))
    value = data.draw(values(codex()[name], codex()))
    assert accepts(ours(), name, value)
    decode_any(root_class(name), value)


@needs_codex
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_we_write_is_what_both_accept(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(set(SHARED_NAMES) - PASSED_ON)))
    value = data.draw(values(sensible()[name], sensible()))
    written = encode(decode_any(root_class(name), value))
    assert accepts(ours(), name, written)
    assert accepts(codex(), name, written)


def test_without_experimental_neither_methods_nor_fields_are_told_that_need_it() -> None:
    def methods(definitions: dict[str, Any]) -> set[str]:
        return {it["properties"]["method"]["enum"][0] for it in definitions["ClientRequest"]["oneOf"]}

    stable = ours(experimental=False)
    assert methods(ours()) - methods(stable) == {name for name, it in REQUESTS.items() if it.experimental}
    assert "permissions" in ours()["ThreadStartParams"]["properties"]
    assert "permissions" not in stable["ThreadStartParams"]["properties"]


def test_every_reference_of_every_file_has_its_definition() -> None:
    for name, text in json_schema_files(experimental=True).items():
        schema = json.loads(text)
        jsonschema.Draft7Validator.check_schema(schema)
        assert set(re.findall(r'"#/definitions/(\w+)"', text)) <= schema.get("definitions", {}).keys(), name


def test_every_import_of_every_type_has_its_file() -> None:
    files = typescript_files(experimental=True)
    for text in files.values():
        assert {f"{name}.ts" for name in re.findall(r'from "\./(\w+)"', text)} <= files.keys()
    assert "thread: Thread;" in files["ThreadStartResponse.ts"]
    assert 'import type { Thread } from "./Thread";' in files["ThreadStartResponse.ts"]


@pytest.mark.skipif(not shutil.which("tsc"), reason="no TypeScript compiler on PATH")
def test_the_typescript_compiles(tmp_path: Path) -> None:
    write_files(tmp_path, typescript_files(experimental=True))
    command = ["tsc", "--noEmit", "--strict", str(tmp_path / "index.ts")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
