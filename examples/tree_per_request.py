"""A service that starts a tree of agents for each request: they work side by side, and are gone when it is answered."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from codex.config import load_config
from codex.embed import Engine, open_engine
from codex.protocol.budget import Budget
from codex.threads import Thread

SCRIPT = {
    "scripts": {"weather": [[{"type": "text", "text": "Sunny in ${prompt_re:in (\\w+)}."}]]},
    "default": "weather",
}


async def ask(request: Request) -> JSONResponse:
    engine: Engine = request.app.state.engine
    cities = request.query_params.getlist("city")

    async def work(thread: Thread) -> list[str]:
        return await thread.agents.map([f"What is it like in {city}?" for city in cities], deadline=60)

    async with await engine.start_thread(budget=Budget(agents=8, tokens=100_000)) as thread:
        return JSONResponse(await thread.call(work))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "script.json").write_text(json.dumps(SCRIPT))
        model = ['model_provider="scripted"', f'model_script="{home}/script.json"', 'model="gpt-5.5"']
        async with open_engine(load_config(cwd=home, codex_home=home, environ={}, overrides=model)) as engine:
            app.state.engine = engine
            yield


app = Starlette(routes=[Route("/ask", ask)], lifespan=lifespan)


async def main() -> None:
    async with (
        lifespan(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service") as client,
    ):
        requests = ["/ask?city=Bern&city=Basel", "/ask?city=Genf&city=Chur&city=Zug"]
        for answer in await asyncio.gather(*map(client.get, requests)):
            print(answer.json())
        print("threads left:", len(app.state.engine.codex.threads))


if __name__ == "__main__":
    asyncio.run(main())
