"""Where requests go and as whom: a provider's description and the environment become an `Endpoint`.

Pure: the environment and the stored credentials are handed in. Whatever is missing is a `UserError` that names it and
the ways out.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from codex.base.errors import UserError
from codex.base.suggest import did_you_mean
from codex.config.schema import Config, ProviderInfo, WireApi
from codex.model.credentials import Credentials
from codex.model.proxy import proxy_for

OPENAI_BASE_URL = "https://api.openai.com/v1"
CHATGPT_BASE_URL = "https://chatgpt.com/backend-api/codex"
OLLAMA_PORT = 11434
LMSTUDIO_PORT = 1234
_LOCAL_SERVERS = ("ollama", "lmstudio")

_PATHS: dict[WireApi, str] = {"responses": "/responses", "chat": "/chat/completions"}
_NO_KEY = (
    "no API key for OpenAI: set OPENAI_API_KEY, or run `codex login --with-api-key`, or use a local model with --oss, "
    "or see it work without any model: `codex demo`"
)


@attrs.frozen
class Endpoint:
    """Where a provider's requests go. `headers` and `url` may hold secrets; `shown_url` is safe to show.

    `local`: the server on this machine that the provider stands for, if any.
    """

    provider_id: str
    base_url: str
    url: str = attrs.field(repr=False)
    wire_api: WireApi
    headers: Mapping[str, str] = attrs.field(repr=False)
    auth_hint: str
    local: str | None = None
    proxy: str | None = attrs.field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The server's address as one types it."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def shown_url(self) -> str:
        """The URL without a password and without query values, which may be keys."""
        return _without_secrets(self.url)

    @property
    def shown_proxy(self) -> str:
        """The proxy's URL without its password."""
        return _without_secrets(self.proxy or "")

    @property
    def is_https(self) -> bool:
        """Whether TLS is spoken on the way: to the server, or to the proxy."""
        return self.url.startswith("https:") or (self.proxy or "").startswith("https:")

    @property
    def server_hint(self) -> str:
        """What to do when nothing answers at the address."""
        if self.proxy is not None:
            return "the proxy is chosen by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY"
        match self.local:
            case "ollama":
                return "is `ollama serve` running? (another address: CODEX_OSS_BASE_URL or CODEX_OSS_PORT)"
            case "lmstudio":
                return "is the LM Studio server running? start it with `lms server start` (or set CODEX_OSS_PORT)"
            case _:
                return f"is the server of model_providers.{self.provider_id} running at {self.base_url}?"


def builtin_providers(environ: Mapping[str, str], openai_base_url: str | None = None) -> dict[str, ProviderInfo]:
    """The providers that need no `[model_providers.<id>]`: openai, ollama, lmstudio and scripted.

    Args:
      openai_base_url: the config key of that name; it wins over the variable OPENAI_BASE_URL.
    """
    base_url = openai_base_url or environ.get("OPENAI_BASE_URL") or None
    openai = ProviderInfo("openai", "OpenAI", base_url=base_url, requires_openai_auth=True)
    return {
        "openai": attrs.evolve(
            openai,
            env_http_headers={"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"},
        ),
        "ollama": ProviderInfo("ollama", "Ollama", base_url=_oss_base_url(environ, OLLAMA_PORT)),
        "lmstudio": ProviderInfo("lmstudio", "LM Studio", base_url=_oss_base_url(environ, LMSTUDIO_PORT)),
        "scripted": ProviderInfo("scripted", "Scripted model", wire_api="scripted"),
    }


def _oss_base_url(environ: Mapping[str, str], port: int) -> str:
    if base_url := environ.get("CODEX_OSS_BASE_URL"):
        return base_url
    text = environ.get("CODEX_OSS_PORT")
    if not text:
        return f"http://localhost:{port}/v1"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise UserError(f"CODEX_OSS_PORT={text!r}: expected a port number from 1 to 65535")
    return f"http://localhost:{int(text)}/v1"


def provider_of(config: Config, environ: Mapping[str, str]) -> ProviderInfo:
    """The provider that `model_provider` names: the user's own first, then a built-in one.

    Raises:
      UserError: no provider has that id.
    """
    name = config.model_provider
    if own := config.model_providers.get(name):
        return own
    stated = config.extra.get("openai_base_url")
    builtin = builtin_providers(environ, stated if isinstance(stated, str) else None)
    if name not in builtin:
        known = sorted({*builtin, *config.model_providers})
        raise UserError(
            f"model_provider = {name!r}: no such provider{did_you_mean(name, known)}; known: {', '.join(known)}; "
            f"add your own as [model_providers.{name}] in config.toml"
        )
    return builtin[name]


def endpoint_of(provider: ProviderInfo, environ: Mapping[str, str], credentials: Credentials) -> Endpoint:
    """Where this provider's requests go and with which headers.

    Args:
      credentials: what `auth.json` and the environment offer; used only where the provider wants OpenAI's login.

    Raises:
      UserError: no URL, a URL that is none, or no key.
    """
    headers, auth_hint = _authorization(provider, environ, credentials)
    base_url = provider.base_url
    if _is_openai_itself(provider):
        base_url = CHATGPT_BASE_URL if credentials.is_chatgpt else OPENAI_BASE_URL
    where = f"model_providers.{provider.id}"
    if base_url is None:
        raise UserError(f"{where}.base_url is missing: set the server's URL, for example http://localhost:8000/v1")
    _check_url(base_url, f"{where}.base_url")
    # Names in lower case, so that a header of the user's takes the place of ours.
    headers |= {name.lower(): value for name, value in provider.http_headers.items()}
    for name, variable in provider.env_http_headers.items():
        if value := environ.get(variable):
            headers[name.lower()] = value
    _check_headers(headers, where)
    url = _joined(base_url, _PATHS.get(provider.wire_api, "/responses"), provider.query_params)
    return Endpoint(
        provider_id=provider.id,
        base_url=_without_secrets(base_url),
        url=url,
        wire_api=provider.wire_api,
        headers=headers,
        auth_hint=auth_hint,
        local=_local_server(provider.id, url),
        proxy=proxy_for(url, environ),
    )


def _local_server(provider_id: str, url: str) -> str | None:
    """Which local server this is: by its provider, or an Ollama by its port."""
    if provider_id in _LOCAL_SERVERS:
        return provider_id
    parts = urlsplit(url)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return "ollama" if is_here and parts.port == OLLAMA_PORT else None


def _authorization(
    provider: ProviderInfo, environ: Mapping[str, str], credentials: Credentials
) -> tuple[dict[str, str], str]:
    """The headers that prove who asks, and what to check when the server does not believe them."""
    where = f"model_providers.{provider.id}"
    if provider.env_key is not None:
        key = environ.get(provider.env_key, "").strip()
        if not key:
            hint = provider.env_key_instructions or f"set it, or change {where}.env_key"
            raise UserError(f"the environment variable {provider.env_key} is not set; {provider.name} needs it: {hint}")
        return {"authorization": f"Bearer {key}"}, f"check the key in the environment variable {provider.env_key}"
    if provider.experimental_bearer_token is not None:
        token = provider.experimental_bearer_token
        return {"authorization": f"Bearer {token}"}, f"check {where}.experimental_bearer_token"
    if not provider.requires_openai_auth:
        return {}, f"the server wants a key: name its variable in {where}.env_key"
    if credentials.bearer is None:
        if _is_openai_itself(provider):
            raise UserError(_NO_KEY)
        return {}, "no key was sent: set OPENAI_API_KEY"
    headers = {"authorization": f"Bearer {credentials.bearer}"}
    if credentials.account_id is not None:
        headers["chatgpt-account-id"] = credentials.account_id
    return headers, credentials.hint


def _is_openai_itself(provider: ProviderInfo) -> bool:
    """Whether requests go to OpenAI, not to somebody's gateway in front of it."""
    return provider.requires_openai_auth and (provider.base_url or OPENAI_BASE_URL).rstrip("/") == OPENAI_BASE_URL


def _check_url(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        raise UserError(f"{where} = {url!r}: expected a URL such as https://host/v1")


def _check_headers(headers: Mapping[str, str], where: str) -> None:
    for name, value in headers.items():
        # The value may be a key: only its place is shown.
        if not name or not all((c.isalnum() and c.isascii()) or c in "!#$%&'*+-.^_`|~" for c in name):
            raise UserError(f"{where}: {name!r} cannot be the name of an HTTP header")
        if name in ("content-length", "transfer-encoding", "connection"):
            raise UserError(f"{where}: the HTTP header {name!r} cannot be set: it belongs to the connection")
        if not value.isascii() or any(ord(character) < 32 for character in value):
            raise UserError(f"{where}: the value for the HTTP header {name!r} has characters that no header may hold")


def _joined(base_url: str, path: str, query_params: Mapping[str, str]) -> str:
    parts = urlsplit(base_url)
    query = "&".join(
        part
        for part in (parts.query, *(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in query_params.items()))
        if part
    )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, query, ""))


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    query = "&".join(f"{pair.partition('=')[0]}=…" for pair in parts.query.split("&")) if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
