"""What is known about models, and the catalog file of one's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from codex.base.errors import UserError
from codex.config.schema import Config
from codex.model import ModelInfo, fallback_warning, load_catalog, lookup, lookup_model


@pytest.mark.parametrize(
    ("slug", "window", "apply_patch"),
    [
        ("gpt-5.5", 258_400, "freeform"),
        ("gpt-5.5-2026-01-01", 258_400, "freeform"),
        ("gpt-6.1-sol", 353_400, "freeform"),
        ("gpt-6-astra", 353_400, "freeform"),
        ("gpt-5.6-luna", 353_400, "freeform"),
        ("gpt-oss:20b", 124_518, "function"),
        ("openai/gpt-oss-120b", 124_518, "function"),
    ],
)
def test_known_models_are_found_by_the_beginning_of_their_name(slug: str, window: int, apply_patch: str) -> None:
    found = lookup(slug)
    assert (found.slug, found.effective_context_window, found.apply_patch_tool) == (slug, window, apply_patch)
    assert not found.is_fallback


@pytest.mark.parametrize("slug", ["llama3", "gpt-50", "gpt", "", "gpt-4o"])
def test_unknown_models_get_careful_defaults_and_a_warning(slug: str) -> None:
    assert lookup(slug) == ModelInfo(slug, is_fallback=True)
    assert fallback_warning("llama3") == (
        "Model metadata for `llama3` not found. Defaulting to fallback metadata; "
        "this can degrade performance and cause issues."
    )


def write(path: Path, *models: Any) -> str:
    (path / "models.json").write_text(json.dumps({"models": models}))
    return str(path / "models.json")


def test_an_own_catalog_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "slug": "lab-direct",
            "context_window": 1000,
            "effective_context_window_percent": 50,
            "truncation_policy": {"mode": "bytes", "limit": 8000},
            "apply_patch_tool_type": "freeform",
            "supports_parallel_tool_calls": True,
            "input_modalities": ["text"],
            "default_reasoning_level": "low",
            "default_verbosity": "low",
            "support_verbosity": False,
            "something_new": {},
        },
    )
    catalog = load_catalog(path)
    assert lookup("lab-direct-2", catalog) == ModelInfo(
        "lab-direct-2",
        context_window=1000,
        effective_context_window_percent=50,
        truncation_tokens=2000,
        apply_patch_tool="freeform",
        supports_parallel_tool_calls=True,
        supports_image_input=False,
        supports_reasoning=True,
        default_reasoning_effort="low",
    )
    assert lookup("gpt-5.5", catalog).is_fallback


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([], 'expected {"models"'),
        ([7], r"models\[0\]: expected an object, got 7"),
        ([{}], r"models\[0\]\.slug: expected the model's name, got None"),
        ([{"slug": "a", "context_window": "big"}], r"models\[0\] \(a\)\.context_window: expected a whole number"),
        ([{"slug": "a", "context_window": True}], r"\(a\)\.context_window"),
        ([{"slug": "a", "apply_patch_tool_type": "magic"}], r"\(a\)\.apply_patch_tool_type: expected \"freeform\""),
        ([{"slug": "a", "truncation_policy": {"mode": "lines"}}], r"truncation_policy\.mode"),
        ([{"slug": "a", "supports_parallel_tool_calls": 1}], "expected true or false, got 1"),
        ([{"slug": "a"}, {"slug": "a"}], "the slug 'a' stands there more than once"),
    ],
)
def test_a_catalog_that_cannot_be_used_names_the_field(tmp_path: Path, models: list[Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_catalog(write(tmp_path, *models))


def test_a_catalog_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model_catalog_json = '/no/such' cannot be read: No such file"):
        load_catalog("/no/such")
    (tmp_path / "x").write_text("{")
    with pytest.raises(UserError, match="is no JSON object"):
        load_catalog(str(tmp_path / "x"))


def test_the_configuration_chooses_the_model_and_its_limits(tmp_path: Path) -> None:
    config = Config("/h", "/", model="gpt-5.5", model_context_window=5000, tool_output_token_limit=77)
    assert (lookup_model(config).context_window, lookup_model(config).truncation_tokens) == (5000, 77)
    own = Config("/h", "/", model="mini", model_catalog_json=write(tmp_path, {"slug": "mini"}))
    assert not lookup_model(own).is_fallback


def test_without_a_model_the_providers_own_is_taken_or_the_ways_out_are_named() -> None:
    assert lookup_model(Config("/h", "/")).slug == "gpt-5.5"
    assert lookup_model(Config("/h", "/", model_provider="ollama")).slug == "gpt-oss:20b"
    with pytest.raises(UserError) as caught:
        lookup_model(Config("/h", "/", model_provider="mine"))
    for words in ("'mine'", "-m MODEL", "OPENAI_API_KEY", "--oss", "codex demo"):
        assert words in str(caught.value)
