"""Providers: the built-in ones, the user's, and the choice between them."""

import attrs
import pytest

from codex.base.errors import UserError
from codex.config import ProviderInfo
from tests.codex.config.place import Place


def test_a_user_defined_provider_has_all_its_keys(place: Place) -> None:
    place.write(
        """
        model_provider = "mine"
        [model_providers.mine]
        name = "Mine"
        base_url = "https://mine.example/v1"
        env_key = "MINE_KEY"
        env_key_instructions = "ask me"
        experimental_bearer_token = "t"
        wire_api = "chat"
        query_params = { "api-version" = "1" }
        http_headers = { a = "b" }
        env_http_headers = { c = "D" }
        request_max_retries = 0
        stream_max_retries = 1
        stream_idle_timeout_ms = 2
        response_header_timeout_ms = 3
        requires_openai_auth = true
        """
    )
    assert place.load().model_providers["mine"] == ProviderInfo(
        id="mine",
        name="Mine",
        base_url="https://mine.example/v1",
        env_key="MINE_KEY",
        env_key_instructions="ask me",
        experimental_bearer_token="t",
        wire_api="chat",
        query_params={"api-version": "1"},
        http_headers={"a": "b"},
        env_http_headers={"c": "D"},
        request_max_retries=0,
        stream_max_retries=1,
        stream_idle_timeout_ms=2,
        response_header_timeout_ms=3,
        requires_openai_auth=True,
    )


def test_a_built_in_provider_keeps_what_is_not_overridden(place: Place) -> None:
    before = place.load().model_providers["ollama"]
    after = place.load("model_providers.ollama.stream_max_retries=9").model_providers["ollama"]
    assert after == attrs.evolve(before, stream_max_retries=9)


def test_an_address_in_the_environment_stands_above_files_and_below_c_flags(place: Place) -> None:
    place.write('openai_base_url = "http://file/v1"\n[model_providers.ollama]\nbase_url = "http://file/v1"\n')
    environ = {"OPENAI_BASE_URL": "http://env/v1", "CODEX_OSS_PORT": "1"}

    def urls(*overrides: str, environ: dict[str, str]) -> list[str | None]:
        providers = place.load(*overrides, environ=environ).model_providers
        return [providers[name].base_url for name in ("openai", "ollama", "lmstudio")]

    assert urls(environ={}) == ["http://file/v1", "http://file/v1", "http://localhost:1234/v1"]
    assert urls(environ=environ) == ["http://env/v1", "http://localhost:1/v1", "http://localhost:1/v1"]
    assert urls("openai_base_url=http://c/v1", environ=environ)[0] == "http://c/v1"
    assert urls(environ={**environ, "CODEX_OSS_BASE_URL": "http://oss/v1"})[1:] == ["http://oss/v1"] * 2


@pytest.mark.parametrize(("name", "model"), [("ollama", "gpt-oss:20b"), ("lmstudio", "openai/gpt-oss-20b")])
def test_oss_takes_the_local_provider_and_its_model(place: Place, name: str, model: str) -> None:
    place.write('model = "gpt-5.5"\nmodel_provider = "openai"\n')
    config = place.load(flags={"oss": True, "local_provider": name})
    assert (config.model_provider, config.model) == (name, model)
    config = place.load(flags={"oss": True, "local_provider": name, "model": "own"})
    assert (config.model_provider, config.model) == (name, "own")
    place.write(f'oss_provider = "{name}"\n')
    assert place.load(flags={"oss": True}).model_provider == name
    assert place.load(f"model_provider={name}").model == model


def test_oss_without_a_choice_names_both(place: Place) -> None:
    with pytest.raises(UserError) as caught:
        place.load(flags={"oss": True})
    assert str(caught.value) == (
        "--oss: no local provider is chosen; add --local-provider ollama or --local-provider lmstudio, "
        'or set oss_provider = "ollama" in config.toml'
    )


def test_the_scripted_provider_knows_its_script(place: Place) -> None:
    config = place.load("model_provider=scripted", "model_script=s.json")
    assert config.model_providers["scripted"].script == str(place.cwd / "s.json")
    assert config.model_providers["scripted"].wire_api == "scripted"
    assert config.model == "scripted"
    config = place.load("model_provider=scripted", "model_providers.scripted.script=/t.json", "model=m")
    assert (config.model_providers["scripted"].script, config.model) == ("/t.json", "m")


def test_an_unknown_provider_is_told_with_the_list(place: Place) -> None:
    path = place.write('\nmodel_provider = "olama"\n')
    with pytest.raises(UserError) as caught:
        place.load()
    assert str(caught.value) == (
        f"{path}:2: model_provider: unknown provider 'olama', did you mean 'ollama'?; "
        "known: lmstudio, ollama, openai, scripted; choose one of them or add [model_providers.olama]"
    )


def test_the_layer_that_wins_is_blamed(place: Place) -> None:
    place.write('model_provider = "olama"')
    with pytest.raises(UserError, match=r"^-c model_provider=x: model_provider: unknown provider 'x'; known"):
        place.load("model_provider=x")


def test_the_chosen_provider_needs_an_address(place: Place) -> None:
    with pytest.raises(UserError, match=r"model_providers\.x\.base_url: missing; say where the server is"):
        place.load("model_provider=x", "model_providers.x.name=X")
    assert place.load("model_providers.x.name=X").model_providers["x"].base_url is None


def test_openai_itself_has_no_address_until_somebody_gives_one(place: Place) -> None:
    openai = place.load().model_providers["openai"]
    assert (openai.base_url, openai.requires_openai_auth) == (None, True)


def test_secrets_of_a_provider_are_not_in_its_repr() -> None:
    shown = repr(ProviderInfo("x", "x", experimental_bearer_token="s3cret", http_headers={"a": "s3cret"}))
    assert "s3cret" not in shown
