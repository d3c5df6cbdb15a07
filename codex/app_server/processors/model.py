"""`model/list`, `modelProvider/*`: which models there are, and who serves them."""

from functools import partial

import trio

from codex.app_server.api.model import (
    CustomGatewayProviderSettings,
    EnvironmentVariableAuth,
    ExternallyConfiguredAuth,
    Model,
    ModelListParams,
    ModelListResponse,
    ModelProviderCapabilitiesReadParams,
    ModelProviderCapabilitiesReadResponse,
    ModelProviderListParams,
    ModelProviderListResponse,
    ModelProviderSummary,
    NoAuth,
    OpenaiProviderSettings,
    ProviderSettings,
    ReasoningEffortOption,
)
from codex.app_server.desk import Desk
from codex.app_server.offsets import page
from codex.config.schema import Config, ProviderInfo
from codex.model import lookup_model
from codex.model.catalog import ModelInfo, builtin_catalog, load_catalog
from codex.model.provider import builtin_providers

EFFORTS = {
    "low": "Thinks little and answers soon",
    "medium": "Thinks as much as most tasks need",
    "high": "Thinks long about hard problems",
    "xhigh": "Thinks longest",
}


async def list_models(desk: Desk, params: ModelListParams) -> ModelListResponse:
    """The catalog, the model in use first. Cancelled, nothing happened."""
    config = await desk.server.load_config()
    models = await trio.to_thread.run_sync(partial(_models, config))
    data, following = page(models, cursor=params.cursor, limit=params.limit, what="models")
    return ModelListResponse(data=data, next_cursor=following)


def _models(config: Config) -> list[Model]:
    catalog = load_catalog(config.model_catalog_json) if config.model_catalog_json else builtin_catalog()
    current = lookup_model(config).slug
    known = {info.slug: info for info in catalog}
    infos = [known.pop(current, None) or lookup_model(config), *known.values()]
    return [_shown(info, is_default=info.slug == current) for info in infos]


def _shown(info: ModelInfo, *, is_default: bool) -> Model:
    efforts = EFFORTS if info.supports_reasoning else {}
    default = info.default_reasoning_effort or "medium"
    return Model(
        id=info.slug,
        model=info.slug,
        display_name=info.slug,
        description=f"{info.context_window:,} tokens of context",
        hidden=False,
        supported_reasoning_efforts=tuple(
            ReasoningEffortOption(reasoning_effort=effort, description=text) for effort, text in efforts.items()
        ),
        default_reasoning_effort=default,
        input_modalities=("text", "image") if info.supports_image_input else ("text",),
        multi_agent_version=info.multi_agent_version,
        is_default=is_default,
    )


async def list_providers(desk: Desk, _params: ModelProviderListParams) -> ModelProviderListResponse:
    """The provider in use, the user's own, and OpenAI. Cancelled, nothing happened."""
    config = await desk.server.load_config()
    known = {"openai": builtin_providers(desk.server.environ)["openai"], **config.model_providers}
    names = sorted(known, key=lambda name: (name != config.model_provider, name))
    return ModelProviderListResponse(
        data=tuple(_provider(known[name], own=name in config.model_providers) for name in names),
        default_provider_id=config.model_provider,
        can_change_default=False,
    )


def _provider(info: ProviderInfo, *, own: bool) -> ModelProviderSummary:
    settings: ProviderSettings = OpenaiProviderSettings()
    if own:
        settings = CustomGatewayProviderSettings(auth=_auth(info))
    return ModelProviderSummary(id=info.id, name=info.name, can_edit=own, base_url=info.base_url, settings=settings)


def _auth(info: ProviderInfo) -> EnvironmentVariableAuth | ExternallyConfiguredAuth | NoAuth:
    if info.env_key:
        return EnvironmentVariableAuth(env_key=info.env_key)
    return ExternallyConfiguredAuth() if info.experimental_bearer_token or info.http_headers else NoAuth()


async def read_capabilities(
    _desk: Desk, _params: ModelProviderCapabilitiesReadParams
) -> ModelProviderCapabilitiesReadResponse:
    """What the provider does beyond answering: nothing of it is offered here. Does not wait."""
    return ModelProviderCapabilitiesReadResponse(image_generation=False, web_search=False)


HANDLERS = {
    "model/list": list_models,
    "modelProvider/list": list_providers,
    "modelProvider/capabilities/read": read_capabilities,
}
