"""One scenario with OpenAI's Python SDK; what it saw is printed as JSON."""

# pyright: basic
# The SDK is not installed where this is checked, only where it runs.
import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

from openai_codex import (
    AsyncCodex,
    Codex,
    CodexConfig,
    ExternalMessage,
    ImageInput,
    InvalidRequestError,
    LocalImageInput,
    Sandbox,
    TextInput,
    retry_on_overload,
)

BINARY, DIRECTORY = sys.argv[2:]
CONFIG = CodexConfig(codex_bin=BINARY, cwd=DIRECTORY, config_overrides=('model_reasoning_effort="low"',))
OPTIONS: Any = {"sandbox": Sandbox.full_access, "cwd": DIRECTORY}
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def kinds(items: Any) -> list[str]:
    return [item.root.type for item in items]


def run() -> Any:
    with Codex(CONFIG) as codex:
        result = codex.thread_start(**OPTIONS).run("go [[script:shell]]")
        command = result.items[1].root
        return {
            "server": codex.metadata.userAgent.split("/")[0],
            "items": kinds(result.items),
            "command": [
                command.exit_code,
                command.status.value,
                command.cwd.root if hasattr(command.cwd, "root") else command.cwd,
            ],
            "answer": result.final_response,
            "status": result.status.value,
            "used": result.usage is not None and result.usage.total.total_tokens > 0,
            "timed": result.duration_ms is not None and result.completed_at is not None,
        }


def streamed() -> Any:
    with Codex(CONFIG) as codex:
        turn = codex.thread_start(**OPTIONS).turn("go [[script:shell]]")
        return [[event.method, type(event.payload).__name__] for event in turn.stream()]


def turns_and_resume() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        answers = [thread.run("alpha").final_response, thread.run("beta").final_response]
    with Codex(CONFIG) as codex:
        again = codex.thread_resume(thread.id, **OPTIONS)
        answers.append(again.run("gamma").final_response)
        turns = again.read(include_turns=True).thread.turns
        return {"answers": answers, "same": again.id == thread.id, "turns": [kinds(turn.items) for turn in turns]}


def fork() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        thread.run("alpha")
        other = codex.thread_fork(thread.id, **OPTIONS)
        other.run("beta")
        return {
            "different": thread.id != other.id,
            "answer": other.run("gamma").final_response,
            "first": thread.run("gamma").final_response,
            "turns": [len(one.read(include_turns=True).thread.turns) for one in (thread, other)],
        }


def steer() -> Any:
    with Codex(CONFIG) as codex:
        turn = codex.thread_start(**OPTIONS).turn("go [[script:steered]]")
        users = []
        answer = None
        for event in turn.stream():
            item = getattr(event.payload, "item", None)
            if event.method == "item/started" and item.root.type == "commandExecution":
                turn.steer("do it nicely")
                Path(DIRECTORY, "steered").touch()
            if event.method == "item/completed" and item.root.type == "userMessage":
                users.append(item.root.content[0].root.text)
            if event.method == "item/completed" and item.root.type == "agentMessage":
                answer = item.root.text
        return {"users": users, "answer": answer}


def interrupt() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        turn = thread.turn("wait [[script:silent]]")
        for event in turn.stream():
            if event.method == "turn/started":
                turn.interrupt()
            if event.method == "turn/completed":
                status = event.payload.turn.status.value
        return {"status": status, "next": thread.run("go on [[script:hello]]").final_response}


def inputs() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        dot = f"{DIRECTORY}/dot.png"
        answers = [thread.run("structured", output_schema=SCHEMA).final_response]
        thread = codex.thread_start(**OPTIONS)
        answers.append(thread.run([TextInput("look"), LocalImageInput(dot)]).final_response)
        url = "data:image/png;base64," + base64.b64encode(Path(dot).read_bytes()).decode()
        thread = codex.thread_start(**OPTIONS)
        answers.append(thread.run([TextInput("look"), ImageInput(url)]).final_response)
        return answers


def external() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        return thread.run(ExternalMessage("mailer", "you have mail")).final_response


def stored() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        thread.run("hello")
        thread.set_name("my thread")
        listed = codex.thread_list().data
        seen = {"listed": [[one.id == thread.id, one.name, one.preview] for one in listed]}
        codex.thread_archive(thread.id)
        seen["after"] = [len(codex.thread_list().data), len(codex.thread_list(archived=True).data)]
        codex.thread_unarchive(thread.id)
        seen["back"] = len(codex.thread_list().data)
        return seen


def compact() -> Any:
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        for _ in range(3):
            thread.run("hello")
        thread.compact()
        return thread.run("and now").final_response


def account() -> Any:
    with Codex(CONFIG) as codex:
        before = codex.account().account
        codex.login_api_key("sk-test-key")
        during = codex.account().account
        codex.logout()
        after = codex.account().account
        return [before and before.root.type, during and during.root.type, after and after.root.type]


def models() -> Any:
    with Codex(CONFIG) as codex:
        data = codex.models().data
        return {"some": len(data) > 0, "default": sum(model.is_default for model in data)}


def parallel() -> Any:
    async def go() -> Any:
        async with AsyncCodex(CONFIG) as codex:
            threads = [await codex.thread_start(**OPTIONS) for _ in range(4)]
            results = await asyncio.gather(*(thread.run("hi") for thread in threads))
            turn = await threads[0].turn("again [[script:shell]]")
            methods = [event.method async for event in turn.stream()]
            return {
                "answers": [result.final_response for result in results],
                "different": len({thread.id for thread in threads}),
                "streamed": methods[-1],
            }

    return asyncio.run(go())


def failures() -> Any:
    seen: list[Any] = []
    with Codex(CONFIG) as codex:
        thread = codex.thread_start(**OPTIONS)
        try:
            thread.run("fail [[script:refused]]")
        except RuntimeError as error:
            seen.append(str(error))
        for broken in (
            lambda: codex.thread_resume("01a20539-4afb-79b0-8aa3-8f73ebcc6bcd"),
            lambda: codex.thread_resume("x"),
        ):
            try:
                broken()
            except InvalidRequestError as error:
                seen.append(error.code)
        seen.append(retry_on_overload(lambda: thread.run("go on [[script:hello]]")).final_response)
    return seen


SCENARIOS = (
    run,
    streamed,
    turns_and_resume,
    fork,
    steer,
    interrupt,
    inputs,
    external,
    stored,
    compact,
    account,
    models,
    parallel,
    failures,
)
print(json.dumps({scenario.__name__: scenario for scenario in SCENARIOS}[sys.argv[1]]()))
