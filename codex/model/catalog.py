"""What is known about models: context windows, tools and defaults, by name. Pure, but for reading an own catalog file.

Unknown models work with careful defaults, and the user is told.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Literal, TypeAlias

import attrs

from codex.base.errors import UserError
from codex.base.jsontext import Json, JsonObject, decode_object, get_object, get_str
from codex.config.schema import Config

DEFAULT_MODELS: Mapping[str, str] = {
    "openai": "gpt-5.5",
    "ollama": "gpt-oss:20b",
    "lmstudio": "openai/gpt-oss-20b",
    "scripted": "scripted",
}

ImageDetail: TypeAlias = Literal["high", "original"]
ApplyPatchTool: TypeAlias = Literal["freeform", "function"]


@attrs.frozen
class ModelInfo:
    """How to speak to one model. Defaults are those of a model nobody knows.

    `image_detail`: what is asked for the user's images.
    `multi_agent_version`: the tools for sub-agents it was made for, None where nobody says.
    `default_verbosity` None: the model does not take the setting. `context_window` counts tokens.
    """

    slug: str
    context_window: int = 272_000
    effective_context_window_percent: int = 95
    truncation_tokens: int = 10_000
    apply_patch_tool: ApplyPatchTool | None = None
    supports_parallel_tool_calls: bool = False
    supports_image_input: bool = True
    image_detail: ImageDetail = "high"
    supports_reasoning: bool = False
    default_reasoning_effort: str | None = None
    default_reasoning_summary: str | None = None
    default_verbosity: str | None = None
    base_instructions: str | None = attrs.field(default=None, repr=False)
    multi_agent_version: Literal["v1", "v2"] | None = None
    is_fallback: bool = False

    @property
    def effective_context_window(self) -> int:
        """Tokens that a conversation may really fill."""
        return self.context_window * self.effective_context_window_percent // 100


def fallback_warning(slug: str) -> str:
    """What the user is told about a model that nobody knows."""
    return (
        f"Model metadata for `{slug}` not found. Defaulting to fallback metadata; "
        "this can degrade performance and cause issues."
    )


def _openai(
    slug: str, window: int, *, effort: str = "medium", summary: str = "none", detail: ImageDetail = "original"
) -> ModelInfo:
    return ModelInfo(
        slug,
        image_detail=detail,
        context_window=window,
        apply_patch_tool="freeform",
        supports_parallel_tool_calls=True,
        supports_reasoning=True,
        default_reasoning_effort=effort,
        default_reasoning_summary=summary,
        default_verbosity="low",
    )


@cache
def builtin_catalog() -> tuple[ModelInfo, ...]:
    """The models known by name. A name also stands for its dated and suffixed variants."""
    return (
        _openai("gpt-6", 372_000),
        _openai("gpt-5.6", 372_000, effort="low"),
        _openai("gpt-5.5", 272_000),
        _openai("gpt-5.4", 272_000, detail="high"),
        _openai("gpt-5.3-codex", 272_000, detail="high"),
        _openai("gpt-5.2", 272_000, detail="high"),
        _openai("gpt-5", 272_000, summary="auto", detail="high"),
        _openai("codex-auto-review", 272_000),
        _openai("gpt-daybreak", 272_000),
        ModelInfo(
            "gpt-oss",
            context_window=131_072,
            apply_patch_tool="function",
            supports_image_input=False,
            supports_reasoning=True,
            default_reasoning_effort="medium",
        ),
    )


def lookup(slug: str, catalog: Sequence[ModelInfo] = ()) -> ModelInfo:
    """What is known about a model: the longest name in the catalog that it begins with, else the fallback.

    Args:
      catalog: an own catalog takes the place of the built-in one.

    A vendor before a slash does not count: `openai/gpt-oss-20b` is a `gpt-oss`.
    """
    known = catalog or builtin_catalog()
    for name in (slug, slug.rpartition("/")[2]):
        found = max((info for info in known if _stands_for(info.slug, name)), key=lambda i: len(i.slug), default=None)
        if found is not None:
            return attrs.evolve(found, slug=slug)
    return ModelInfo(slug, is_fallback=True)


def lookup_model(config: Config) -> ModelInfo:
    """The model that a configuration asks for, with the catalog and the limits it sets.

    Where no model is named, a built-in provider's own default is taken.

    Raises:
      UserError: no model is named, or the catalog file cannot be used.
    """
    slug = config.model or DEFAULT_MODELS.get(config.model_provider)
    if slug is None:
        raise UserError(
            f"no model is named for the provider {config.model_provider!r}: pass -m MODEL, or set `model` in "
            "config.toml (OpenAI's need OPENAI_API_KEY, a local one --oss; `codex demo` needs no model)"
        )
    info = _known(slug) if config.model_catalog_json is None else lookup(slug, load_catalog(config.model_catalog_json))
    if config.model_context_window is None and config.tool_output_token_limit is None:
        return info
    return attrs.evolve(
        info,
        context_window=config.model_context_window or info.context_window,
        truncation_tokens=config.tool_output_token_limit or info.truncation_tokens,
    )


@lru_cache
def _known(slug: str) -> ModelInfo:
    """What the built-in catalog tells: a thousand agents ask for the same model."""
    return lookup(slug)


def _stands_for(known: str, slug: str) -> bool:
    # `gpt-5` does not stand for `gpt-50` or `gpt-5000`, but for `gpt-5-mini`, `gpt-5.9` and `gpt-oss:20b`.
    return slug.startswith(known) and not slug[len(known) :][:1].isalnum()


def load_catalog(path: str) -> tuple[ModelInfo, ...]:
    """The models in a `model_catalog_json` file, in Codex's format: `{"models": [{"slug": …}, …]}`.

    Raises:
      UserError: the file cannot be read or used; the text names the file, the model and the field.
    """
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise UserError(f"model_catalog_json = {path!r} cannot be read: {error.strerror}") from error
    try:
        root = decode_object(text)
    except ValueError as error:
        raise UserError(f"model_catalog_json = {path!r} is no JSON object: {error}") from error
    return parse_catalog(root, path)


def parse_catalog(root: JsonObject, path: str) -> tuple[ModelInfo, ...]:
    """Like `load_catalog`, from the parsed file; `path` is for the messages."""
    models = root.get("models")
    if not isinstance(models, list) or not models:
        raise UserError(f'{path}: expected {{"models": [{{"slug": "…", …}}]}} with at least one model')
    infos = tuple(_model(entry, f"{path}: models[{index}]") for index, entry in enumerate(models))
    slugs = [info.slug for info in infos]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise UserError(f"{path}: the slug {slug!r} stands there more than once; keep one")
    return infos


def _model(entry: Json, where: str) -> ModelInfo:
    if not isinstance(entry, dict):
        raise UserError(f"{where}: expected an object, got {entry!r}")
    slug = entry.get("slug")
    if not isinstance(slug, str) or not slug:
        raise UserError(f"{where}.slug: expected the model's name, got {slug!r}")
    where = f"{where} ({slug})"
    modalities = entry.get("input_modalities")
    levels = entry.get("supported_reasoning_levels")
    effort = _text(entry, "default_reasoning_level", where)
    summaries = _flag(entry, "supports_reasoning_summaries", where, default=effort is not None or bool(levels))
    verbosity = _text(entry, "default_verbosity", where)
    return ModelInfo(
        slug,
        context_window=_number(entry, "context_window", where, default=272_000, maximum=10**9),
        effective_context_window_percent=_number(entry, "effective_context_window_percent", where, 95, maximum=100),
        truncation_tokens=_truncation(entry, where),
        apply_patch_tool=_apply_patch(entry, where),
        supports_parallel_tool_calls=_flag(entry, "supports_parallel_tool_calls", where, default=False),
        supports_image_input="image" in modalities if isinstance(modalities, list) else True,
        image_detail=("original" if _flag(entry, "supports_image_detail_original", where, default=False) else "high"),
        supports_reasoning=summaries,
        default_reasoning_effort=effort,
        default_reasoning_summary=_text(entry, "default_reasoning_summary", where),
        default_verbosity=verbosity if _flag(entry, "support_verbosity", where, default=True) else None,
        base_instructions=_text(entry, "base_instructions", where),
        multi_agent_version=_multi_agent(entry, where),
    )


def _multi_agent(entry: Mapping[str, Json], where: str) -> Literal["v1", "v2"] | None:
    match entry.get("multi_agent_version"):
        case None | "v1" | "v2" as version:
            return version
        case other:
            raise UserError(f'{where}.multi_agent_version: expected "v1" or "v2", got {other!r}')


def _apply_patch(entry: Mapping[str, Json], where: str) -> ApplyPatchTool | None:
    match entry.get("apply_patch_tool_type"):
        case None:
            return None
        case "freeform":
            return "freeform"
        case "function":
            return "function"
        case other:
            raise UserError(f'{where}.apply_patch_tool_type: expected "freeform", "function" or null, got {other!r}')


def _truncation(entry: JsonObject, where: str) -> int:
    policy = get_object(entry, "truncation_policy")
    if not policy:
        return 10_000
    limit = _number(policy, "limit", f"{where}.truncation_policy", default=10_000, maximum=10**9)
    match get_str(policy, "mode", "tokens"):
        case "tokens":
            return limit
        case "bytes":
            return max(1, limit // 4)
        case other:
            raise UserError(f'{where}.truncation_policy.mode: expected "tokens" or "bytes", got {other!r}')


def _number(entry: Mapping[str, Json], key: str, where: str, default: int, *, maximum: int) -> int:
    value = entry.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= maximum:
        raise UserError(f"{where}.{key}: expected a whole number from 1 to {maximum}, got {value!r}")
    return value


def _text(entry: Mapping[str, Json], key: str, where: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise UserError(f"{where}.{key}: expected a text or null, got {value!r}")
    return value


def _flag(entry: Mapping[str, Json], key: str, where: str, *, default: bool) -> bool:
    value = entry.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise UserError(f"{where}.{key}: expected true or false, got {value!r}")
    return value
