"""Files through the app-server: whole or not at all, errors told as the system's, changes told to who watches."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.app_server import files
from codex.app_server.rpc import RpcError
from codex.app_server.watch import changed
from tests.codex.app_server.wires import WireClient, open_server, open_wire


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def error_of(client: WireClient, method: str, **params: object) -> dict[str, Any]:
    return (await client.call(method, params))["error"]


async def test_a_file_is_written_read_copied_and_removed(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        path, other = str(tmp_path / "a.bin"), str(tmp_path / "b.bin")
        data = bytes(range(256))
        assert await client.call("fs/writeFile", {"path": path, "dataBase64": encoded(data)}) == {}
        assert await client.call("fs/readFile", {"path": path}) == {"dataBase64": encoded(data)}
        assert await client.call("fs/copy", {"sourcePath": path, "destinationPath": other}) == {}
        found = await client.call("fs/readDirectory", {"path": str(tmp_path)})
        names = [entry["fileName"] for entry in found["entries"]]
        assert names == ["a.bin", "b.bin", "home", "script.json", "work"]
        assert await client.call("fs/remove", {"path": path}) == {}
        assert Path(other).read_bytes() == data
        assert not os.path.exists(path)


async def test_errors_are_those_of_the_system(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        nowhere, here = str(tmp_path / "no" / "file"), str(tmp_path)
        missing = {"code": -32603, "message": "No such file or directory (os error 2)"}
        assert await error_of(client, "fs/readFile", path=nowhere) == missing
        assert await error_of(client, "fs/writeFile", path=nowhere, dataBase64="") == missing
        assert await error_of(client, "fs/remove", path=nowhere, force=False) == missing
        assert await client.call("fs/remove", {"path": nowhere}) == {}
        assert (await error_of(client, "fs/readFile", path=here)) == {
            "code": -32600,
            "message": f"path `{here}` is not a file",
        }
        assert (await error_of(client, "fs/writeFile", path=here, dataBase64=""))["message"].startswith("Is a dir")
        assert (await error_of(client, "fs/remove", path=here, recursive=False))["code"] == -32603
        relative = await error_of(client, "fs/readFile", path="a/b")
        assert relative["message"].endswith("'a/b' is not absolute")
        garbage = await error_of(client, "fs/writeFile", path=str(tmp_path / "x"), dataBase64="!!")
        assert garbage["message"].startswith("fs/writeFile requires valid base64 dataBase64: ")
        assert not (tmp_path / "x").exists()


async def test_a_directory_is_copied_only_when_asked_for_and_never_into_itself(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        source, inner = str(tmp_path / "work"), str(tmp_path / "work" / "inner")
        assert await client.call("fs/createDirectory", {"path": inner}) == {}
        (tmp_path / "work" / "f").write_text("x")
        flat = await error_of(client, "fs/copy", sourcePath=source, destinationPath=str(tmp_path / "c"))
        assert flat["message"] == "fs/copy requires recursive: true when sourcePath is a directory"
        inside = {"sourcePath": source, "destinationPath": inner, "recursive": True}
        assert (await error_of(client, "fs/copy", **inside))["message"].startswith("fs/copy cannot copy a directory")
        assert await client.call("fs/copy", {**inside, "destinationPath": str(tmp_path / "c")}) == {}
        assert (tmp_path / "c" / "f").read_text() == "x"


def test_a_write_that_fails_leaves_the_file_and_its_directory_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(TypeError):
        files.write_file(str(path), "no bytes")  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "f", tmp_path / "l"
    path.write_text("old")
    path.chmod(0o750)
    link.symlink_to("f")
    files.write_file(str(link), b"new")
    assert link.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o750)
    assert files.metadata(str(link)).is_symlink


def test_a_device_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe")):
        with pytest.raises(RpcError, match="is not a file"):
            files.read_file(path)


async def test_changes_are_told_until_the_watch_or_the_client_ends(tmp_path: Path) -> None:
    async with open_server(tmp_path, []) as server, open_wire(server) as client:
        work, file = str(tmp_path / "work"), str(tmp_path / "work" / "new")
        assert await client.call("fs/watch", {"path": work, "watchId": "w"}) == {"path": work}
        again = await error_of(client, "fs/watch", path=work, watchId="w")
        assert again["message"] == "watchId already exists: w"
        Path(file).write_text("x")
        assert await client.until("fs/changed") == {"watchId": "w", "changedPaths": [file]}
        assert await client.call("fs/unwatch", {"watchId": "w"}) == {}
        assert await client.call("fs/unwatch", {"watchId": "w"}) == {}
        assert await client.call("fs/watch", {"path": file, "watchId": "w"}) == {"path": file}
        os.unlink(file)
        assert await client.until("fs/changed") == {"watchId": "w", "changedPaths": [file]}


looks = st.dictionaries(st.sampled_from("abc"), st.tuples(*[st.integers(0, 1)] * 4))


@given(looks, looks)
def test_every_difference_between_two_looks_is_told_once(before: Any, after: Any) -> None:
    assert changed(before, after) == [path for path in "abc" if before.get(path) != after.get(path)]
    assert changed(before, before) == []
