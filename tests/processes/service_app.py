"""A web service with an agent, for tests: turns as server-sent events, and what the engine holds."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from codex.config import load_config
from codex.embed import Engine, open_engine
from codex.protocol.event import AgentMessageDelta, CommandOutputDelta, TaskComplete


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, object]]:
    config = load_config(
        cwd=os.environ["SERVICE_CWD"],
        codex_home=os.environ["SERVICE_HOME"],
        environ={},
        overrides=[
            'model_provider="scripted"',
            f"model_script={json.dumps(os.environ['SERVICE_SCRIPT'])}",
            'model="gpt-5.5"',
            "project_doc_max_bytes=0",
        ],
        flags={"sandbox_mode": "danger-full-access"},
    )
    async with open_engine(config) as engine:
        yield {"engine": engine}


async def ask(request: Request) -> StreamingResponse:
    thread = await request.state.engine.start_thread()

    async def events() -> AsyncIterator[str]:
        async with thread, thread.run(request.query_params["q"]) as turn:
            async for event in turn:
                match event.msg:
                    case AgentMessageDelta(delta=text):
                        yield f"data: {json.dumps(text)}\n\n"
                    case CommandOutputDelta(chunk=chunk):
                        yield f"data: {json.dumps(chunk.decode())}\n\n"
                    case TaskComplete():
                        yield "event: done\ndata: {}\n\n"
                    case _:
                        pass

    return StreamingResponse(events(), media_type="text/event-stream")


async def threads(request: Request) -> JSONResponse:
    engine: Engine = request.state.engine
    return JSONResponse(len(engine.codex.threads))


app = Starlette(routes=[Route("/ask", ask), Route("/threads", threads)], lifespan=lifespan)
