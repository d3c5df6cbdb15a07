"""TLS: certificates from the environment are trusted, others are not, and the first byte does not wait for them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from codex.base.errors import UserError
from codex.model._tls import tls_context
from tests.codex.model.loopback import GOOD, ask, ask_and_fail, open_client
from tests.codex.model.test_model_http import EVENTS

HERE = Path(__file__).parent
CERTIFICATE = str(HERE / "localhost_certificate.pem")


@asynccontextmanager
async def open_tls_server() -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, HERE / "localhost_key.pem")

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            while data := await stream.receive_some():
                if data.endswith(b"}"):
                    await stream.send_all(GOOD)
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        serving = partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1", https_compatible=True)
        listeners = await nursery.start(serving)
        yield f"https://localhost:{listeners[0].transport_listener.socket.getsockname()[1]}/v1"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("variable", ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"])
async def test_a_certificate_named_in_the_environment_is_trusted(variable: str) -> None:
    async with open_tls_server() as base_url:
        async with open_client(base_url, environ={variable: CERTIFICATE}) as client:
            for _ in range(2):
                assert await ask(client) == EVENTS


async def test_an_untrusted_certificate_ends_at_once_and_names_the_way_out() -> None:
    async with open_tls_server() as base_url, open_client(base_url, request_max_retries=4) as client:
        for _ in range(2):
            _, error = await ask_and_fail(client)
            assert not error.retryable
            assert error.message.startswith("the certificate of localhost:")
            assert "CODEX_CA_CERTIFICATE" in error.message


@pytest.mark.parametrize("variable", ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"])
def test_a_certificate_file_that_cannot_be_used_is_named(variable: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{variable} = '/no/such': no certificates could be loaded"):
        tls_context({variable: "/no/such"})
    (tmp_path / "x").write_text("no certificate")
    with pytest.raises(UserError, match=variable):
        tls_context({variable: str(tmp_path / "x")})


async def test_a_bad_certificate_file_is_told_at_the_first_request() -> None:
    async with open_client("https://localhost:1/v1", environ={"CODEX_CA_CERTIFICATE": "/no/such"}) as client:
        with pytest.raises(UserError, match="CODEX_CA_CERTIFICATE"):
            await ask(client)
