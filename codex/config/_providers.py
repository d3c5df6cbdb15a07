"""The model providers: those that come with the program, and what the configuration adds to them or changes."""

from collections.abc import Callable, Mapping
from typing import cast

from codex.config._faults import Faults, Table
from codex.config.schema import ProviderInfo

OSS_MODELS: Mapping[str, str] = {"ollama": "gpt-oss:20b", "lmstudio": "openai/gpt-oss-20b"}
# What a scripted thread calls its model unless told otherwise; no script looks at it.
SCRIPTED_MODEL = "scripted"
_OSS_PORTS: Mapping[str, int] = {"ollama": 11434, "lmstudio": 1234}

_BUILT_IN: Mapping[str, Table] = {
    # No address: the model room knows it, and it is another one with a ChatGPT login.
    "openai": {
        "name": "OpenAI",
        "env_http_headers": {"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"},
        "requires_openai_auth": True,
    },
    "ollama": {"name": "Ollama", "base_url": f"http://localhost:{_OSS_PORTS['ollama']}/v1"},
    "lmstudio": {"name": "LM Studio", "base_url": f"http://localhost:{_OSS_PORTS['lmstudio']}/v1"},
    "scripted": {"name": "Scripted model (offline)", "wire_api": "scripted"},
}
PROVIDER_IDS = tuple(_BUILT_IN)


def build_providers(configured: Table) -> dict[str, ProviderInfo]:
    """All providers by id; a table for a built-in one changes only the keys it names."""
    tables = {**_BUILT_IN, **{id_: {**_BUILT_IN.get(id_, {}), **cast("Table", configured[id_])} for id_ in configured}}
    # The checked tables have the fields' names and types.
    new = cast("Callable[..., ProviderInfo]", ProviderInfo)
    return {id_: new(**{"id": id_, "name": id_, **tables[id_]}) for id_ in tables}


def choose_oss_provider(requested: str | None, faults: Faults) -> str | None:
    """The provider for `--oss`; without a choice the fault names both."""
    if requested is None:
        both = "--local-provider ollama or --local-provider lmstudio"
        problem = f'no local provider is chosen; add {both}, or set oss_provider = "ollama" in config.toml'
        faults.add_at("--oss", (), problem)
    return requested


def environment_providers(environ: Mapping[str, str], faults: Faults) -> list[tuple[str, Table]]:
    """What the variables of the environment say about providers: the variable's name and its table."""
    found: list[tuple[str, Table]] = []
    if url := environ.get("OPENAI_BASE_URL"):
        found.append(("OPENAI_BASE_URL", {"openai_base_url": url}))
    if port := environ.get("CODEX_OSS_PORT"):
        if port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536:
            found.append(("CODEX_OSS_PORT", _oss_table(f"http://localhost:{int(port)}/v1")))
        else:
            faults.add_at("CODEX_OSS_PORT", (), f"expected a port from 1 to 65535; got {port!r}; correct or unset it")
    if url := environ.get("CODEX_OSS_BASE_URL"):
        found.append(("CODEX_OSS_BASE_URL", _oss_table(url)))
    return found


def _oss_table(url: str) -> Table:
    return {"model_providers": {id_: {"base_url": url} for id_ in OSS_MODELS}}


def check_selected(providers: Mapping[str, ProviderInfo], selected: str, where: str, faults: Faults) -> None:
    """A fault when the selected provider is unknown or cannot be asked for lack of an address."""
    provider = providers.get(selected)
    if provider is None:
        from codex.base.suggest import did_you_mean

        known = ", ".join(sorted(providers))
        way_out = f"choose one of them or add [model_providers.{selected}]"
        close = did_you_mean(selected, providers)
        faults.add_at(where, ("model_provider",), f"unknown provider {selected!r}{close}; known: {known}; {way_out}")
    elif provider.base_url is None and provider.wire_api != "scripted" and not provider.requires_openai_auth:
        key = ("model_providers", selected, "base_url")
        faults.add_at(where, key, 'missing; say where the server is, for example base_url = "http://localhost:8000/v1"')
