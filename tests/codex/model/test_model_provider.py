"""From a provider's description and the environment to an address and headers."""

from typing import Any

import attrs
import pytest

from codex.base.errors import UserError
from codex.config.schema import Config, ProviderInfo
from codex.model import open_model_client
from codex.model.credentials import Credentials
from codex.model.failures import failure_of_status
from codex.model.provider import Endpoint, builtin_providers, endpoint_of, provider_of
from codex.model.proxy import proxy_for

KEY = Credentials("sk-1", "OPENAI_API_KEY", "check it")
CHATGPT = Credentials("jwt", "auth.json", "renew it", is_chatgpt=True, account_id="acc")


def endpoint(environ: dict[str, str] | None = None, credentials: Credentials = KEY, **fields: Any) -> Endpoint:
    provider = ProviderInfo(**{"id": "mine", "name": "Mine", "base_url": "http://h:1/v1", **fields})
    return endpoint_of(provider, environ or {}, credentials)


def openai(environ: dict[str, str], credentials: Credentials = KEY) -> Endpoint:
    return endpoint_of(builtin_providers(environ)["openai"], environ, credentials)


def test_openai_is_asked_at_its_own_address_with_the_key() -> None:
    found = openai({"OPENAI_ORGANIZATION": "org", "OPENAI_PROJECT": ""})
    assert found.url == "https://api.openai.com/v1/responses"
    assert found.headers == {"authorization": "Bearer sk-1", "openai-organization": "org"}
    assert found.is_https


def test_chatgpt_tokens_go_to_chatgpt_with_the_account() -> None:
    found = openai({}, CHATGPT)
    assert found.url == "https://chatgpt.com/backend-api/codex/responses"
    assert found.headers == {"authorization": "Bearer jwt", "chatgpt-account-id": "acc"}


def test_another_address_for_openai_takes_the_key_along_and_needs_none() -> None:
    environ = {"OPENAI_BASE_URL": "http://localhost:9/v1/"}
    assert openai(environ).url == "http://localhost:9/v1/responses"
    assert openai(environ).headers == {"authorization": "Bearer sk-1"}
    assert openai(environ, Credentials()).headers == {}
    assert builtin_providers(environ, "http://config/v1")["openai"].base_url == "http://config/v1"


def test_no_key_at_all_names_every_way_out() -> None:
    with pytest.raises(UserError) as caught:
        openai({}, Credentials())
    for way_out in ("OPENAI_API_KEY", "codex login --with-api-key", "--oss", "codex demo"):
        assert way_out in str(caught.value)


def test_own_providers_never_see_openais_key() -> None:
    assert endpoint().headers == {}
    assert endpoint({"OPENAI_API_KEY": "x"}).headers == {}


def test_a_missing_key_variable_is_named_with_its_instructions() -> None:
    with pytest.raises(UserError, match=r"MY_KEY is not set; Mine needs it: ask Bob"):
        endpoint(env_key="MY_KEY", env_key_instructions="ask Bob")
    with pytest.raises(
        UserError, match=r"MY_KEY is not set; Mine needs it: set it, or change model_providers.mine.env_key"
    ):
        endpoint({"MY_KEY": " "}, env_key="MY_KEY")


def test_a_token_in_the_file_is_used() -> None:
    assert endpoint(experimental_bearer_token="t").headers == {"authorization": "Bearer t"}


@pytest.mark.parametrize("url", ["localhost:1234/v1", "ftp://h/v1", "http://", "http://h:99999/v1", "http://h /v1", ""])
def test_what_is_no_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(UserError, match=r"model_providers\.mine\.base_url = "):
        endpoint(base_url=url)


def test_headers_that_cannot_be_sent_are_refused_without_showing_the_value() -> None:
    for headers in ({"x-a": "sec\nret"}, {"x-a": "sécret"}, {"x a": "v"}):
        with pytest.raises(UserError, match=r"model_providers\.mine") as caught:
            endpoint(http_headers=headers)
        assert "cret" not in str(caught.value)
    with pytest.raises(UserError, match="authorization"):
        endpoint({"K": "a\nb"}, env_key="K")


def test_a_header_of_the_users_takes_the_place_of_ours() -> None:
    found = endpoint({"K": "key"}, env_key="K", http_headers={"Authorization": "Basic x", "User-Agent": "me"})
    assert found.headers == {"authorization": "Basic x", "user-agent": "me"}
    with pytest.raises(UserError, match="'content-length' cannot be set"):
        endpoint(http_headers={"Content-Length": "1"})


def test_chat_has_its_own_path_and_queries_are_joined() -> None:
    found = endpoint(wire_api="chat", base_url="http://h/v1?a=1", query_params={"b c": "ü"})
    assert found.url == "http://h/v1/chat/completions?a=1&b%20c=%C3%BC"
    assert found.shown_url == "http://h/v1/chat/completions?a=…&b%20c=…"


def test_secrets_are_never_shown() -> None:
    found = endpoint(
        {"http_proxy": "http://u:pw@p:3"}, base_url="http://user:pw@h:5/v1", experimental_bearer_token="t0ken5"
    )
    shown = f"{found!r} {found.shown_url} {found.server_hint} {found.host} {found.shown_proxy}"
    assert "pw" not in shown
    assert "t0ken5" not in shown


def test_local_servers_have_their_ports_and_the_environment_moves_them() -> None:
    def urls(environ: dict[str, str]) -> list[str | None]:
        providers = builtin_providers(environ)
        return [providers[name].base_url for name in ("ollama", "lmstudio")]

    assert urls({}) == ["http://localhost:11434/v1", "http://localhost:1234/v1"]
    assert urls({"CODEX_OSS_PORT": "7"}) == ["http://localhost:7/v1"] * 2
    assert urls({"CODEX_OSS_PORT": "7", "CODEX_OSS_BASE_URL": "http://b/v1"}) == ["http://b/v1"] * 2
    with pytest.raises(UserError, match="CODEX_OSS_PORT='70000'"):
        builtin_providers({"CODEX_OSS_PORT": "70000"})


def test_an_unknown_provider_is_answered_with_close_matches() -> None:
    with pytest.raises(UserError, match=r"did you mean 'ollama'\?.*\[model_providers\.olama\]"):
        provider_of(Config("/h", "/", model_provider="olama"), {})


def test_an_own_provider_wins_over_a_built_in_one() -> None:
    own = ProviderInfo("ollama", "Mine", base_url="http://x/v1")
    assert provider_of(Config("/h", "/", model_provider="ollama", model_providers={"ollama": own}), {}) is own


async def test_a_scripted_provider_without_a_script_says_so() -> None:
    with pytest.raises(UserError, match=r"model_providers\.scripted\.script is missing"):
        async with open_model_client(Config("/h", "/", model_provider="scripted"), environ={}):
            pass


@pytest.mark.parametrize(
    ("local", "words"), [("ollama", "`ollama pull tiny`"), ("lmstudio", "`lms get tiny`"), (None, "-m")]
)
def test_a_model_that_is_not_there_is_told_how_to_get(local: str | None, words: str) -> None:
    at = attrs.evolve(endpoint(), local=local)
    body = b'{"error": {"message": "model \\"tiny\\" not found, try pulling it first"}}'
    for status in (404, 400):
        error = failure_of_status(status, {}, body, at, model="tiny", now=0.0)
        assert error.kind == "model_not_found"
        assert words in error.message


def test_a_long_pause_is_not_waited_for_but_told() -> None:
    error = failure_of_status(429, {"retry-after": "86400"}, b"", endpoint(), model="m", now=0.0)
    assert (error.retryable, error.retry_after) == (False, None)
    assert "86400 s" in error.message


def test_a_pause_may_be_given_as_a_date_or_in_milliseconds() -> None:
    def pause(**headers: str) -> float | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return failure_of_status(429, named, b"", endpoint(), model="m", now=784111770.0).retry_after

    assert pause(retry_after="Sun, 06 Nov 1994 08:49:37 GMT") == 7.0
    assert pause(retry_after_ms="1500") == 1.5
    assert pause(retry_after="soon") is None


PROXIES = {"HTTP_PROXY": "http://p1:1", "HTTPS_PROXY": "p2:2", "ALL_PROXY": "http://p3:3"}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("http://h/", {}, None),
        ("http://h/", PROXIES, "http://p1:1"),
        ("https://h/", PROXIES, "http://p2:2"),
        ("https://h/", {"ALL_PROXY": "http://p3:3"}, "http://p3:3"),
        ("http://h/", {**PROXIES, "http_proxy": "http://low"}, "http://low"),
        ("http://h/", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, None),
        ("http://h/", {**PROXIES, "NO_PROXY": "*"}, None),
        ("http://a.example.com/", {**PROXIES, "NO_PROXY": "x, .example.com"}, None),
        ("http://example.com/", {**PROXIES, "NO_PROXY": "example.com"}, None),
        ("http://notexample.com/", {**PROXIES, "NO_PROXY": "example.com"}, "http://p1:1"),
        ("http://127.0.0.1:8/", {**PROXIES, "NO_PROXY": "127.0.0.0/8"}, None),
        ("http://h:8/", {**PROXIES, "NO_PROXY": "h:9"}, "http://p1:1"),
        ("http://h:9/", {**PROXIES, "NO_PROXY": "h:9"}, None),
        ("http://[::1]:9/", {**PROXIES, "NO_PROXY": "::1"}, None),
    ],
)
def test_the_proxy_is_the_one_the_environment_names(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


def test_a_proxy_that_cannot_be_used_is_named() -> None:
    with pytest.raises(UserError, match="HTTP_PROXY: a proxy of kind 'gopher'"):
        proxy_for("http://h/", {"HTTP_PROXY": "gopher://p"})
