"""A client whose key comes later, or is another one at the next request."""

from pathlib import Path

import pytest

from codex.config.schema import Config, ProviderInfo
from codex.model import open_model_client
from codex.model.auth import login_with_api_key, logout
from codex.ports.model import ModelError
from tests.codex.model.loopback import GOOD, ask, open_server


async def test_requests_carry_the_login_that_holds_at_their_time(tmp_path: Path) -> None:
    async with open_server(GOOD) as server:
        openai = ProviderInfo("openai", "OpenAI", base_url=server.base_url, requires_openai_auth=True)
        config = Config(str(tmp_path), "/", model_provider="openai", model_providers={"openai": openai})
        async with open_model_client(config, environ={}, late_login=True) as client:
            for key in ("sk-first", "sk-second"):
                login_with_api_key(str(tmp_path), key)
                await ask(client)
                assert server.received[-1].headers["authorization"] == f"Bearer {key}"
        await server.wait_all_closed()


async def test_without_a_login_a_request_says_how_to_get_one(tmp_path: Path) -> None:
    config = Config(str(tmp_path), "/")
    async with open_model_client(config, environ={}, late_login=True) as client:
        for _ in range(2):
            with pytest.raises(ModelError, match="codex login --with-api-key") as caught:
                await ask(client)
            assert (caught.value.kind, caught.value.retryable) == ("unauthorized", False)
            assert logout(str(tmp_path)) is False
