"""A web service: one engine for all requests, turns as server-sent events; a client that goes interrupts its turn."""

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from codex.config import load_config
from codex.embed import EngineThread, open_engine
from codex.protocol.event import AgentMessageDelta

SCRIPT = [[{"type": "text", "deltas": ["It will ", "rain ", "today."]}]]


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "script.json").write_text(json.dumps(SCRIPT))
        model = ['model_provider="scripted"', f'model_script="{home}/script.json"', 'model="gpt-5.5"']
        async with open_engine(load_config(cwd=home, codex_home=home, environ={}, overrides=model)) as engine:
            yield {"engine": engine}


async def ask(request: Request) -> StreamingResponse:
    thread = await request.state.engine.start_thread()

    return StreamingResponse(events(thread, request.query_params["q"]), media_type="text/event-stream")


async def events(thread: EngineThread, prompt: str) -> AsyncIterator[str]:
    async with thread, thread.run(prompt) as turn:
        async for event in turn:
            if isinstance(event.msg, AgentMessageDelta):
                yield f"data: {json.dumps(event.msg.delta)}\n\n"


app = Starlette(routes=[Route("/ask", ask)], lifespan=lifespan)


async def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        print((await client.get("/ask?q=Rain?")).text, end="")
    server.should_exit = True
    await serving
    print("stopped")


if __name__ == "__main__":
    asyncio.run(main())
