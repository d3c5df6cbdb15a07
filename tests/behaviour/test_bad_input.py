"""What is wrong with the input of `codex exec` is told in one line with the way out, and never as a traceback."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest
import trio

from codex.base.jsontext import Json
from codex.model.scripted._parse import parse_script
from codex.model.scripted.server import serve
from tests.behaviour.typed_codex import Place, Typed, make_place

HELLO = {"turns": [[{"type": "text", "text": "Hello."}]], "loop": True}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


def refused(run: Typed, code: int = 1) -> str:
    """The one line on stderr of a run that did not begin."""
    assert "Traceback" not in run.stderr
    assert "fault of its own" not in run.stderr
    assert (run.code, run.stdout) == (code, "")
    assert len(run.told) == 1, run.stderr
    return run.told[0]


def failed(run: Typed) -> str:
    """The message of a run with `--json` whose turn failed."""
    assert "Traceback" not in run.stderr
    assert (run.code, run.told) == (1, [])
    assert [event["type"] for event in run.events] == ["thread.started", "turn.started", "error", "turn.failed"]
    message = run.events[-1]["error"]["message"]
    assert run.events[-2]["message"] == message
    assert "\n" not in message
    return message


@contextmanager
def model_server(script: Json) -> Generator[str]:
    """A scripted model over HTTP in a thread of its own; its URL."""
    urls: list[str] = []
    ready, over = Event(), Event()

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            urls.append(await nursery.start(partial(serve, parse_script(script, "script.json"), port=0)))
            ready.set()
            await trio.to_thread.run_sync(over.wait)
            nursery.cancel_scope.cancel()

    server = Thread(target=trio.run, args=(run,))
    server.start()
    try:
        assert ready.wait(10)
        yield urls[0]
    finally:
        over.set()
        server.join(10)


OPTIONS = [
    (["-c", "model"], "Error: -c model: has no '='; write -c key=value, for example -c model=\"gpt-5.5\""),
    (["-c", "=3"], "Error: -c =3: the key has an empty part"),
    (["-c", "a..b=1"], "Error: -c a..b=1: the key has an empty part; write it as a.b.c"),
    (["-c", 'sandbox_mode="read-onyl"'], "did you mean 'read-only'?"),
    (["-c", "model_context_window=much"], "model_context_window: expected a whole number from 1 on"),
    (["-c", "sandbox_workspace_write.writable_roots=[1"], "sandbox_workspace_write.writable_roots: expected"),
    (["-c", "model_provider=opnai"], "unknown provider 'opnai', did you mean 'openai'?; known: lmstudio, ollama,"),
    (["-c", "modle=1", "--strict-config"], "-c modle=1: modle: unknown key, did you mean 'model'?; correct or remove"),
    (["-m", ""], "--model: model: expected a string that is not empty"),
    (["-p", "work"], "no profile 'work'; make "),
    (["-C", "/no/such"], "--cd: '/no/such' does not exist; name an existing directory"),
    (["-C", "/etc/passwd"], "--cd: '/etc/passwd' is not a directory; name an existing directory"),
    (["-i", "none.png"], "none.png' is no file; name an image that exists"),
    (["--output-schema", "none.json"], "--output-schema: cannot read 'none.json': No such file or directory"),
    (["--oss"], "--oss: no local provider is chosen; add --local-provider ollama or --local-provider lmstudio"),
]


@pytest.mark.parametrize(("options", "told"), OPTIONS, ids=[" ".join(options) for options, _ in OPTIONS])
def test_an_option_with_a_wrong_value_is_refused(place: Place, options: list[str], told: str) -> None:
    assert told in refused(place.run("exec", *options, "hi"))


MISTYPED = [
    (["exec", "--sandbx", "x"], "error: unexpected argument '--sandbx' found"),
    (["exec", "-s", "nope", "hi"], "[possible values: read-only, workspace-write, danger-full-access]"),
    (["exec", "hi", "there"], "error: unexpected argument 'there' found; put the whole prompt in quotes"),
    (["exce", "hi"], "error: unrecognized command 'exce'"),
]


@pytest.mark.parametrize(("arguments", "told"), MISTYPED, ids=[" ".join(arguments) for arguments, _ in MISTYPED])
def test_a_command_line_that_is_not_understood_ends_with_2(place: Place, arguments: list[str], told: str) -> None:
    run = place.run(*arguments)
    assert (run.code, run.stdout) == (2, "")
    assert told in run.told[0]
    assert run.told[-1].startswith("For more information, try 'codex")


FILES = [
    ("a = 1\nmodel = \n", ":2:9: not valid TOML: Invalid value in 'model ='; correct this line"),
    ('sandbox_mode = "read-onyl"\n', ":1: sandbox_mode: expected one of "),
    ("\n[sandbox_workspace_write]\nnetwork_access = 1\n", ":3: sandbox_workspace_write.network_access: expected true"),
    ('model_provider = "opnai"\n', ":1: model_provider: unknown provider 'opnai', did you mean 'openai'?"),
    (b'model = "\xff"\n', ":1: is not UTF-8: byte 9 on line 1 (0xff); save it as UTF-8"),
]


@pytest.mark.parametrize(("text", "told"), FILES, ids=[told.partition(": ")[2] for _, told in FILES])
def test_a_wrong_config_file_is_refused_with_file_line_and_key(place: Place, text: str | bytes, told: str) -> None:
    place.configure(text)
    assert f"{place.codex_home}/config.toml{told}" in refused(place.run("exec", "hi"))


def test_all_faults_of_a_config_file_are_told_and_the_mistyped_keys_behind_them(place: Place) -> None:
    place.configure('model_provider = "own"\nmodel = "m"\n\n[model_providers.own]\nbase_ulr = "http://localhost/v1"\n')
    run = place.run("exec", "hi")
    assert (run.code, run.stdout) == (1, "")
    file = f"{place.codex_home}/config.toml"
    assert run.told[0].startswith(f"Error: {file}:1: model_providers.own.base_url: missing")
    assert run.told[1:] == [
        f"  warning: {file}:5: model_providers.own.base_ulr: unknown key, ignored, did you mean 'base_url'?"
    ]


def test_an_unknown_key_is_a_warning_and_the_turn_runs(place: Place) -> None:
    place.play(HELLO)
    run = place.run("exec", "-c", "modle=1", "hi")
    assert (run.code, run.stdout) == (0, "Hello.\n")
    assert "warning: -c modle=1: modle: unknown key, ignored, did you mean 'model'?" in run.told


def test_without_a_model_the_three_ways_to_one_are_named(place: Place) -> None:
    told = refused(place.run("exec", "hi"))
    assert all(way in told for way in ("OPENAI_API_KEY", "--oss", "codex demo"))


def test_a_prompt_of_two_megabytes_is_refused_and_a_quarter_of_it_is_taken(place: Place) -> None:
    place.play(HELLO)
    told = refused(place.run("exec", "--json", stdin=b"x" * (2 << 20)))
    assert "the prompt has 2,097,152 characters, the limit is 1,048,576 (1 MiB)" in told
    taken = place.run("exec", "--json", "-", stdin=b"x" * (1 << 19))
    assert (taken.code, taken.events[-1]["type"]) == (0, "turn.completed")


@pytest.mark.parametrize("prompt", [[], ["-"], [""]])
def test_an_empty_prompt_is_refused(place: Place, prompt: list[str]) -> None:
    assert "rompt" in refused(place.run("exec", *prompt))


def test_stdin_that_is_no_text_is_refused(place: Place) -> None:
    told = refused(place.run("exec", "-", stdin=b"ab\xff"))
    assert "stdin is not UTF-8 text: byte 0xff at offset 2" in told


@pytest.mark.parametrize(("schema", "told"), [("{broken", "is not JSON"), ("[1]", "holds no JSON object")])
def test_a_bad_schema_is_refused(place: Place, schema: str, told: str) -> None:
    (place.repo / "schema.json").write_text(schema)
    assert told in refused(place.run("exec", "--output-schema", "schema.json", "hi"))


def test_outside_of_a_repository_the_way_out_is_named(place: Place) -> None:
    (place.repo / ".git/HEAD").unlink()
    assert "--skip-git-repo-check" in refused(place.run("exec", "hi"))


@pytest.mark.parametrize(("home", "told"), [("file", "is not a directory"), ("none", "does not exist; make it")])
def test_a_wrong_codex_home_is_refused(place: Place, home: str, told: str) -> None:
    (place.path / "file").touch()
    assert told in refused(place.run("exec", "hi", environ={"CODEX_HOME": str(place.path / home)}))


def test_a_home_that_cannot_be_written_is_told(place: Place) -> None:
    place.play(HELLO)
    (place.codex_home / "sessions").touch()  # a directory is wanted here; root may write anything else
    run = place.run("exec", "--json", "hi")
    assert "Traceback" not in run.stderr
    assert run.code == 1
    assert "sessions" in run.stdout + run.stderr


def test_a_resumed_thread_that_is_not_there_is_refused(place: Place) -> None:
    place.play(HELLO)
    run = place.run("exec", "resume", "00000000-0000-7000-8000-000000000000", "hi")
    assert (run.code, run.stdout) == (1, "")
    assert "no rollout found for thread id 00000000-0000-7000-8000-000000000000" in run.stderr


SERVER: Json = {
    "rules": [{"match": name, "in": "last", "script": name} for name in ("key", "model", "words", "page", "much")],
    "scripts": {
        "key": [{"http_status": 401, "message": "Incorrect API key", "error_code": "invalid_api_key"}],
        "model": [{"http_status": 404, "message": "no such model", "error_code": "model_not_found"}],
        "words": [{"http_status": 400, "message": "bad words"}],
        "page": [{"http_status": 503, "http_body": "<html>\n<body>\nlater</body></html>"}],
        "much": [{"http_status": 429, "message": "quota", "error_code": "insufficient_quota"}],
    },
    "default": "key",
}


def test_what_a_server_refuses_is_one_event_with_the_way_out(place: Place) -> None:
    with model_server(SERVER) as url:
        place.ask(url)
        ask = partial(place.run, "exec", "--json", "-c", "model_providers.mock.stream_max_retries=0")
        key, model, words, page, much = map(failed, map(ask, ("key", "model", "words", "page", "much")))
        secret = {"OPENAI_API_KEY": "sk-" + "x" * 40}
        wrong = ask("key", "-c", "model_providers.mock.env_key=OPENAI_API_KEY", environ=secret)
    assert "401 Unauthorized: Incorrect API key" in key
    assert key.endswith("(the server wants a key: name its variable in model_providers.mock.env_key)")
    assert "'gpt-5.5' came from -m or the config key `model`: choose one that the provider offers" in model
    assert json.loads(words)["error"]["message"] == "bad words"
    assert "503 Service Unavailable: <html> <body> later</body></html>" in page
    assert much == (
        "the account's usage limit or quota is spent: wait for its reset, or check its plan and billing (quota)"
    )
    assert failed(wrong).endswith("(check the key in the environment variable OPENAI_API_KEY)")
    assert "x" * 40 not in wrong.stdout + wrong.stderr


def test_a_server_that_is_not_there_is_told_at_once(place: Place) -> None:
    place.ask("http://127.0.0.1:1/v1")
    assert failed(place.run("exec", "--json", "hi")) == (
        "connection refused by 127.0.0.1:1: is the server of model_providers.mock running at http://127.0.0.1:1/v1?"
    )
    ollama = failed(
        place.run("exec", "--json", "--oss", "--local-provider", "ollama", "hi", environ={"CODEX_OSS_PORT": "1"})
    )
    assert ollama.startswith("connection refused by localhost:1: is `ollama serve` running?")
