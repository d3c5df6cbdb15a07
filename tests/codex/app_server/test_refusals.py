"""What cannot be done is refused with Codex's codes and words: its texts are those of Codex 0.169."""

from pathlib import Path
from typing import Any

import pytest

from codex.app_server.api.catalog import REQUESTS
from codex.app_server.api.experimental import FIELDS, NOT_SUPPORTED
from tests.codex.app_server.wires import open_server, open_wire

_HELLO = [[{"type": "text", "text": "Hello."}]]
_NOBODY = "01a2f000-0000-7000-8000-000000000000"
_NO_HEX = "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found "

# A value for each experimental field, and what else its method must have.
_VALUES: dict[str, Any] = {
    "beforeTurnId": "t",
    "collaborationMode": {"mode": "default", "settings": {"model": "m"}},
    "cyberAccessProgram": "standard",
    "experimentalPredictionMode": True,
    "experimentalDisablePredictionMcp": True,
    "path": "/tmp/x",
    "permissions": ":read-only",
    "permissionProfile": ":read-only",
    "parentThreadId": _NOBODY,
    "runtimeWorkspaceRoots": ["/tmp"],
    "historyMode": "paginated",
    "mockExperimentalField": "x",
}
_REQUIRED: dict[str, Any] = {
    "CommandExecParams": {"command": ["true"]},
    "ThreadForkParams": {"threadId": _NOBODY},
    "ThreadResumeParams": {"threadId": _NOBODY},
    "ThreadStartParams": {},
    "TurnStartParams": {"threadId": _NOBODY, "input": []},
    "TurnSteerParams": {"threadId": _NOBODY, "input": [], "expectedTurnId": "t"},
    "ThreadListParams": {},
}


def _refused(message: str, code: int = -32600) -> dict[str, object]:
    return {"code": code, "message": message}


async def test_what_is_experimental_is_refused_one_by_one(tmp_path: Path) -> None:
    methods = {method.params_name: name for name, method in REQUESTS.items()}
    async with open_server(tmp_path, _HELLO) as server, open_wire(server, greet=False) as client:
        await client.greet(experimental=False)
        tried = 0
        for params_name, required in _REQUIRED.items():
            method = methods[params_name]
            for field in sorted(FIELDS[params_name] & _VALUES.keys()):
                answer = await client.call(method, {**required, field: _VALUES[field]})
                assert answer["error"] == _refused(f"{method}.{field} requires experimentalApi capability")
                tried += 1
        assert tried > 15
        for method in sorted(NOT_SUPPORTED):
            answer = await client.call(method, {})
            assert answer["error"] == _refused(f"{method} requires experimentalApi capability")
        granular = {"granular": {"sandbox_approval": True, "rules": True, "mcp_elicitations": True}}
        answer = await client.call("thread/start", {"approvalPolicy": granular})
        assert answer["error"] == _refused("askForApproval.granular requires experimentalApi capability")
        answer = await client.call("thread/queue/list", {"threadId": _NOBODY})
        assert answer["error"] == _refused("thread/queue/list requires experimentalApi capability")


async def test_wrong_params_are_told_before_that_a_method_is_experimental(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server, greet=False) as client:
        await client.greet(experimental=False)
        assert (await client.call("thread/queue/list"))["error"] == _refused(
            "Invalid request: missing field `threadId`"
        )


async def test_a_field_that_only_says_no_is_not_experimental(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server, greet=False) as client:
        await client.greet(experimental=False)
        assert await client.start_thread(experimentalRawEvents=False, permissions=None)


@pytest.mark.parametrize(
    ("thread_id", "fault"),
    [
        ("nope", _NO_HEX + "`n` at 1"),
        ("urn:uuid:x", _NO_HEX + "`x` at 10"),
        ("{x}", _NO_HEX + "`x` at 2"),
        ("é", _NO_HEX + "`é` at 1"),
        ("01a2f000-0000-7000-8000-00000000000g", _NO_HEX + "`g` at 36"),
        ("", "invalid length: expected length 32 for simple format, found 0"),
        ("01a2f0000000700080000000000000000", "invalid length: expected length 32 for simple format, found 33"),
        ("01a2f000-0000-7000-8000", "invalid group count: expected 5, found 4"),
        ("01A2F00000007000-8000-000000000000", "invalid group count: expected 5, found 3"),
        ("01a2f000-0000-7000-8000-00000000000", "invalid group length in group 4: expected 12, found 11"),
        ("01a2f0000-000-7000-8000-000000000000", "invalid group length in group 0: expected 8, found 9"),
    ],
)
async def test_an_id_that_is_none_is_told_what_is_wrong_with_it(tmp_path: Path, thread_id: str, fault: str) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        assert (await client.call("thread/read", {"threadId": thread_id}))["error"] == _refused(
            f"invalid thread id: {fault}"
        )
        assert (await client.call("thread/resume", {"threadId": thread_id}))["error"] == _refused(
            f"invalid session id: {fault}"
        )


async def test_an_id_may_be_written_in_other_ways(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        thread_id = await client.start_thread()
        for same in (thread_id.upper(), thread_id.replace("-", ""), f"urn:uuid:{thread_id}", f"{{{thread_id}}}"):
            assert (await client.call("thread/read", {"threadId": same}))["thread"]["id"] == thread_id


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("initialize", {"clientInfo": {"name": "a", "version": "1"}}, _refused("Already initialized")),
        ("turn/start", {"threadId": _NOBODY, "input": []}, _refused(f"thread not found: {_NOBODY}")),
        ("thread/resume", {"threadId": _NOBODY}, _refused(f"no rollout found for thread id {_NOBODY}")),
        ("thread/search", {"searchTerm": " "}, _refused("thread/search requires a non-empty searchTerm")),
        (
            "thread/start",
            {"permissions": ":read-only", "sandbox": "read-only"},
            _refused("`permissions` cannot be combined with `sandbox`"),
        ),
        (
            "thread/start",
            {"dynamicTools": [{"type": "function", "name": "", "description": "", "inputSchema": {}}]},
            _refused("dynamic tool name must not be empty"),
        ),
        (
            "command/exec/write",
            {"processId": "x"},
            _refused("command/exec/write requires deltaBase64 or closeStdin", -32602),
        ),
        (
            "process/writeStdin",
            {"processHandle": "x", "deltaBase64": "a%"},
            _refused("invalid deltaBase64: Invalid symbol 37, offset 1.", -32602),
        ),
        (
            "command/exec/resize",
            {"processId": "x", "size": {"rows": 0, "cols": 1}},
            _refused("command/exec size rows and cols must be greater than 0", -32602),
        ),
        (
            "config/value/write",
            {"keyPath": "", "value": 1, "mergeStrategy": "replace"},
            {**_refused("keyPath must not be empty"), "data": {"config_write_error_code": "configValidationError"}},
        ),
    ],
)
async def test_a_request_that_cannot_be_done_is_refused(
    tmp_path: Path, method: str, params: object, error: object
) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        assert (await client.call(method, params))["error"] == error


async def test_the_name_of_a_client_must_fit_into_a_header(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server, greet=False) as client:
        answer = await client.call("initialize", {"clientInfo": {"name": "a\nb", "version": "1"}})
        assert answer["error"] == _refused("Invalid clientInfo.name: 'a\nb'. Must be a valid HTTP header value.")
        assert "userAgent" in await client.greet()


async def test_a_login_that_is_not_there_cannot_be_cancelled(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        assert await client.call("account/login/cancel", {"loginId": _NOBODY}) == {"status": "notFound"}


async def test_what_is_asked_of_a_directory_that_is_gone_is_answered_for_ours(tmp_path: Path) -> None:
    async with open_server(tmp_path, _HELLO) as server, open_wire(server) as client:
        gone = str(tmp_path / "gone")
        assert (await client.call("hooks/list", {"cwds": [gone]}))["data"][0]["cwd"] == gone
        assert "config" in await client.call("config/read", {"cwd": gone})
        assert "data" in await client.call("permissionProfile/list", {"cwd": gone})
