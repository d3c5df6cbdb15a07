"""What the model client imports, seen from fresh interpreters: the first byte must not wait for big packages."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HEAVY = ("openai", "httpx2", "httpcore2", "anyio", "asyncio", "pydantic", "cattrs", "argparse")

# A server thread that answers at once, and a client that asks it; then what is loaded.
ASK = """
import json, socket, sys, threading, time
import trio
from codex.config.schema import Config, ProviderInfo
before = set(sys.modules)
from codex.model import RequestIds, build_request, lookup, open_model_client
from codex.model._openai import is_loaded

listener = socket.create_server(("127.0.0.1", 0))
DONE = b'data: {"type":"response.completed","response":{"id":"r"}}\\n\\n'
ANSWER = b"HTTP/1.1 200 OK\\r\\ncontent-type: text/event-stream\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(DONE) + DONE
WAITS = float(sys.argv[1])

def serve():
    connection, _ = listener.accept()
    with listener, connection:
        while True:
            data = b""
            while not data.endswith(b"}}"):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            until = time.monotonic() + WAITS
            while time.monotonic() < until and not is_loaded():
                time.sleep(0.01)
            connection.sendall(ANSWER)

server = threading.Thread(target=serve)
server.start()
url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
config = Config("/h", "/", model_provider="m", model_providers={"m": ProviderInfo("m", "M", base_url=url)})
loaded = []

async def main():
    request = build_request(lookup("gpt-5.5"), RequestIds("r", "t", "u"), input=[], tools=[])
    async with open_model_client(config, environ={}) as client:
        for _ in range(int(sys.argv[2])):
            async with client.stream(request) as batches:
                async for _ in batches:
                    pass
            loaded.append(sorted(set(sys.modules) - before))
            for thread in threading.enumerate():
                if thread.name == "load openai":
                    await trio.to_thread.run_sync(thread.join)

trio.run(main)
server.join()
print(json.dumps(loaded))
"""


def run(code: str, *arguments: str) -> Any:
    command = [sys.executable, "-X", "dev", "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def heavy(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_the_first_request_loads_nothing_heavy_and_those_behind_a_pause_leave_through_openai() -> None:
    first, _, third = run(ASK, "0", "3")
    assert heavy(first) == set()
    # Beside Trio and the configuration: our own modules, h11, jiter, and little of the standard library.
    assert len([name for name in first if not name.startswith(("codex", "h11", "jiter"))]) < 40
    assert len([name for name in first if name.startswith("codex")]) < 40
    assert "openai" in heavy(third)
    assert not [name for name in third if name.startswith("openai.types.beta")]


def test_openai_is_loaded_in_the_quiet_time_before_the_first_answer() -> None:
    (first,) = run(ASK, "20", "1")
    assert "openai" in first


def test_a_client_that_ends_while_openai_loads_leaves_nothing_half_done() -> None:
    code = """
import json, sys, threading
import trio
from codex.model._openai import OpenAILoader, is_loaded

async def main():
    for seconds in (0.07, 0.08, 0.09, 0.1, 20):
        loader = OpenAILoader()
        loader.began()
        loader.sent()
        with trio.move_on_after(seconds):
            while not is_loaded():
                await trio.sleep(0.005)
        await loader.aclose()
        assert is_loaded() or "openai" not in sys.modules

trio.run(main)
import openai, httpcore2
from openai.types.responses import Response
assert httpcore2._synchronization.trio is trio
names = [thread.name for thread in threading.enumerate() if thread.name == "load openai"]
print(json.dumps([openai.AsyncOpenAI.__name__, Response.__name__, names]))
"""
    assert run(code) == ["AsyncOpenAI", "Response", []]


def test_openai_is_not_loaded_beside_several_requests() -> None:
    code = """
import json
import trio
from codex.model._openai import OpenAILoader, is_loaded

async def main():
    loader = OpenAILoader()
    for _ in range(2):
        loader.began()
        loader.sent()
    with trio.move_on_after(0.5):
        while not is_loaded():
            await trio.sleep(0.01)
    found = [is_loaded()]
    loader.ended()
    loader.sent()
    while not is_loaded():
        await trio.sleep(0.01)
    await loader.aclose()
    print(json.dumps([*found, is_loaded()]))

trio.run(main)
"""
    assert run(code) == [False, True]


def test_the_types_of_openai_are_all_there_for_those_who_want_them() -> None:
    code = """
import json
from codex.model._openai import load_openai
load_openai()
import openai, openai.types.beta, openai.types.responses
from openai.types import CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.responses import Response, ResponseInputParam
client = openai.AsyncOpenAI(api_key="x", base_url="http://h")
names = [client.responses, client.chat.completions, openai.types.ResponseFormatText, openai.types.chat.ChatCompletion]
try:
    openai.types.Nonsense
except AttributeError:
    names.append(None)
print(json.dumps([CompletionUsage.__name__, Response.__name__, len(names)]))
"""
    assert run(code) == ["CompletionUsage", "Response", 5]
