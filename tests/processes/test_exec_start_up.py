"""What `codex exec` has loaded when its first request is on the way: every module and class of it is waited for.

To tighten a bound: run `pytest tests/processes/test_exec_start_up.py -s`, look at what is printed, take something off
the path (import it inside the function that needs it), and write the new number here. The bounds only go down.
"""

import os
import socket
import subprocess
import sys
import time

import pytest

from tests.processes.loaded import Loaded, loaded_now, program

# Measured and a little more: a class that attrs completed costs half a millisecond, a module a third of one. A class of
# `codex.base.frozen` counts once its first instance is made.
MAX_MODULES = 450
MAX_OUR_MODULES = 200
MAX_ATTRS_CLASSES = 160
# Loaded later or never on this path.
FORBIDDEN = (
    "asyncio",
    "cattrs",
    "argparse",
    "tomllib",
    "tomlkit",
    "logging.handlers",
    "unittest",
    "sqlite3",
    "difflib",
    "codex.hooks",
    "codex.skills",
    "codex.config.edit",
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    place = tmp_path_factory.mktemp("exec")
    (place / "home").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        overrides = [
            "model_provider=mock",
            f'model_providers.mock.base_url="{url}"',
            'model_providers.mock.name="Mock"',
        ]
        arguments = [part for text in overrides for part in ("-c", text)]
        arguments += ["-m", "gpt-5.5", "--skip-git-repo-check", "--json", "-C", str(place), "say hello"]
        environ = {**os.environ, "CODEX_HOME": str(place / "home"), "HOME": str(place)}
        began = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-c", program(["exec", *arguments], place)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            connection, _ = _accept(server, child)
            with connection:
                connection.settimeout(30)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65_536) or pytest.fail("the connection was closed without a request")
                assert head.startswith(b"POST /v1/responses HTTP/1.1\r\n")
                print(f"\n{time.monotonic() - began:.3f} s")
                return loaded_now(child, place)
        finally:
            child.kill()
            child.communicate()


def _accept(server: socket.socket, child: "subprocess.Popen[bytes]") -> tuple[socket.socket, object]:
    """The first connection; fails with what the child printed if it ends instead."""
    server.settimeout(0.2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return server.accept()
        except TimeoutError:
            if child.poll() is not None:
                pytest.fail(f"codex exec ended with {child.returncode}:\n{child.communicate()[0].decode()}")
    pytest.fail("no request within a minute")


def test_few_modules_are_loaded_before_the_first_request(loaded: Loaded) -> None:
    ours = loaded.our_modules
    print(f"\n{len(loaded.modules)} modules, {len(ours)} of ours")
    assert len(loaded.modules) <= MAX_MODULES
    assert len(ours) <= MAX_OUR_MODULES


def test_few_classes_are_made_before_the_first_request(loaded: Loaded) -> None:
    ours = loaded.our_attrs_classes
    print(f"\n{loaded.classes} classes, {len(loaded.attrs_classes)} by attrs, {len(ours)} of them ours")
    assert len(loaded.attrs_classes) <= MAX_ATTRS_CLASSES


def test_what_the_first_request_does_not_need_is_not_loaded(loaded: Loaded) -> None:
    assert [name for name in FORBIDDEN if name in loaded.modules] == []
